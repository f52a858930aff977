"""What was spent: estimates first, the provider's figure once it is told."""

from __future__ import annotations

from typing import Any

from diorama.contract import Cost, Result


def test_the_figure_of_the_provider_replaces_the_estimate(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"paid": {"price": 0.1, "remote": True}})
    engine.queue.pause()
    job = engine.submit(ask(num_images=2))
    assert job.cost == {"amount": 0.2, "currency": "USD", "estimated": True}
    assert [(line.amount, line.estimated) for line in engine.costs.report()] == [(0.2, True)]
    backend = engine.registry.backends["paid"]
    usual = backend._result

    def dearer(*arguments: Any) -> Result:
        from dataclasses import replace

        return replace(usual(*arguments), cost=Cost(amount=0.35, estimated=False))

    backend._result = dearer
    engine.queue.resume()
    job = engine.wait(job.id, 30)
    assert job.cost == {"amount": 0.35, "currency": "USD", "estimated": False}
    assert [(line.amount, line.estimated) for line in engine.costs.report()] == [(0.35, False)]
    assert engine.assets.get(job.asset_ids[0]).recipe["cost"]["amount"] == 0.35


def test_an_estimate_stays_where_the_provider_says_nothing(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"paid": {"price": 0.1, "per": "job", "remote": True}})
    job = engine.wait(engine.submit(ask()).id, 30)
    assert job.cost == {"amount": 0.1, "currency": "USD", "estimated": True}
    assert engine.queue.ledger.get(job.id).cost == job.cost


def test_sums_by_day_model_session_and_backend(make_engine: Any, ask: Any) -> None:
    engine = make_engine(
        {
            "one": {"price": 0.1, "remote": True},
            "two": {"price": 5, "currency": "credits", "remote": True},
            "free": {},
        }
    )
    for values in (
        {"model": "one:image", "session_id": "a"},
        {"model": "one:video", "kind": "video", "session_id": "b"},
        {"model": "two:image", "session_id": "b"},
        {"model": "free:image"},
    ):
        engine.wait(engine.submit(ask(**values)).id, 30)

    def sums(by: str, **filters: Any) -> set[tuple[str, str, float, int]]:
        return {
            (line.key, line.currency, line.amount, line.jobs) for line in engine.costs.report(by, **filters)
        }

    assert sums("model") == {
        ("one:image", "USD", 0.1, 1),
        ("one:video", "USD", 0.1, 1),
        ("two:image", "credits", 5.0, 1),
    }
    assert sums("backend") == {("one", "USD", 0.2, 2), ("two", "credits", 5.0, 1)}
    assert sums("session") == {("a", "USD", 0.1, 1), ("b", "USD", 0.1, 1), ("b", "credits", 5.0, 1)}
    assert sums("model", session_id="a") == {("one:image", "USD", 0.1, 1)}
    assert {line[1:] for line in sums("day")} == {("USD", 0.2, 2), ("credits", 5.0, 1)}
    assert sums("day", since="2999-01-01") == set()
    assert sums("day", until="1999-01-01") == set()
