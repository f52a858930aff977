"""One model from two providers, through their official clients: keys, prices, and the other when one is down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from diorama.engine import Engine
from diorama.jobs.records import JobStatus
from diorama.jobs.submission import Submission
from diorama.settings import load_settings

from standins import FalStandin, ReplicateStandin, Standin

FAL, REPLICATE = "fal:fal-ai/flux/schnell", "replicate:black-forest-labs/flux-schnell"
QUICK = {"poll_seconds": 0.02, "retry_seconds": 0.01}


def table(server: Standin, **urls: str) -> dict[str, Any]:
    hosts = [f"127.0.0.1:{port}" for port in server.ports.values()]
    return {**QUICK, **urls, "allow_hosts": hosts}


@pytest.fixture
def engine(
    fal_server: FalStandin,
    replicate_server: ReplicateStandin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engine]:
    for name in ("FAL_KEY", "REPLICATE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    environ = {
        "DIORAMA_HOME": str(tmp_path),
        "DIORAMA_KEYRING": "0",
        "DIORAMA_PLUGINS_ALLOW": "fal,replicate",
    }
    fal = table(
        fal_server, **{f"{name}_url": fal_server.url(name) for name in ("api", "queue", "rest", "cdn")}
    )
    tables = {"fal": fal, "replicate": table(replicate_server, api_url=replicate_server.url())}
    prices = tmp_path / "config" / "prices.toml"
    prices.parent.mkdir()
    prices.write_text(f'"{FAL}" = {{ amount = 0.002, per = "image" }}\n"{REPLICATE}" = 0.003\n')
    with Engine(load_settings(environ, backends=tables, spending={"per_day": 1.0})) as made:
        yield made


def ask(**values: Any) -> Submission:
    return Submission(model="flux-schnell", kind="generate", prompt="a kite", policy="cheapest", **values)


def keyed(engine: Engine, fal_server: FalStandin, replicate_server: ReplicateStandin) -> None:
    for name, server in (("fal", fal_server), ("replicate", replicate_server)):
        assert engine.providers.get(name).ready == 0
        engine.providers.change(name, secrets={"api_key": server.key})
        engine.catalog.refresh(name, force=False)
        assert engine.providers.get(name).ready > 0
        assert engine.providers.test(name)


def test_a_key_opens_and_the_cheaper_one_runs(
    engine: Engine, fal_server: FalStandin, replicate_server: ReplicateStandin
) -> None:
    keyed(engine, fal_server, replicate_server)
    job = engine.wait(engine.submit(ask()).id, 60)
    assert (job.status, job.model) == (JobStatus.COMPLETED, FAL), job.error
    assert (fal_server.submissions, replicate_server.submissions) == (1, 0)
    assert job.cost is not None
    assert job.cost["amount"] == 0.002, "the user's price counts, where the provider tells none"
    assert {line.key: line.amount for line in engine.costs.report("backend")} == {"fal": 0.002}


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 401}])
def test_the_other_takes_over_and_nothing_is_bought_twice(
    engine: Engine, fal_server: FalStandin, replicate_server: ReplicateStandin, fault: dict[str, int]
) -> None:
    keyed(engine, fal_server, replicate_server)
    fal_server.fault("submit", times=-1, **fault)
    job = engine.wait(engine.submit(ask(failover=True, seed=5)).id, 60)
    assert (job.status, job.model) == (JobStatus.COMPLETED, REPLICATE), job.error
    assert (fal_server.submissions, replicate_server.submissions) == (0, 1)
    assert replicate_server.job.arguments["seed"] == 5
    assert [item["offer"] for item in job.applied["failed_over"]] == [FAL]
    assert {line.key: line.amount for line in engine.costs.report("backend")} == {"replicate": 0.003}


def test_an_address_where_nobody_is_fails_over_too(
    engine: Engine, fal_server: FalStandin, replicate_server: ReplicateStandin
) -> None:
    keyed(engine, fal_server, replicate_server)
    engine.providers.change("replicate", api_url="http://127.0.0.1:9", secrets={"api_key": "another"})
    engine.catalog.refresh("replicate", force=False)
    job = engine.wait(engine.submit(Submission(model=REPLICATE, kind="generate", prompt="x")).id, 60)
    assert job.status is JobStatus.FAILED, "a full id stays where it was sent"
    (engine.settings.prices_file).write_text(f'"{FAL}" = {{ amount = 0.9, per = "image" }}\n')
    engine.catalog.refresh("fal", force=False)
    job = engine.wait(engine.submit(ask(failover=True)).id, 60)
    assert (job.status, job.model) == (JobStatus.COMPLETED, FAL), job.error
    assert replicate_server.submissions == 0


def test_what_the_provider_may_have_taken_stays_with_it(
    engine: Engine, fal_server: FalStandin, replicate_server: ReplicateStandin
) -> None:
    """The answer to the submission is lost: a person decides, and the price stays booked."""
    keyed(engine, fal_server, replicate_server)
    fal_server.fault("submit", times=1, after=True, disconnect=True)
    submitted = engine.submit(ask(failover=True))
    while not engine.job(submitted.id).held:
        assert not engine.wait(submitted.id, 0.05).status.final
    job = engine.job(submitted.id)
    assert (job.model, replicate_server.submissions) == (FAL, 0)
    job = engine.cancel(job.id)
    assert [line.amount for line in engine.costs.report()] == [0.002]
