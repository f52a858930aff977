"""What is particular to fal: its models, discovery, prices, safety pictures, uploads and errors."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    BackendError,
    BackendSettings,
    ContentRefused,
    Cost,
    LoraRef,
    MediaInput,
    Operation,
)
from diorama.testing import RecordingListContext, sample_image
from diorama_fal import create_backend
from diorama_fal.backend import outputs_of, progress_of
from standins import FalStandin, Script
from standins.media import picture
from standins.table import QUICK, Bench


@pytest.fixture
def bench(loopback_only: Any, tmp_path: Path) -> Any:
    with FalStandin() as server:
        options = {**QUICK, **{f"{name}_url": server.url(name) for name in ("api", "queue", "rest", "cdn")}}
        settings = BackendSettings(id="fal", options=options, cache_dir=tmp_path / "cache")
        yield Bench(lambda: create_backend(settings), server, {}, tmp_path)


@pytest.mark.parametrize(("native", "operation"), [
    (native, operation) for native, offer in create_backend(BackendSettings(id="fal")).curated().items()
    for operation in offer.wires
])  # fmt: skip
def test_every_curated_model_fits_the_endpoints_schema(
    bench: Bench, native: str, operation: Operation
) -> None:
    """The stand-in refuses unknown fields and values."""
    result, context = bench.run(operation, model=native)
    assert result.artifacts
    assert [note for note in context.notes if note[0] == "ignored"] == []
    wire = bench.backend.curated()[native].wires[operation]  # type: ignore[attr-defined]
    assert bench.server.job.model == (wire.endpoint or native)


def listed(bench: Bench, refresh: bool = True, secrets: Any = None) -> dict[str, Any]:
    context = RecordingListContext(
        refresh=refresh,
        offline=False,
        secrets=bench.secrets if secrets is None else secrets,
        fetcher=bench.fetcher,
    )
    return {model.native_id: model for model in bench.backend.list_models(context=context)}  # type: ignore[attr-defined]


def test_discovery_reads_all_pages_and_prices_once(bench: Bench) -> None:
    curated = set(listed(bench, refresh=False))
    assert bench.server.counts["discover"] == 0
    models = listed(bench)
    assert set(models) - curated >= {"fal-ai/new-painter", "fal-ai/topaz/upscale/video"}
    assert "fal-ai/old-painter" not in models
    assert models["fal-ai/new-painter"].price.amount == 0.03
    assert models["fal-ai/flux/dev"].title == "FLUX.1 dev"
    assert models["fal-ai/topaz/upscale/video"].operations[Operation.UPSCALE].videos_in
    calls = bench.server.counts["discover"]
    assert listed(bench, refresh=False) == models
    assert bench.server.counts["discover"] == calls


def test_a_live_price_replaces_the_files(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from standins.fal_models import MODELS

    monkeypatch.setitem(
        MODELS, "fal-ai/flux/dev", replace(MODELS["fal-ai/flux/dev"], price=(0.5, "megapixels"))
    )
    assert listed(bench)["fal-ai/flux/dev"].price.amount == 0.5


def test_discovery_works_without_a_key(bench: Bench) -> None:
    models = listed(bench, secrets={})
    assert models["fal-ai/new-painter"].availability.state.value == "needs_key"
    assert bench.server.counts["pricing"] == 0


def test_a_failing_discovery_keeps_the_last_list(bench: Bench) -> None:
    models = listed(bench)
    bench.server.fault("discover", status=500, times=-1)
    assert listed(bench) == models


def test_any_endpoint_can_be_named(bench: Bench) -> None:
    result, context = bench.run(
        Operation.GENERATE, model="fal-ai/new-painter", width=512, height=256, parameters={"brush": "flat"}
    )
    sent = bench.server.job.arguments
    assert (sent["image_size"], sent["brush"]) == ({"width": 512, "height": 256}, "flat")
    assert context.outputs[0].image.size == (512, 256)
    assert result.cost == Cost(amount=0.03)


@pytest.mark.parametrize(("model", "operation"), [
    ("fal-ai/flux-lora", Operation.GENERATE), ("fal-ai/flux-lora", Operation.EDIT), ("fal-ai/qwen-image", Operation.GENERATE),
    ("fal-ai/flux-lora/image-to-image", Operation.EDIT),
])  # fmt: skip
def test_lora_come_from_the_hub_from_civitai_and_from_anywhere(
    bench: Bench, model: str, operation: Operation
) -> None:
    """The last of these models is known from its schema alone."""
    names = ("ann/kites", "ann/kites/v2/kite.safetensors", "civitai:128713")
    _, context = bench.run(
        operation, model=model, loras=tuple(LoraRef(id=name, weight=0.5) for name in names)
    )
    paths = [
        "ann/kites",
        "https://huggingface.co/ann/kites/resolve/main/v2/kite.safetensors",
        "https://civitai.com/api/download/models/128713",
    ]
    assert bench.server.job.arguments["loras"] == [{"path": path, "scale": 0.5} for path in paths]
    assert [note for note in context.notes if note[0] == "ignored"] == []


def test_a_small_picture_is_asked_for_in_the_size_in_which_it_is_sent(bench: Bench) -> None:
    """The endpoint's usual size would be another, and one below its smallest would be refused; the result is brought back."""
    source = sample_image(bench.folder, size=(120, 90), name="small")
    request, model = bench.request(Operation.EDIT, model="fal-ai/qwen-image-edit-plus")
    context = bench.context(model)
    small = replace(request, images=(source,), width=120, height=90)
    bench.backend.edit(request=small, context=context)  # type: ignore[attr-defined]
    assert bench.server.job.arguments["image_size"] == {"width": 512, "height": 384}
    assert context.outputs[0].image.size == (120, 90)


