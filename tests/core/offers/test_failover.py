"""An offer that is down: the job goes on with the next one, where the user allowed it and the caps do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import Availability, AvailabilityState, BackendError
from diorama.jobs.records import JobStatus

DOWN = {"price": 0.01, "remote": True, "outage": "error"}
UP = {"price": 0.02, "remote": True}


def run(engine: Any, submission: Any) -> Any:
    return engine.wait(engine.submit(submission).id, 30)


@pytest.mark.parametrize("outage", ["error", "rate_limit", "not_ready"])
def test_the_next_offer_takes_over(make_engine: Any, ask: Any, outage: str) -> None:
    engine = make_engine({"down": {**DOWN, "outage": outage}, "up": UP, "dear": {**UP, "price": 0.5}})
    job = run(engine, ask(policy="cheapest", failover=True, seed=7))
    assert (job.status, job.model) == (JobStatus.COMPLETED, "up:image")
    assert job.request["model"] == "up:image"
    assert job.applied["seed"] == 7
    assert job.applied["offer"].startswith("up:image: it took over from down:image")
    assert [item["offer"] for item in job.applied["failed_over"]] == ["down:image"]
    assert job.cost["amount"] == 0.02
    stored = engine.queue.ledger.get(job.id)
    assert (stored.model, stored.lane, stored.applied, stored.cost) == (
        job.model,
        "up",
        job.applied,
        job.cost,
    )
    [line] = engine.costs.report("model")
    assert (line.key, line.amount) == ("up:image", 0.02)
    recipe = engine.assets.get(job.asset_ids[0]).recipe
    assert (recipe["model"], recipe["seed"]) == ("up:image", 7)


def test_the_seed_that_was_drawn_stays(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"down": DOWN, "up": UP})
    submitted = engine.submit(ask(policy="cheapest", failover=True))
    job = engine.wait(submitted.id, 30)
    assert job.applied["seed"] == submitted.applied["seed"]


def test_without_leave_nothing_is_taken_over(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"down": {**DOWN, "outage": "rate_limit"}, "up": UP})
    job = run(engine, ask(policy="cheapest"))
    assert (job.status, job.model, job.error["code"]) == (JobStatus.FAILED, "down:image", "rate_limited")
    assert job.cost is None
    assert engine.costs.report() == []


def test_a_refusal_of_the_content_is_no_outage(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"first": {"price": 0.01, "remote": True}, "up": UP})
    job = run(engine, ask(policy="cheapest", failover=True, parameters={"trouble": "refuse"}))
    assert (job.status, job.model) == (JobStatus.FAILED, "first:image")


def test_all_down_ends_with_the_last_error_and_tries_each_once(make_engine: Any, ask: Any) -> None:
    outage = {"outage": "rate_limit"}
    engine = make_engine({"one": {**UP, **outage}, "two": {**UP, **outage, "price": 0.03}})
    job = run(engine, ask(policy="cheapest", failover=True))
    assert (job.status, job.model, job.attempt) == (JobStatus.FAILED, "two:image", 2)
    assert engine.costs.report() == []


def test_another_offer_must_keep_the_caps(make_engine: Any, ask: Any) -> None:
    dear = {**UP, "price": 0.5}
    engine = make_engine({"down": DOWN, "dear": dear}, spending={"per_day": 0.3})
    job = run(engine, ask(policy="cheapest", failover=True))
    assert (job.status, job.model) == (JobStatus.FAILED, "down:image")
    assert job.error["message"] == "The service does not answer."
    engine = make_engine({"down": DOWN, "dear": dear, "up": UP}, spending={"per_job": 0.3})
    job = run(engine, ask(policy="cheapest", failover=True))
    assert job.model == "up:image"


def test_local_only_holds_for_failover_too(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"here": {"outage": "not_ready"}, "far": UP})
    job = run(engine, ask(policy="local-only", failover=True))
    assert (job.status, job.model) == (JobStatus.FAILED, "here:image")


def test_what_may_have_been_bought_is_not_run_elsewhere(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"first": {"price": 0.01, "remote": True}, "up": UP})
    backend = engine.registry.backends["first"]

    def buy(context: Any) -> None:
        context.remember(ticket={"id": "paid-1"})
        raise BackendError("The connection was lost.", retryable=True, retry_after=0.0)

    backend._before = buy
    job = run(engine, ask(policy="cheapest", failover=True))
    assert (job.status, job.model) == (JobStatus.FAILED, "first:image")
    assert job.cost["amount"] == 0.01, "it may have been billed, so it counts"
    assert [line.amount for line in engine.costs.report()] == [0.01]


def test_a_job_that_went_elsewhere_is_found_there_after_a_restart(
    make_engine: Any, ask: Any, tmp_path: Path
) -> None:
    offers = {"down": DOWN, "up": UP}
    engine = make_engine(offers)
    submitted = engine.submit(ask(policy="cheapest", failover=True, parameters={"delay": 60}))
    for _ in range(200):
        job = engine.job(submitted.id)
        if job.model == "up:image" and job.progress > 0:
            break
        engine.queue.wait(submitted.id, 0.05)
    assert engine.job(submitted.id).model == "up:image"
    engine = make_engine(offers)
    job = engine.job(submitted.id)
    assert (job.model, job.held) == ("up:image", True), "it may have been billed, so a person decides"
    assert engine.cancel(job.id).cost is None


def test_an_offer_that_must_be_downloaded_first_takes_nothing_over(
    make_engine: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine({"down": DOWN, "absent": {}})
    absent = Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix="Fetch it.")
    changed = [
        replace(model, availability=absent, downloadable=True) if model.id == "absent:image" else model
        for model in engine.catalog.offers("fake-image")
    ]
    monkeypatch.setattr(engine.catalog, "offers", lambda name: changed)
    job = run(engine, ask(failover=True))
    assert (job.status, job.model) == (JobStatus.FAILED, "down:image")
