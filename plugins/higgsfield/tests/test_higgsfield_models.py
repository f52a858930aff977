"""What is particular to Higgsfield: quotes, the concurrency text, seeds, the optional list, unknown words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    BackendError,
    BackendNotReady,
    BackendSettings,
    Cost,
    InvalidRequest,
    Operation,
    RateLimited,
)
from diorama.testing import RecordingListContext
from diorama_higgsfield import create_backend
from standins import HiggsfieldStandin, Script
from standins.table import QUICK, Bench

CONCURRENT = "Maximum number of concurrent requests (4) has been reached"


@pytest.fixture
def bench(loopback_only: Any, tmp_path: Path) -> Any:
    with HiggsfieldStandin() as server:
        settings = BackendSettings(
            id="higgsfield", options={**QUICK, "api_url": server.url()}, cache_dir=tmp_path / "cache"
        )
        yield Bench(lambda: create_backend(settings), server, {}, tmp_path)


@pytest.mark.parametrize(("native", "operation"), [
    (native, operation) for native, offer in create_backend(BackendSettings(id="higgsfield")).curated().items()
    for operation in offer.wires
])  # fmt: skip
def test_every_curated_model_fits(bench: Bench, native: str, operation: Operation) -> None:
    result, context = bench.run(operation, model=native)
    assert result.cost == Cost(amount=0.094)
    assert [note for note in context.notes if note[0] == "ignored"] == []


def test_a_quote_is_remembered_with_the_purchase_and_not_before(bench: Bench) -> None:
    """What is in the memory of a job that bought nothing would keep it from going elsewhere."""
    bench.server.fault("submit", status=402, detail="insufficient credit")
    request, model = bench.request(Operation.GENERATE, model="reve/text-to-image")
    context = bench.context(model)
    with pytest.raises(BackendNotReady):
        bench.backend.generate(request=request, context=context)  # type: ignore[attr-defined]
    assert bench.server.counts["estimate"] == 1
    assert not any(context.memory.values())
    result, context = bench.run(Operation.GENERATE, model="reve/text-to-image")
    assert result.cost == Cost(**context.memory["ticket"]["quote"]) == Cost(amount=0.094)


def test_a_quote_above_a_cap_sends_nothing(bench: Bench) -> None:
    request, model = bench.request(Operation.GENERATE, model="reve/text-to-image")
    context = bench.context(model)
    context.cap = 0.05
    with pytest.raises(InvalidRequest, match="cap"):
        bench.backend.generate(request=request, context=context)  # type: ignore[attr-defined]
    assert (bench.server.counts["estimate"], bench.server.counts["submit"]) == (1, 0)
    assert not any(context.memory.values())


def test_a_missing_quote_stops_nothing(bench: Bench) -> None:
    bench.server.fault("estimate", status=404)
    result, _ = bench.run(Operation.GENERATE, model="reve/text-to-image")
    assert result.cost is None


def test_the_concurrency_limit_is_waited_for(bench: Bench) -> None:
    bench.server.fault("submit", status=400, detail=CONCURRENT, times=2)
    bench.run(Operation.GENERATE, model="reve/text-to-image")
    assert (bench.server.counts["submit"], bench.server.submissions) == (3, 1)
    bench.server.fault("submit", status=400, detail=CONCURRENT, times=-1)
    with pytest.raises(RateLimited, match="concurrent"):
        bench.run(Operation.GENERATE, model="reve/text-to-image")


def test_large_seeds_are_fitted(bench: Bench) -> None:
    bench.run(Operation.GENERATE, model="higgsfield-ai/popcorn/auto", seed=4_000_000_007)
    assert bench.server.job.arguments["seed"] == 8


def test_an_unknown_word_still_runs_until_the_deadline(bench: Bench) -> None:
    bench.server.next(Script(outcome="aborted"))
    bench.backend.timeout_seconds = 0.3  # type: ignore[attr-defined]
    with pytest.raises(BackendError, match="did not finish"):
        bench.run(Operation.GENERATE, model="reve/text-to-image")
    assert bench.server.job.requests["cancel"] >= 1


def test_a_foreign_status_address_never_gets_the_key(bench: Bench) -> None:
    """Answers name the addresses to ask; only the configured host may be asked with the key."""
    foreign = {"status": "queued", "request_id": "abc",
               **{f"{name}_url": f"http://evil.example/{name}" for name in ("status", "cancel")}}  # fmt: skip
    bench.server.fault("submit", status=200, body=foreign)
    with pytest.raises(BackendError):
        bench.run(Operation.GENERATE, model="reve/text-to-image")
    assert bench.server.seen[-1].path == "/requests/abc/status"


@pytest.mark.parametrize(("status", "detail", "error"), [
    (403, "Not enough credits", BackendNotReady), (423, "model is blocked", BackendError),
    (422, [{"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}], InvalidRequest),
])  # fmt: skip
def test_refusals_say_what_they_mean(bench: Bench, status: int, detail: Any, error: type[Exception]) -> None:
    bench.server.fault("submit", status=status, detail=detail)
    with pytest.raises(error):
        bench.run(Operation.GENERATE, model="reve/text-to-image")
    assert bench.server.counts["submit"] == 1


def test_discovery_is_optional(bench: Bench) -> None:
    def names() -> set[str]:
        context = RecordingListContext(
            refresh=True, offline=False, secrets=bench.secrets, fetcher=bench.fetcher
        )
        return {model.native_id for model in bench.backend.list_models(context=context)}  # type: ignore[attr-defined]

    assert "studio/fresh-paint" in names()
    result, _ = bench.run(Operation.GENERATE, model="studio/fresh-paint")
    assert result.artifacts
    bench.server.lists_models = False  # type: ignore[attr-defined]
    assert "studio/fresh-paint" not in names()


def test_the_key_may_come_in_two_halves(bench: Bench) -> None:
    first, second = bench.server.key.split(":")
    bench.secrets = {"api_key_id": first, "api_key_secret": second}
    assert bench.run(Operation.GENERATE, model="reve/text-to-image")[0].artifacts
