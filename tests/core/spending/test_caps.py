"""Caps hold at admission, for every currency by itself, however many submit at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from diorama.contract import Cost, InvalidRequest, Result
from diorama.jobs.records import JobStatus
from diorama.spending.purse import day_of

PAID = {"paid": {"price": 0.1, "remote": True}}


def refused(engine: Any, *submissions: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        engine.submit_many(submissions)
    return caught.value


def test_a_job_above_its_cap_is_refused_before_it_is_stored(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_job": 0.25})
    error = refused(engine, ask(num_images=3))
    assert error.field.endswith("spending.per_job")
    assert "0.3 USD" in error.message
    assert "0.25 USD" in error.message
    assert "per_job" in error.fix
    assert engine.jobs().items == ()
    assert engine.costs.report() == []
    assert engine.submit(ask(num_images=2)).cost == {"amount": 0.2, "currency": "USD", "estimated": True}


def test_a_cap_of_a_day_takes_exactly_what_fits(make_engine: Any, ask: Any) -> None:
    """Three times 0.1 is a little more than 0.3 in binary; people mean three."""
    engine = make_engine(PAID, spending={"per_day": 0.3})
    for _ in range(3):
        engine.submit(ask())
    assert refused(engine, ask()).field == "spending.per_day"


def test_many_at_once_do_not_pass_it_together(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_day": 1.0})
    gate, accepted, turned_away = threading.Barrier(24), [], []

    def submit() -> None:
        gate.wait()
        try:
            accepted.append(engine.submit(ask()))
        except InvalidRequest as error:
            turned_away.append(error.field)

    threads = [threading.Thread(target=submit) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == 10
    assert turned_away == ["spending.per_day"] * 14
    assert len(engine.jobs().items) == 10
    assert [line.amount for line in engine.costs.report()] == [1.0]


def test_a_batch_is_taken_whole_or_not(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_day": 0.45})
    refused(engine, *[ask()] * 5)
    assert engine.jobs().items == ()
    assert len(engine.submit_many([ask()] * 4)) == 4


def test_sessions_have_a_cap_of_their_own(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_session": 0.2})
    for session in ("a", "a", "b", "b"):
        engine.submit(ask(session_id=session))
    for _ in range(4):
        engine.submit(ask())
    assert refused(engine, ask(session_id="a")).field == "spending.per_session"
    assert {line.key: line.amount for line in engine.costs.report("session")} == {"": 0.4, "a": 0.2, "b": 0.2}


def test_credits_and_dollars_are_never_added(make_engine: Any, ask: Any) -> None:
    engine = make_engine(
        {**PAID, "own": {"price": 40, "currency": "credits", "remote": True}},
        spending={"per_day": {"USD": 0.1, "credits": 50}},
    )
    engine.submit(ask(model="own:image"))
    engine.submit(ask(model="paid:image"))
    assert (
        "80 credits; the cap spending.per_day is 50 credits"
        in refused(engine, ask(model="own:image")).message
    )
    assert "USD" in refused(engine, ask(model="paid:image")).message


def test_an_unknown_price_does_not_slip_past_a_cap(make_engine: Any, ask: Any, tmp_path: Any) -> None:
    engine = make_engine({"far": {"remote": True}, "here": {}}, spending={"per_day": 5})
    error = refused(engine, ask(model="far:image"))
    assert "not known" in error.message
    assert "prices.toml" in error.fix
    engine.submit(ask(model="here:image"))
    prices = tmp_path / "home" / "config" / "prices.toml"
    prices.parent.mkdir(parents=True, exist_ok=True)
    prices.write_text("far = 0\n")
    engine.catalog.refresh()
    assert engine.submit(ask(model="far:image")).cost is None


def test_what_did_not_run_frees_its_money(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_day": 0.1})
    engine.queue.pause()
    waiting = engine.submit(ask())
    refused(engine, ask())
    assert engine.cancel(waiting.id).cost is None
    failing = engine.submit(ask(parameters={"trouble": "refuse"}))
    engine.queue.resume()
    assert engine.wait(failing.id, 30).status is JobStatus.FAILED
    assert engine.wait(engine.submit(ask()).id, 30).status is JobStatus.COMPLETED
    refused(engine, ask())


def test_forgetting_a_job_or_a_restart_empties_no_cap(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_day": 0.1})
    job = engine.wait(engine.submit(ask()).id, 30)
    engine.forget(job.id)
    refused(engine, ask())
    assert [line.amount for line in engine.costs.report()] == [0.1], "what was spent stays in the books"
    engine = make_engine(PAID, spending={"per_day": 0.1})
    assert [line.amount for line in engine.costs.report()] == [0.1]
    refused(engine, ask())
    assert not engine.jobs().items, "the refused one left nothing"


def test_a_new_day_begins_anew(make_engine: Any, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(PAID, spending={"per_day": 0.1})
    engine.submit(ask())
    monkeypatch.setattr("diorama.spending.purse.day_of", lambda seconds: day_of(seconds + 86400))
    engine.submit(ask())
    assert [line.amount for line in engine.costs.report("day")] == [0.1, 0.1]


def test_the_same_key_is_booked_once(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_day": 0.1})
    first = engine.submit(ask(idempotency_key="k"))
    assert engine.submit(ask(idempotency_key="k")).id == first.id
    assert [line.jobs for line in engine.costs.report()] == [1]


def test_an_estimate_says_what_would_refuse_it(make_engine: Any, ask: Any) -> None:
    engine = make_engine(PAID, spending={"per_day": 0.25})
    assert engine.estimate([ask()] * 2).refused is None
    assert "spending.per_day is 0.25 USD" in engine.estimate([ask()] * 3).refused
    engine.submit(ask())
    assert engine.estimate([ask()] * 2).refused is not None


def test_settings_are_read_as_people_write_them(tmp_path: Any) -> None:
    from diorama.settings import load_settings

    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text('[spending]\nper_job = "0.50"\nper_day = { usd = 5, credits = 200 }\n')
    settings = load_settings({"DIORAMA_HOME": str(tmp_path), "DIORAMA_SPENDING__PER_DAY__USD": "7"})
    assert settings.spending.per_job == {"USD": 0.5}
    assert settings.spending.per_day == {"USD": 7.0, "credits": 200.0}
    for bad in ("per_job = true", "per_job = -1", 'per_day = "much"', "per_day = inf", "per_hour = 1"):
        config.write_text(f"[spending]\n{bad}\n")
        with pytest.raises(InvalidRequest) as caught:
            load_settings({"DIORAMA_HOME": str(tmp_path)})
        assert caught.value.field.startswith("spending.per_")


@pytest.mark.parametrize(("cap", "session"), [("per_job", None), ("per_day", None), ("per_session", "s")])
def test_a_quote_above_a_cap_ends_the_job_before_it_is_sent(
    make_engine: Any, ask: Any, cap: str, session: str | None
) -> None:
    """The provider says just before the work what it will cost; the estimate had been lower."""
    engine = make_engine({"paid": {"price": 0.1, "remote": True}}, spending={cap: {"USD": 0.5}})
    backend, asked, done = engine.registry.backends["paid"], [0.3, 0.9], []

    def quoting(request: Any, saved: Any, context: Any) -> Result:
        context.quote(Cost(amount=asked.pop(0)))
        done.append(context.job_id)
        return Result(artifacts=saved)

    backend._result = quoting
    good = engine.wait(engine.submit(ask(session_id=session)).id, 30)
    assert (good.status, good.cost["amount"]) == (JobStatus.COMPLETED, 0.3), good.error
    bad = engine.wait(engine.submit(ask(session_id=session)).id, 30)
    assert (bad.status, bad.cost) == (JobStatus.FAILED, None)
    assert bad.error["field"] == f"spending.{cap}"
    assert done == [good.id]
    assert [line.amount for line in engine.costs.report()] == [0.3], "what was refused left the books"


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), "5"])
def test_a_quote_that_is_no_amount_is_refused(make_engine: Any, ask: Any, amount: Any) -> None:
    engine = make_engine({"paid": {"price": 0.1, "remote": True}})
    backend = engine.registry.backends["paid"]
    backend._result = lambda request, saved, context: context.quote(Cost(amount=amount))
    job = engine.wait(engine.submit(ask()).id, 30)
    assert (job.status, job.cost) == (JobStatus.FAILED, None)
    assert "no amount" in job.error["message"]
