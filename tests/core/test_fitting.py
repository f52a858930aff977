"""Whether a model fits: by what it needs and what is free, never by a list."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from diorama.contract import Availability, AvailabilityState, Capabilities, MemoryNeed, ModelInfo, Operation
from diorama.fitting import Fitter, Room, fit
from diorama.status import cards
from diorama.workers.free_memory import card_facts, free_memory, free_ram, resident_bytes

GB = 10**9
FULL = MemoryNeed(plan="full", device_bytes=20 * GB)
OFFLOAD = MemoryNeed(plan="model_offload", device_bytes=12 * GB, ram_bytes=18 * GB)
SMALLER = MemoryNeed(plan="full (Q4_K_M)", device_bytes=8 * GB, parameters={"quantization": "Q4_K_M"})


@pytest.mark.parametrize(
    ("device", "ram", "verdict", "plan"),
    [
        (24, 32, "yes", "full"),
        (16, 32, "with_offload", "model_offload"),
        (16, 8, "with_offload", "full (Q4_K_M)"),
        (10, 64, "with_offload", "full (Q4_K_M)"),
        (4, 64, "no", ""),
        (None, None, "yes", "full"),
    ],
)
def test_the_first_way_that_fits_is_taken(
    device: int | None, ram: int | None, verdict: str, plan: str
) -> None:
    room = Room(
        device="cuda:0",
        device_bytes=None if device is None else device * GB,
        ram_bytes=None if ram is None else ram * GB,
    )
    found = fit([FULL, OFFLOAD, SMALLER], room)
    assert (found.verdict, found.plan) == (verdict, plan)
    assert found.why.endswith((".", "fits."))
    assert dict(found.parameters) == ({"quantization": "Q4_K_M"} if "Q4" in plan else {})


def test_a_card_that_would_do_with_too_little_main_memory() -> None:
    found = fit([FULL, OFFLOAD], Room(device="cuda:0", device_bytes=16 * GB, ram_bytes=8 * GB))
    assert found.verdict == "no"
    assert "18.0 GB of main memory" in found.why


def engine_with(models: list[ModelInfo], needs: dict[str, list[MemoryNeed]], loaded: Any = None) -> Any:
    def memory_needs(native_id: str, device: str) -> list[MemoryNeed]:
        if native_id == "broken":
            raise RuntimeError("no idea")
        return needs.get(native_id, [])

    backend = SimpleNamespace(placement="worker", memory_needs=memory_needs)
    executor = SimpleNamespace(lanes=lambda: ("cuda:0",), loaded=lambda: loaded or {}, workers=lambda: ())
    return SimpleNamespace(
        registry=SimpleNamespace(backend=lambda name: backend),
        executor=executor,
        catalog=SimpleNamespace(models=lambda: models),
    )


def model(name: str, *, ready: bool = True, **values: Any) -> ModelInfo:
    state = Availability() if ready else Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix="Get it.")
    return ModelInfo(
        id=f"local:{name}", title=name, operations={Operation.GENERATE: Capabilities()}, availability=state, **values
    )  # fmt: skip


def test_what_would_fit_is_named() -> None:
    models = [
        model("big"),
        model("small", memory_gb=2.0),
        model("medium", memory_gb=6.0),
        model("absent", ready=False),
    ]
    engine = engine_with(models, {"big": [FULL]})
    answer = Fitter(engine, free=lambda device: 8 * GB).answer(models[0])
    assert (answer["can_generate"], answer["verdict"]) == (False, "no")
    assert answer["would_fit"] == ["local:medium", "local:small"]
    assert "local:medium" in answer["fix"]
    assert (answer["needed_gb"], answer["free_gb"]) == (20.0, 8.0)


def test_an_open_model_fits_and_an_absent_one_says_what_to_do() -> None:
    big, absent = model("big"), model("absent", ready=False)
    engine = engine_with([big, absent], {"big": [FULL]}, loaded={"cuda:0": ("local:big",)})
    fitter = Fitter(engine, free=lambda device: 1 * GB)
    assert fitter.answer(big)["verdict"] == "yes"
    answer = fitter.answer(absent)
    assert (answer["can_generate"], answer["fix"]) == (False, "Get it.")


def test_a_backend_that_fails_to_answer_does_no_harm() -> None:
    broken = model("broken", memory_gb=4.0)
    assert Fitter(engine_with([broken], {}), free=lambda device: 8 * GB).of(broken).verdict == "yes"
    assert Fitter(engine_with([broken], {}), free=lambda device: 2 * GB).of(broken).verdict == "no"


def test_free_memory_of_this_machine() -> None:
    assert free_memory("cpu") == pytest.approx(free_ram(), rel=0.2)
    if sys.platform == "linux":
        assert resident_bytes(os.getpid()) > 1_000_000
    assert resident_bytes(2**22 + 1) == 0


def test_what_an_idle_worker_holds_on_the_card_counts_as_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\ncase "$*" in *compute-apps*) echo "11, 9000"; echo "77, 14000";; *) echo 2000;; esac\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    big = model("big")
    engine = engine_with([big], {"big": [MemoryNeed(plan="full", device_bytes=15_000 * 1024**2)]})
    engine.executor.workers = lambda: (SimpleNamespace(pid=77, state="busy"),)
    assert Fitter(engine).of(big).verdict == "no"
    engine.executor.workers = lambda: (SimpleNamespace(pid=77, state="idle"),)
    found = Fitter(engine).of(big)
    assert (found.verdict, found.free_bytes) == ("yes", 16_000 * 1024**2)


def test_cards_are_asked_by_the_number_that_the_driver_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$@" > "$0.asked"\necho 1024\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert free_memory("cuda:1", {"CUDA_VISIBLE_DEVICES": "5,7"}) == 1024 * 1024**2
    assert "--id=7" in (tmp_path / "nvidia-smi.asked").read_text()
    assert free_memory("cuda:1", {}) == 1024 * 1024**2
    assert "--id=1" in (tmp_path / "nvidia-smi.asked").read_text()
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert free_memory("cuda:0", {}) is None


def test_a_card_is_named_with_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\ncase "$1" in --id=0) echo "NVIDIA RTX A, 24 GB, 24564, 20000";; *) echo "[N/A], [N/A]";; esac\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cards(["cuda:0", "cuda:1", "cpu"]) == [
        {
            "device": "cuda:0",
            "name": "NVIDIA RTX A, 24 GB",
            "total_bytes": 24564 * 1024**2,
            "free_bytes": 20000 * 1024**2,
        }
    ]
    tool.unlink()
    assert card_facts("cuda:0") is None
