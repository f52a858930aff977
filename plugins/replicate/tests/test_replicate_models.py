"""What is particular to Replicate: its models, schemas, statuses and uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendError, BackendSettings, ContentRefused, Cost, LoraRef, Operation
from diorama.testing import RecordingListContext, sample_image
from diorama_replicate import create_backend
from diorama_replicate.backend import outputs_of, progress_of
from standins import ReplicateStandin, Script
from standins.replicate_models import MODELS
from standins.table import QUICK, Bench


@pytest.fixture
def bench(loopback_only: Any, tmp_path: Path) -> Any:
    with ReplicateStandin() as server:
        options = {**QUICK, "api_url": server.url()}
        settings = BackendSettings(id="replicate", options=options, cache_dir=tmp_path / "cache")
        yield Bench(lambda: create_backend(settings), server, {}, tmp_path)


@pytest.mark.parametrize(("native", "operation"), [
    (native, operation) for native, offer in create_backend(BackendSettings(id="replicate")).curated().items()
    for operation in offer.wires
])  # fmt: skip
def test_every_curated_model_sends_what_its_schema_knows(
    bench: Bench, native: str, operation: Operation
) -> None:
    """The stand-in refuses unknown fields and values; nothing curated may be dropped by the live schema."""
    result, context = bench.run(operation, model=native)
    assert result.artifacts
    assert [note for note in context.notes if note[0] == "ignored"] == []
    sent = bench.server.job.arguments
    wire = bench.backend.curated()[native].wires[operation]  # type: ignore[attr-defined]
    assert set(wire.fixed) <= set(sent)
    assert result.cost is not None or native == "bytedance/seedance-1-lite"


def test_the_list_knows_prices_and_families(bench: Bench) -> None:
    offers = bench.backend.curated()  # type: ignore[attr-defined]
    assert len(offers) >= 12
    assert offers["black-forest-labs/flux-schnell"].info.family == "flux-schnell"
    assert all(offer.info.price is not None and offer.info.data_leaves_machine for offer in offers.values())


def test_prices_can_be_set_by_the_user() -> None:
    settings = BackendSettings(id="replicate", options={"prices": {"bytedance/seedream-4": 0.5}})
    price = create_backend(settings).curated()["bytedance/seedream-4"].info.price
    assert price is not None
    assert (price.amount, price.per) == (0.5, "image")


def test_seedream_makes_a_series_and_costs_what_came_back(bench: Bench) -> None:
    bench.server.next(Script(outputs=2))
    result, context = bench.run(Operation.GENERATE, model="bytedance/seedream-4", num_images=3)
    sent = bench.server.job.arguments
    assert (sent["sequential_image_generation"], sent["max_images"], sent["size"]) == ("auto", 3, "custom")
    assert result.cost == Cost(amount=0.06)
    assert context.notes[-1][:4] == ("adjusted", "num_images", 3, 2)


def test_seedream_makes_no_more_than_fits_beside_its_inputs(bench: Bench) -> None:
    _, context = bench.run(Operation.EDIT, model="bytedance/seedream-4", images=3, num_images=14)
    assert bench.server.job.arguments["max_images"] == 12
    assert ("adjusted", "num_images", 14, 12) in [note[:4] for note in context.notes]
    bench.run(Operation.EDIT, model="bytedance/seedream-4", images=1)
    assert "max_images" not in bench.server.job.arguments


@pytest.mark.parametrize(("operation", "asked", "ratio"), [
    (Operation.EDIT, {}, "match_input_image"), (Operation.EDIT, {"aspect_ratio": "16:9"}, "16:9"),
    (Operation.GENERATE, {}, "1:1"), (Operation.GENERATE, {"width": 1600, "height": 1200}, "4:3"),
])  # fmt: skip
def test_seedream_takes_a_named_size_with_a_ratio_or_the_inputs(
    bench: Bench, operation: Operation, asked: dict[str, Any], ratio: str
) -> None:
    bench.run(operation, model="bytedance/seedream-4", parameters={"size": "4K"}, **asked)
    sent = bench.server.job.arguments
    assert (sent["size"], sent["aspect_ratio"]) == ("4K", ratio)
    assert not {"width", "height"} & set(sent)


def test_an_empty_list_after_a_flag_in_the_logs_is_a_refusal(bench: Bench) -> None:
    bench.server.next(Script(outputs=0, logs="NSFW content detected in image 0\n"))
    with pytest.raises(ContentRefused, match="flagged"):
        bench.run(Operation.GENERATE, model="black-forest-labs/flux-schnell")


def test_an_edit_keeps_the_size_of_small_and_large_inputs(bench: Bench) -> None:
    for size in ((96, 64), (3400, 1000)):
        source = sample_image(bench.folder, size=size, name="edge")
        request, model = bench.request(Operation.EDIT, model="qwen/qwen-image-edit")
        from dataclasses import replace

        context = bench.context(model)
        bench.backend.edit(  # type: ignore[attr-defined]
            request=replace(request, images=(source,), width=size[0], height=size[1]), context=context
        )
        assert context.outputs[0].image.size == size


def test_large_inputs_are_uploaded(bench: Bench) -> None:
    import os

    from diorama.contract import MediaInput
    from PIL import Image

    path = bench.folder / "noise.png"
    Image.frombytes("RGB", (500, 400), os.urandom(500 * 400 * 3)).save(path)
    request, model = bench.request(Operation.EDIT, model="qwen/qwen-image-edit")
    from dataclasses import replace

    media = MediaInput(path=str(path), width=500, height=400)
    bench.backend.edit(request=replace(request, images=(media,)), context=bench.context(model))  # type: ignore[attr-defined]
    assert bench.server.counts["upload"] == 1
    assert bench.server.job.arguments["image"].startswith(bench.server.url(path="/v1/files/"))


def test_any_model_can_be_named(bench: Bench) -> None:
    result, context = bench.run(Operation.GENERATE, model="someone/paint-by-words", width=256, height=512, seed=5,
                                parameters={"brush": "flat"}, num_inference_steps=7)  # fmt: skip
    sent = bench.server.job.arguments
    assert sent | {"prompt": ""} == {
        "prompt": "",
        "width": 256,
        "height": 512,
        "seed": 5,
        "brush": "flat",
        "steps": 7,
        "num_outputs": 1,
    }
    assert context.outputs[0].image.size == (256, 512)
    assert result.facts["version"]
    _, model = bench.request(Operation.EDIT, model="someone/paint-by-words")
    assert model.operations[Operation.EDIT].mask


def test_a_film_in_720p_is_quoted_at_its_own_price(bench: Bench) -> None:
    model = "wan-video/wan-2.2-t2v-fast"
    for asked, amount in (({}, 0.05), ({"parameters": {"resolution": "720p"}}, 0.11)):
        result, context = bench.run(Operation.VIDEO, model=model, **asked)
        assert [quote.amount for quote in context.quotes] == [amount]
        assert result.cost == Cost(amount=amount)


KITE, HUB = (
    "https://files.example/kite.safetensors",
    "https://huggingface.co/ann/kites/resolve/main/kite.safetensors",
)


@pytest.mark.parametrize(("model", "operation", "names", "sent"), [
    ("black-forest-labs/flux-dev-lora", "generate", ["ann/kites", "civitai:128713"],
     {"lora_weights": "huggingface.co/ann/kites", "lora_scale": 0.8,
      "extra_lora": "https://civitai.com/api/download/models/128713", "extra_lora_scale": 0.9}),
    ("black-forest-labs/flux-dev-lora", "edit", ["https://replicate.com/ann/kites"],
     {"lora_weights": "https://replicate.com/ann/kites", "lora_scale": 0.8}),
    ("qwen/qwen-image", "generate", [KITE, "ann/kites/kite.safetensors", KITE],
     {"lora_weights": KITE, "lora_scale": 0.8, "extra_lora_weights": [HUB, KITE], "extra_lora_scale": [0.9, 1.0]}),
    ("wan-video/wan-2.2-i2v-fast", "video", [KITE, HUB],
     {"lora_weights_transformer": KITE, "lora_scale_transformer": 0.8,
      "lora_weights_transformer_2": HUB, "lora_scale_transformer_2": 0.9}),
])  # fmt: skip
def test_lora_are_named_as_each_model_wants_them(
    bench: Bench, model: str, operation: str, names: list[str], sent: dict[str, Any]
) -> None:
    loras = tuple(LoraRef(id=name, weight=round(0.8 + index / 10, 1)) for index, name in enumerate(names))
    _, context = bench.run(Operation(operation), model=model, loras=loras)
    arguments = bench.server.job.arguments
    assert {name: value for name, value in arguments.items() if "lora" in name} == sent
    assert [note for note in context.notes if note[0] == "ignored"] == []


def test_a_version_that_takes_its_further_lora_as_text(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    spec = MODELS["qwen/qwen-image"]
    inputs = spec.inputs.replace(
        "extra_lora_weights strs; extra_lora_scale nums", "extra_lora_weights str; extra_lora_scale str"
    )
    assert inputs != spec.inputs
    monkeypatch.setitem(MODELS, "qwen/qwen-image", replace(spec, inputs=inputs))
    loras = (LoraRef(id=KITE), LoraRef(id=HUB, weight=0.5), LoraRef(id=KITE, weight=0.25))
    bench.run(Operation.GENERATE, model="qwen/qwen-image", loras=loras)
    sent = bench.server.job.arguments
    assert (sent["extra_lora_weights"], sent["extra_lora_scale"]) == (f"{HUB},{KITE}", "0.5,0.25")


def test_an_unknown_name_is_no_model(bench: Bench) -> None:
    from diorama.testing import RecordingListContext

    context = RecordingListContext(secrets=bench.secrets, offline=False)
    assert bench.backend.describe("nobody/nothing", context) is None
    assert bench.backend.describe("no-such-model-here", context) is None


def test_the_live_schema_filters_what_a_new_version_dropped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    spec = MODELS["black-forest-labs/flux-schnell"]
    monkeypatch.setitem(
        MODELS, "black-forest-labs/flux-schnell", replace(spec, inputs=spec.inputs.replace("seed int; ", ""))
    )
    _, context = bench.run(Operation.GENERATE, model="black-forest-labs/flux-schnell", seed=5)
    assert "seed" not in bench.server.job.arguments
    assert context.notes[-1][:2] == ("ignored", "parameters.seed")


def test_a_schema_is_read_again_after_an_hour_and_an_old_one_does_when_that_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        bench.run(Operation.GENERATE, model="qwen/qwen-image")
    assert bench.server.counts["model"] == 1
    monkeypatch.setattr("diorama_replicate.backend.CARD_SECONDS", -1.0)
    bench.server.fault("model", status=404)
    bench.run(Operation.GENERATE, model="qwen/qwen-image")
    assert (bench.server.counts["model"], bench.server.submissions) == (2, 3)


@pytest.mark.parametrize(("script", "text"), [
    (Script(outcome="aborted"), "aborted"), (Script(outcome="canceled"), "canceled"),
    (Script(outcome="removed"), "deleted"), (Script(outputs=0), "no result"),
])  # fmt: skip
def test_bad_endings_are_told_apart(bench: Bench, script: Script, text: str) -> None:
    bench.server.next(script)
    with pytest.raises(BackendError, match=text):
        bench.run(Operation.GENERATE, model="qwen/qwen-image")


@pytest.mark.parametrize(("error", "retryable"), [
    ("Prediction interrupted; please retry (code: PA)", True), ("E1001 out of memory", False),
])  # fmt: skip
def test_only_unbilled_transient_failures_may_run_again(bench: Bench, error: str, retryable: bool) -> None:
    bench.server.next(Script(outcome="failed", error=error), Script(outcome="failed", error=error))
    with pytest.raises(BackendError) as caught:
        bench.run(Operation.GENERATE, model="qwen/qwen-image")
    assert caught.value.retryable is retryable
    with pytest.raises(BackendError) as billed:
        bench.run(Operation.UPSCALE, model="nightmareai/real-esrgan")
    assert not billed.value.retryable  # GPU time was used


@pytest.mark.parametrize(
    "text", ["NSFW content detected. Try another prompt", "The input was flagged as sensitive (E005)"]
)
def test_moderation_texts(bench: Bench, text: str) -> None:
    bench.server.next(Script(outcome="failed", error=text))
    with pytest.raises(ContentRefused, match=r"NSFW|E005"):
        bench.run(Operation.GENERATE, model="qwen/qwen-image")


def test_progress_comes_from_the_logs(bench: Bench) -> None:
    bench.server.next(Script(queued=1, running=3))
    _, context = bench.run(Operation.GENERATE, model="qwen/qwen-image")
    assert ("generating", 0.5, {"step": 5, "steps": 10}) in [
        (stage, part, numbers) for stage, part, _, numbers in context.reports
    ]


def test_outputs_of_every_shape() -> None:
    assert [item.url for item in outputs_of({"a": "https://x/1.png", "b": ["https://x/2.png"], "c": 3, "d": "word"})] == [
        "https://x/1.png", "https://x/2.png"]  # fmt: skip
    assert outputs_of(None) == ()
    assert progress_of("loading") == (None, {})
    assert progress_of(" 10%|# | 1/10\n 70%|### | 7/10 [..]") == (0.7, {"step": 7, "steps": 10})


def test_discovery_reads_the_collections(bench: Bench) -> None:
    def listed(refresh: bool) -> dict[str, Any]:
        context = RecordingListContext(
            refresh=refresh, offline=False, secrets=bench.secrets, fetcher=bench.fetcher
        )
        return {model.native_id: model for model in bench.backend.list_models(context=context)}  # type: ignore[attr-defined]

    curated = set(listed(refresh=False))
    assert "someone/paint-by-words" not in curated
    assert bench.server.counts["collection"] == 0
    models = listed(refresh=True)
    assert set(models) > curated
    assert set(models["someone/paint-by-words"].operations) == {Operation.GENERATE, Operation.EDIT}
    assert (
        models["black-forest-labs/flux-schnell"].title == "FLUX.1 schnell"
    )  # a curated entry stays as it is
    assert set(listed(refresh=False)) == set(models)
    result, _ = bench.run(Operation.GENERATE, model="someone/paint-by-words")
    assert result.artifacts
