"""What is particular to KREA: the OpenAPI document, its states and reasons, uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    BackendError,
    BackendSettings,
    ContentRefused,
    Cost,
    InvalidRequest,
    LoraRef,
    Operation,
)
from diorama.testing import RecordingListContext
from diorama_krea import create_backend
from diorama_krea.backend import reason_of
from diorama_krea.spec import offers_from, price_of
from standins import KreaStandin, Script
from standins.krea_spec import document
from standins.table import QUICK, Bench


@pytest.fixture
def bench(loopback_only: Any, tmp_path: Path) -> Any:
    with KreaStandin() as server:
        settings = BackendSettings(
            id="krea", options={**QUICK, "api_url": server.url()}, cache_dir=tmp_path / "cache"
        )
        yield Bench(lambda: create_backend(settings), server, {}, tmp_path)


CURATED = [
    (native, operation)
    for native, offer in create_backend(BackendSettings(id="krea")).curated().items()
    for operation in offer.wires
]
DISCOVERED = [
    (native, operation)
    for native, offer in offers_from("krea", document("http://x")).items()
    for operation in offer.wires
]


@pytest.mark.parametrize(("native", "operation"), CURATED)
def test_every_curated_model_fits_the_document(bench: Bench, native: str, operation: Operation) -> None:
    result, context = bench.run(operation, model=native)
    assert result.artifacts
    assert [note for note in context.notes if note[0] == "ignored"] == []


@pytest.mark.parametrize(("native", "operation"), DISCOVERED)
def test_every_discovered_model_runs_as_its_schema_says(
    bench: Bench, native: str, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.backend, "curated", dict)
    result, context = bench.run(operation, model=native)
    assert result.artifacts
    assert [note for note in context.notes if note[0] == "ignored"] == []


def test_the_document_names_the_models_and_nothing_else() -> None:
    offers = offers_from("krea", document("http://x"))
    assert set(offers) == {
        "image/bfl/flux-1-dev", "image/google/nano-banana", "image/bytedance/seededit", "image/krea/krea-2/medium",
        "enhance/topaz/standard-enhance", "video/kling/kling-2.5", "video/alibaba/wan-2.5",
    }  # fmt: skip
    flux = offers["image/bfl/flux-1-dev"].info
    assert flux.price is not None
    assert (flux.price.amount, flux.price.currency) == (3, "credits")
    assert set(flux.operations) == {Operation.GENERATE, Operation.EDIT}
    assert set(offers["image/bytedance/seededit"].info.operations) == {Operation.EDIT}
    wan = offers["video/alibaba/wan-2.5"].info.operations[Operation.VIDEO]
    assert wan.audio
    assert wan.duration is not None
    assert (wan.duration.minimum, wan.duration.maximum) == (5, 10)


def test_discovery_needs_no_key_and_is_kept(bench: Bench) -> None:
    context = RecordingListContext(refresh=True, offline=False, fetcher=bench.fetcher)
    models = bench.backend.list_models(context=context)  # type: ignore[attr-defined]
    assert {model.availability.state.value for model in models} == {"needs_key"}
    assert "authorization" not in next(seen for seen in bench.server.seen if seen.name == "discover").headers
    again = bench.make().list_models(context=RecordingListContext(offline=True))  # type: ignore[attr-defined]
    assert [model.id for model in again] == [model.id for model in models]


@pytest.mark.parametrize("curated", [True, False])
def test_lora_are_styles_by_their_id(bench: Bench, curated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not curated:
        monkeypatch.setattr(bench.backend, "curated", dict)
    loras = (LoraRef(id="style-7f", weight=0.5),)
    bench.run(Operation.GENERATE, model="image/bfl/flux-1-dev", loras=loras)
    assert bench.server.job.arguments["styles"] == [{"id": "style-7f", "strength": 0.5}]
    with pytest.raises(InvalidRequest, match="runs elsewhere"):
        bench.run(
            Operation.GENERATE, model="image/bfl/flux-1-dev", loras=(LoraRef(id="https://x.example/a"),)
        )


def test_all_states_are_passed_and_an_unfinished_picture_is_none(bench: Bench) -> None:
    bench.server.next(Script(queued=2, running=3))
    _, context = bench.run(Operation.GENERATE, model="image/bfl/flux-1-dev")
    told = [message for _, _, message, _ in context.reports]
    assert any("Scheduled" in message for message in told)
    assert "KREA: intermediate complete" in told
    assert len(context.outputs) == 1


@pytest.mark.parametrize(("script", "error", "text"), [
    (Script(outcome="failed"), BackendError, "no reason"), (Script(outcome="failed", error="GPU lost"), BackendError, "GPU lost"),
    (Script(outcome="refused"), ContentRefused, "NSFW"), (Script(outcome="canceled"), BackendError, "cancelled"),
])  # fmt: skip
def test_bad_endings(bench: Bench, script: Script, error: type[Exception], text: str) -> None:
    bench.server.next(script)
    with pytest.raises(error, match=text):
        bench.run(Operation.GENERATE, model="image/bfl/flux-1-dev")


def test_units_become_credits(bench: Bench) -> None:
    result, _ = bench.run(Operation.VIDEO, model="video/kling/kling-2.5", duration=10)
    assert result.cost == Cost(amount=400, currency="credits")
    assert bench.server.job.arguments["duration"] == 10
    assert price_of("no table") is None
    price = price_of("| Units |\n|---|\n| ~5 | 3 s |\n| 22.5 | 9 s |")
    assert price is not None
    assert (price.amount, "22.5" in (price.note or "")) == (5, True)


def test_reasons_may_lie_anywhere() -> None:
    assert reason_of({"result": {"error": "a"}}) == "a"
    assert reason_of({"result": None, "error": {"message": "b"}}) == "b"
    assert reason_of({"result": ["odd"]}) == ""


def test_an_input_that_is_too_large_is_refused_before_it_is_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diorama_krea.backend.ASSET_BYTES", 100)
    with pytest.raises(InvalidRequest, match="takes 75"):
        bench.run(Operation.EDIT, model="image/bytedance/seededit")
    assert (bench.server.counts["upload"], bench.server.submissions) == (0, 0)


def test_a_refused_wish_is_a_refusal_of_the_content(bench: Bench) -> None:
    bench.server.fault("submit", status=400, detail="Prompt was flagged as NSFW")
    with pytest.raises(ContentRefused, match="NSFW"):
        bench.run(Operation.GENERATE, model="image/bfl/flux-1-dev")