def test_a_schema_that_could_not_be_read_there_costs_no_other_model(bench: Bench) -> None:
    """The listing holds an error in place of a schema now and then."""
    models = listed(bench)
    assert "fal-ai/broken-schema" not in models
    assert "fal-ai/new-painter" in models


def test_a_black_safety_picture_is_a_refusal(bench: Bench) -> None:
    bench.server.next(Script(outcome="black"))
    with pytest.raises(ContentRefused):
        bench.run(Operation.GENERATE, model="fal-ai/flux/dev")


def test_one_flagged_picture_of_two_is_left_out_and_told(bench: Bench) -> None:
    body = {
        "images": [{"url": "http://x/1.png"}, {"url": "http://x/2.png"}],
        "has_nsfw_concepts": [False, True],
        "seed": 5,
    }
    outputs = outputs_of(body)
    assert [(item.url, item.refused, item.seed) for item in outputs] == [
        ("http://x/1.png", False, 5),
        ("http://x/2.png", True, None),
    ]


def test_results_may_be_bare_addresses(bench: Bench) -> None:
    bench.server.next(Script(shape="strings"))
    _, context = bench.run(Operation.GENERATE, model="fal-ai/flux/dev")
    assert len(context.outputs) == 1


def test_results_may_be_inline(bench: Bench) -> None:
    backend = bench.backend
    offer = backend.curated()["fal-ai/flux/dev"]  # type: ignore[attr-defined]
    wire = offer.wires[Operation.GENERATE]
    inline = replace(wire, fixed={**wire.fixed, "sync_mode": True})
    backend.curated()["fal-ai/flux/dev"] = replace(offer, wires={**offer.wires, Operation.GENERATE: inline})  # type: ignore[attr-defined]
    _, context = bench.run(Operation.GENERATE, model="fal-ai/flux/dev", width=512, height=512)
    assert context.outputs[0].image.size == (512, 512)
    assert bench.server.counts["download"] == 0


@pytest.mark.parametrize(("asked", "amount"), [
    ({"num_frames": 81, "fps": 16}, 0.405), ({"num_frames": 161, "fps": 30}, 0.805),
    ({"num_frames": 161, "fps": 30, "parameters": {"resolution": "480p"}}, 0.4025),
])  # fmt: skip
def test_films_of_wan_are_paid_at_sixteen_frames_a_second_and_by_their_resolution(
    bench: Bench, asked: dict[str, Any], amount: float
) -> None:
    result, context = bench.run(Operation.VIDEO, model="fal-ai/wan/v2.2-a14b/text-to-video", **asked)
    assert [quote.amount for quote in context.quotes] == [amount]
    assert result.cost == Cost(amount=amount)


def test_megapixels_are_rounded_up(bench: Bench) -> None:
    result, _ = bench.run(Operation.GENERATE, model="fal-ai/flux/dev", width=1536, height=1024)
    assert result.cost == Cost(amount=0.05)


def test_large_inputs_go_to_the_cdn(bench: Bench) -> None:
    from PIL import Image

    path = bench.folder / "noise.png"
    Image.frombytes("RGB", (500, 400), os.urandom(500 * 400 * 3)).save(path)
    request, model = bench.request(Operation.EDIT, model="fal-ai/flux-kontext/dev")
    media = MediaInput(path=str(path), width=500, height=400)
    bench.backend.edit(request=replace(request, images=(media,)), context=bench.context(model))  # type: ignore[attr-defined]
    assert bench.server.counts["upload"] == bench.server.counts["upload_token"] == 1


