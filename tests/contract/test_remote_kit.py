"""The kit for remote backends: what needs no provider to be proved."""

from __future__ import annotations

import io
import itertools
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    Artifact,
    BackendError,
    BackendNotReady,
    ContentRefused,
    Cost,
    InvalidRequest,
    MediaInput,
    ModelInfo,
    Operation,
    Price,
    RateLimited,
)
from diorama.contract.remote import Offer, Refusal, Unanswered, Unreached
from diorama.contract.remote.answers import (
    error_text,
    failed_run,
    from_transport,
    refusal_from,
    retry_after,
    translate,
)
from diorama.contract.remote.files import fitted, prepare
from diorama.contract.remote.money import estimate
from diorama.contract.remote.offers import parse_range
from diorama.contract.remote.pace import Pace
from diorama.contract.remote.schema import operations_from, plain_schema
from diorama.contract.remote.shelf import Shelf
from diorama.contract.remote.threads import PerThread


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"detail": "no"}', "no"),
        ('{"error": {"message": "no", "code": "x"}}', "no; x"),
        ('{"error": "a", "message": "b"}', "a; b"),
        ('{"detail": [{"loc": ["body", "prompt"], "msg": "missing", "type": "t"}]}', "prompt: missing (t)"),
        ("<html><h1>502</h1> nginx</html>", "502 nginx"),
        ("", ""),
        ('{"detail": null}', ""),
        ("[]", ""),
        ('{"issues": ["a", "b"]}', "a; b"),
    ],
)
def test_errors_of_every_shape_are_read(body: str, text: str) -> None:
    assert error_text(body) == text
    assert error_text(body.encode()) == text


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"retry-after": "0.5"}) == 0.5
    assert 50 < (retry_after({"Retry-After": formatdate(time.time() + 60, usegmt=True)}) or 0) <= 60
    assert retry_after({"Retry-After": formatdate(time.time() - 60, usegmt=True)}) == 0
    assert retry_after({"Retry-After": "soon"}) is None
    for nonsense in ("inf", "nan", "-inf", "1e999", "Fri, 31 Dec 99999 23:59:59 GMT"):
        assert retry_after({"Retry-After": nonsense}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Refusal(429, "slow", retry_after=3), RateLimited),
        (Refusal(401, "bad"), BackendNotReady),
        (Refusal(402, ""), BackendNotReady),
        (Refusal(403, "User is locked. Reason: Exhausted balance."), BackendNotReady),
        (Refusal(422, "flagged as sensitive"), ContentRefused),
        (Refusal(422, "prompt: missing"), InvalidRequest),
        (Refusal(404, ""), BackendError),
        (Refusal(503, ""), BackendError),
        (Unreached("x"), BackendError),
        (Unanswered("x"), BackendError),
    ],
)
def test_what_an_answer_means(error: Any, kind: type[Exception]) -> None:
    seen = translate(error, "P", key_fix="Set the key.")
    assert type(seen) is kind
    assert not getattr(seen, "unsure", False)
    if isinstance(error, Refusal) and error.status == 403:
        assert "credit" in seen.message
    if isinstance(error, Refusal) and error.status == 401:
        assert seen.fix == "Set the key."


def test_a_throttle_told_in_words_is_waited_for() -> None:
    body = '{"detail": "Request was throttled. Your rate limit resets in ~30s."}'
    assert refusal_from(429, body, {}).retry_after == 30
    assert refusal_from(429, body, {"Retry-After": "2"}).retry_after == 2
    assert refusal_from(429, "slow down", {}).retry_after is None
    assert refusal_from(422, body, {}).retry_after is None


def test_failed_runs_tell_refusals_apart() -> None:
    assert isinstance(failed_run("P", "NSFW content detected"), ContentRefused)
    assert failed_run("P", "").message == "The run failed at P and gave no reason."


def test_only_connecting_errors_prove_that_nothing_was_sent() -> None:
    import httpx2

    assert isinstance(from_transport(httpx2.ConnectError("x")), Unreached)
    assert isinstance(from_transport(httpx2.ConnectTimeout("x")), Unreached)
    assert isinstance(from_transport(httpx2.ReadTimeout("x")), Unanswered)
    assert isinstance(from_transport(httpx2.WriteError("x")), Unanswered)


def test_ranges_as_text() -> None:
    assert parse_range("1..50=28", whole=True) == {
        "minimum": 1,
        "maximum": 50,
        "integer": True,
        "default": 28,
    }
    assert parse_range("0.01..1=0.95") == {"minimum": 0.01, "maximum": 1.0, "integer": False, "default": 0.95}
    assert parse_range("81..121=81/4", whole=True)["step"] == 4
    with pytest.raises(ValueError, match="no range"):
        parse_range("many")


def test_a_known_model_is_asked_when_it_is_due() -> None:
    pace = Pace(first=1.0, longest=5.0)
    pauses = list(itertools.islice(pace.pauses("m"), 12))
    assert pauses[0] == 1.0
    assert pauses[-1] == 5.0
    assert pauses[1:] == sorted(pauses[1:])
    pace.learn("m", 2.0)
    assert next(pace.pauses("m")) == pytest.approx(1.8)
    pace.learn("m", 600.0)
    assert next(pace.pauses("m")) == 5.0
    assert next(pace.pauses("other")) == 1.0


