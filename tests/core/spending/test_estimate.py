"""Price by unit, time by what was measured."""

from __future__ import annotations

from typing import Any

import pytest


def amount(engine: Any, submission: Any) -> Any:
    [estimate] = engine.estimate([submission]).jobs
    return estimate.amount


@pytest.mark.parametrize(
    ("per", "values", "units"),
    [
        ("image", {"num_images": 3}, 3),
        ("job", {"num_images": 3}, 1),
        ("megapixel", {"width": 1024, "height": 1024, "num_images": 2}, 4),
        ("megapixel", {"width": 640, "height": 640}, 1),
        ("step", {"num_inference_steps": 7, "num_images": 2}, 14),
        ("video", {"model": "paid:video", "kind": "video"}, 1),
        ("second", {"model": "paid:video", "kind": "video", "num_frames": 17, "fps": 8}, 2.125),
        ("second", {"model": "paid:sound", "kind": "generate", "duration": 6, "num_images": 2}, 12),
    ],
)
def test_each_unit(make_engine: Any, ask: Any, per: str, values: dict[str, Any], units: float) -> None:
    engine = make_engine({"paid": {"price": 0.04, "per": per, "remote": True, "sounds": True}})
    assert amount(engine, ask(**{"model": "paid:image", **values})) == pytest.approx(0.04 * units)


def test_an_upscale_counts_what_comes_out(make_engine: Any, ask: Any, tmp_path: Any) -> None:
    from PIL import Image

    engine = make_engine({"paid": {"price": 0.01, "per": "megapixel", "remote": True}})
    Image.new("RGB", (800, 800)).save(tmp_path / "in.png")
    source = engine.take_in(tmp_path / "in.png", name="media")
    assert amount(engine, ask(model="paid:upscale", kind="upscale", media=source, scale=2)) == pytest.approx(
        0.03
    )


def test_compute_time_is_known_once_it_was_measured(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"paid": {"price": 2.0, "per": "compute_second", "remote": True}})
    asked = ask(model="paid:image", parameters={"delay": 0.2})
    [before] = engine.estimate([asked]).jobs
    assert (before.amount, before.seconds) == (None, None)
    assert "per compute second" in before.why
    assert engine.submit(asked).cost is None
    engine.wait(engine.jobs().items[0].id, 30)
    [after] = engine.estimate([asked]).jobs
    assert 0.2 <= after.seconds < 30
    assert after.amount == pytest.approx(after.seconds * 2.0, rel=1e-3)


def test_free_and_unknown_are_not_the_same(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"here": {}, "far": {"remote": True}})
    assert amount(engine, ask(model="here:image")) == 0
    assert amount(engine, ask(model="far:image")) is None
    assert engine.submit(ask(model="far:image")).cost is None


def test_a_batch_is_summed_by_currency_and_its_time_by_what_runs_at_once(make_engine: Any, ask: Any) -> None:
    engine = make_engine(
        {
            "usd": {"price": 0.02, "remote": True, "concurrency": 2},
            "own": {"price": 3, "currency": "credits", "remote": True, "concurrency": 1},
        }
    )
    mine = [ask(model="usd:image", parameters={"delay": 0.1})] * 4 + [ask(model="own:image")]
    for submission in mine[3:]:
        engine.wait(engine.submit(submission).id, 30)
    batch = engine.estimate(mine)
    assert batch.totals == {"USD": 0.08, "credits": 3.0}
    assert batch.unknown == 0
    each = batch.jobs[0].seconds
    assert batch.seconds == pytest.approx(max(2 * each, batch.jobs[4].seconds), abs=0.1)
    assert len(engine.jobs().items) == 2, "estimating stores nothing"