def test_a_timeout_of_the_model_is_no_success_and_not_asked_again(bench: Bench) -> None:
    bench.server.next(Script(outcome="failed"))
    with pytest.raises(BackendError, match="generation_timeout"):
        bench.run(Operation.GENERATE, model="fal-ai/flux/dev")
    assert bench.server.counts["result"] == 1


def test_a_foreign_status_address_never_gets_the_key(bench: Bench) -> None:
    """Answers name the addresses to ask; only the configured host may be asked with the key."""
    foreign = {"status": "IN_QUEUE", "queue_position": 0, "request_id": "abc",
               **{f"{name}_url": f"http://evil.example/{name}" for name in ("status", "response", "cancel")}}  # fmt: skip
    bench.server.fault("submit", status=200, body=foreign)
    with pytest.raises(BackendError):
        bench.run(Operation.GENERATE, model="fal-ai/flux/dev")
    assert bench.server.seen[-1].path == "/fal-ai/flux/requests/abc/status"


def test_requests_per_job(bench: Bench) -> None:
    """Once the time of a model is known: submit, one status, result, download."""
    bench.server.default = Script(queued=0, running=0)
    bench.run(Operation.GENERATE, model="fal-ai/flux/dev")
    before = len(bench.server.seen)
    bench.run(Operation.GENERATE, model="fal-ai/flux/dev")
    assert [seen.name for seen in bench.server.seen[before:]] == ["submit", "poll", "result", "download"]


def test_progress_of_log_lines() -> None:
    assert progress_of([{"message": "loading"}, {"message": "step 7/28"}, {"message": "saved"}]) == (
        "Running at fal", 0.25, {"step": 7, "steps": 28})  # fmt: skip
    assert progress_of([{"message": "30/28"}])[1] is None


def test_a_discovered_list_is_asked_for_again_after_a_day(bench: Bench) -> None:
    shelf = bench.folder / "cache" / "discovered.json"
    listed(bench, refresh=False)
    assert (bench.server.counts["discover"], shelf.exists()) == (0, False)  # nobody has asked for it
    listed(bench)
    pages = bench.server.counts["discover"]
    listed(bench, refresh=False)
    assert bench.server.counts["discover"] == pages
    yesterday = time.time() - 25 * 3600
    os.utime(shelf, (yesterday, yesterday))
    assert "fal-ai/new-painter" in listed(bench, refresh=False)
    assert bench.server.counts["discover"] == 2 * pages
    os.utime(shelf, (yesterday, yesterday))
    bench.server.fault("discover", times=-1, status=500)
    for _ in range(2):  # down: the old list stays, and the provider is asked once
        assert "fal-ai/new-painter" in listed(bench, refresh=False)
    assert bench.server.counts["discover"] == 2 * pages + 1


def test_two_servers_are_never_mixed_up(loopback_only: Any, tmp_path: Path) -> None:
    """The official client keeps its hosts and retries in module globals; ours leaves them as they are."""
    from fal_client import client as module

    names = ("QUEUE_URL_FORMAT", "REST_URL", "CDN_URL", "MAX_ATTEMPTS")
    before = [getattr(module, name) for name in names]
    with FalStandin("one:secret") as one, FalStandin("two:secret") as two:
        benches = []
        for name, server in (("one", one), ("two", two)):
            options = {f"{host}_url": server.url(host) for host in ("api", "queue", "rest", "cdn")}
            settings = BackendSettings(id=name, options={**QUICK, **options}, cache_dir=tmp_path / name)
            made = create_backend(settings)
            benches.append(Bench(lambda made=made: made, server, {}, tmp_path))  # type: ignore[misc]
        edit = {"model": "fal-ai/qwen-image-edit-plus", "images": 2}
        for number, bench in enumerate((*benches, *benches)):
            bench.run(Operation.GENERATE, model="fal-ai/flux/schnell")
            bench.run(Operation.EDIT, **edit)
            assert bench.server.submissions == 2 * (number // 2 + 1)
            client = bench.backend.client(bench.server.key)  # type: ignore[attr-defined]
            client.upload(picture(8, 8).content, "image/png", "in.png")
            assert bench.server.counts["upload"] == number // 2 + 1
        assert one.counts == two.counts
    assert [getattr(module, name) for name in names] == before