def test_costs_count_what_came_back() -> None:
    two = [Artifact(index=n, width=1536, height=1024) for n in range(2)]
    figures = {
        "image": 0.02,
        "megapixel": 0.04,
        "job": 0.01,
        "video": 0.02,
        "second": 0.1,
        "compute_second": 0.03,
    }
    for per, amount in figures.items():
        cost = estimate(Price(amount=0.01, per=per), two, seconds=3.0, duration=5.0)  # type: ignore[arg-type]
        assert cost == Cost(amount=amount), per
    assert estimate(Price(amount=1, per="second"), two, seconds=None, duration=None) is None
    assert estimate(None, two, seconds=None, duration=None) is None


def test_inputs_are_fitted_in_proportion() -> None:
    def size(width: int, height: int) -> tuple[int, int]:
        return fitted(MediaInput(path="x", width=width, height=height), (384, 3072))

    assert size(500, 400) == (500, 400)
    assert size(96, 64) == (576, 384)
    assert size(6144, 3072) == (3072, 1536)
    with pytest.raises(InvalidRequest, match="cannot be brought"):
        size(4000, 100)


def test_pictures_travel_upright_and_without_metadata(tmp_path: Path) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "at home"
    Image.new("RGB", (60, 40), "red").save(tmp_path / "a.jpg", exif=exif)
    photo = prepare(MediaInput(path=str(tmp_path / "a.jpg"), mime="image/jpeg", width=40, height=60), "input")
    note = PngInfo()
    note.add_text("parameters", "a secret prompt")
    Image.new("RGB", (60, 40), "red").save(tmp_path / "a.png", pnginfo=note)
    drawing = prepare(MediaInput(path=str(tmp_path / "a.png"), width=60, height=40), "input")
    for made, size in ((photo, (40, 60)), (drawing, (60, 40))):
        image = Image.open(io.BytesIO(made.content))
        assert image.size == size
        assert not image.getexif()
        assert b"secret" not in made.content
        assert b"home" not in made.content
    Image.new("RGB", (60, 40), "red").save(tmp_path / "plain.png")
    plain = prepare(MediaInput(path=str(tmp_path / "plain.png"), width=60, height=40), "input")
    assert plain.content == (tmp_path / "plain.png").read_bytes()


def test_schemas_are_read_by_well_known_names() -> None:
    schema = {
        "required": ["prompt", "mode"],
        "properties": {
            "prompt": {"type": "string"}, "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "mask_url": {"type": ["string", "null"]}, "seed": {"type": "integer"}, "num_images": {"$ref": "#/defs/count"},
            "aspect_ratio": {"enum": ["16:9", "1:1", "auto"], "type": "string", "default": "1:1"},
            "duration": {"enum": ["5", "10"], "type": "string"}, "mode": {"anyOf": [{"const": "fast"}, {"const": "slow"}]},
        },
    }  # fmt: skip
    root = {"defs": {"count": {"type": "integer", "minimum": 1, "maximum": 6, "default": 1}}}
    can, wires = operations_from(schema, "image", root)
    assert set(can) == {Operation.GENERATE, Operation.EDIT}
    edit = can[Operation.EDIT]
    assert edit.mask
    assert edit.images_in is not None
    assert (edit.images_in.minimum, edit.images_in.maximum, edit.images_out.maximum) == (1, 3, 6)
    assert wires[Operation.EDIT].send["images"] == "image_urls[]"
    assert set(can[Operation.GENERATE].sizes.ratios) == {"16:9", "1:1"}  # type: ignore[union-attr]
    assert can[Operation.GENERATE].parameters["properties"]["mode"]["default"] == "fast"
    film, wire = operations_from(schema, "video", root)
    assert film[Operation.VIDEO].duration is not None
    assert (film[Operation.VIDEO].duration.step, wire[Operation.VIDEO].send["duration"]) == (
        5,
        "duration:str",
    )


def test_odd_schemas_are_no_crash() -> None:
    assert plain_schema({"$ref": "#/nowhere"}, {}) == {}
    can, _ = operations_from(
        {"properties": {"steps": {"type": "string"}, "n": {"enum": [1, 2, 7]}, "seed": {}}}, "image"
    )
    assert can[Operation.GENERATE].num_inference_steps is None
    assert set(can[Operation.GENERATE].parameters["properties"]) == {"steps", "n"}


def test_the_shelf_survives_a_damaged_file(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "cache" / "found.json")
    assert shelf.read() == {}
    can, wires = operations_from(
        {"properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}, "image"
    )
    offer = Offer(info=ModelInfo(id="p:a/b", title="A", operations=can), wires=wires)
    shelf.write({"a/b": offer})
    assert shelf.read() == {"a/b": offer}
    (tmp_path / "cache" / "found.json").write_text("{")
    assert shelf.read() == {}


def test_each_thread_has_connections_of_its_own():
    made, closed = [], []

    class Transport:
        def __init__(self):
            made.append(self)

        def handle_request(self, request):
            return self

        def close(self):
            closed.append(self)

    shared = PerThread(Transport)
    assert shared.handle_request("a") is shared.handle_request("b")
    seen = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: seen.append(shared.handle_request("c")))
        thread.start()
        thread.join()
    assert len({*seen, made[0]}) == 3
    assert closed == seen[:1]  # that of a thread which had ended, when the next one came
    shared.close()
    assert set(closed) == set(made)
