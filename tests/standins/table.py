"""The shared test table: every remote backend goes through the same rows against its stand-in, with its real client.

A plugin's test class derives from `RemoteTable`, names its stand-in, its factory and one model per operation.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from diorama.access.fetch import SafeFetch
from diorama.contract import (
    Backend,
    BackendError,
    BackendNotReady,
    BackendSettings,
    ContentRefused,
    FetchedFile,
    JobCancelled,
    Operation,
    RateLimited,
    Result,
)
from diorama.jobs.submission import Submission
from diorama.resolution import resolve
from diorama.settings import load_settings
from diorama.testing import RecordingJobContext, RecordingListContext, sample_image

from .script import Script
from .server import Standin

QUICK = {"poll_seconds": 0.02, "retry_seconds": 0.01, "outage_seconds": 0.0}


class Crash(BaseException):
    """Stands for the end of the process: nothing of the backend may catch it."""


class CrashingContext(RecordingJobContext):
    """Ends the run at a chosen point: when it first waits, or when it would remember the ticket."""

    crash_at: str = "wait"

    def wait(self, seconds: float) -> None:
        if self.crash_at == "wait" and self.memory.get("ticket"):
            raise Crash
        super().wait(seconds)

    def remember(self, **facts: Any) -> None:
        if self.crash_at == "ticket" and facts.get("ticket"):
            raise Crash
        super().remember(**facts)


class PausingContext(RecordingJobContext):
    """Notes how long a job wanted to rest, and rests no longer than a moment."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        super().pause(min(seconds, 0.05))


def safe_fetcher(server: Standin, folder: Path) -> Callable[[str, Mapping[str, str]], FetchedFile]:
    """The engine's guarded fetch, with the stand-in's hosts opened as a user would open them."""
    hosts = [f"127.0.0.1:{port}" for port in server.ports.values()]
    settings = replace(
        load_settings({"DIORAMA_HOME": str(folder)}), backends={"remote": {"allow_hosts": hosts}}
    )
    fetch = SafeFetch(settings, "remote")
    work = folder / "fetched"
    work.mkdir(exist_ok=True)
    return lambda url, headers: fetch.fetch(url, headers=headers, work_dir=work)


class Bench:
    """One backend with its stand-in: makes requests and runs them."""

    def __init__(
        self, make: Callable[[], Backend], server: Standin, models: Mapping[Operation, str], folder: Path
    ) -> None:
        self.make = make
        self.server = server
        self.models = models
        self.folder = folder
        self.backend = make()
        self.secrets = {"api_key": server.key}
        self.fetcher = safe_fetcher(server, folder)

    def request(self, operation: Operation, images: int | None = None, **wanted: Any) -> tuple[Any, Any]:
        """A checked request and the model it is for; images are drawn as needed."""
        context = RecordingListContext(secrets=self.secrets, offline=False, fetcher=self.fetcher)
        native = wanted.pop("model", None) or self.models[operation]
        model = self.backend.describe(native, context)
        assert model is not None
        can = model.operations[operation]
        least = int(can.images_in.minimum) if can.images_in else 0
        count = images if images is not None else max(least, 1 if operation is Operation.EDIT else 0)
        side = max(can.sizes.minimum, 400) if can.sizes and not can.sizes.match_input else 400
        drawn = [
            sample_image(self.folder, size=(side, side), name=f"in{n}", color=colour)
            for n, colour in zip(range(count), ("seagreen", "tomato", "navy"), strict=False)
        ]
        given: dict[str, Any] = {"images": tuple(drawn)}
        if operation is Operation.UPSCALE:
            given = {
                "media": sample_image(self.folder, size=(40, 24), name="small"),
                "scale": wanted.pop("scale", 2.0),
            }
        if can.prompt != "none":
            given["prompt"] = wanted.pop("prompt", "a red kite over the sea")
        submission = Submission(kind=operation.value, model=model.id, **given, **wanted)
        return resolve(submission, model).request, model

    def context(
        self, model: Any, kind: type[RecordingJobContext] = RecordingJobContext, **options: Any
    ) -> Any:
        """A fresh job context."""
        work = self.folder / uuid.uuid4().hex
        work.mkdir()
        return kind(model, work, secrets=self.secrets, fetcher=self.fetcher, **options)

    def run(
        self, operation: Operation, context: Any = None, backend: Backend | None = None, **wanted: Any
    ) -> tuple[Result, Any]:
        """Run one job; returns its result and context."""
        request, model = self.request(operation, **wanted)
        context = context or self.context(model)
        hook = getattr(backend or self.backend, operation.value)
        return hook(request=request, context=context), context


class RemoteTable:
    """Derive from it in a plugin's tests.

    Attributes:
        standin: The stand-in's class.
        models: One native id per offered operation.
        waiting: The operation whose jobs wait at the provider.
        plural: The operation that can return two results, with the model for it.
        cancels_running: Whether the provider stops a job that already runs.
        refusal_route: Where a refusal of the content shows when it is not an outcome.
    """

    standin: ClassVar[type[Standin]]
    models: ClassVar[Mapping[Operation, str]]
    waiting: ClassVar[Operation] = Operation.GENERATE
    plural: ClassVar[tuple[Operation, str] | None] = None
    cancels_running: ClassVar[bool] = True
    expiry_route: ClassVar[str] = "download"

    def factory(self, settings: BackendSettings) -> Backend:
        """Override: make the backend."""
        raise AssertionError("override factory")

    def options(self, server: Standin) -> dict[str, Any]:
        """Override where more than `api_url` leads to the stand-in."""
        return {"api_url": server.url()}

    @pytest.fixture
    def server(self, loopback_only: Any) -> Any:
        """The stand-in; leaving it fails when a rule was broken."""
        with self.standin() as server:
            yield server

    @pytest.fixture
    def bench(self, server: Any, tmp_path: Path) -> Bench:
        """The backend beside its stand-in."""

        def make() -> Backend:
            options = {**QUICK, **self.options(server)}
            return self.factory(BackendSettings(id="remote", options=options, cache_dir=tmp_path / "cache"))

        return Bench(make, server, self.models, tmp_path)

    # --- the rows ---------------------------------------------------------------------------------

    def test_success(self, bench: Bench) -> None:
        result, context = bench.run(self.waiting)
        assert len(result.artifacts) == len(context.outputs) == 1
        assert bench.server.submissions == 1
        assert result.facts["request_id"] == bench.server.job.id
        assert {report[0] for report in context.reports} == {"generating", "saving"}
        assert context.memory["ticket"]["id"] == bench.server.job.id
        assert not context.memory.get("sending")

    def test_cancel_while_queued(self, bench: Bench) -> None:
        assert self.cancelled(bench, "queued").cancelled

    def test_cancel_while_running(self, bench: Bench) -> None:
        job = self.cancelled(bench, "running")
        assert job.cancelled == self.cancels_running

    def cancelled(self, bench: Bench, phase: Any) -> Any:
        bench.server.next(
            Script(queued=0, running=1, hold=phase) if phase == "running" else Script(hold=phase)
        )
        request, model = bench.request(self.waiting)
        context = bench.context(model)
        ends: list[BaseException] = []

        def work() -> None:
            try:
                getattr(bench.backend, self.waiting.value)(request=request, context=context)
            except BaseException as error:
                ends.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        bench.server.wait_until(lambda: bench.server.counts["poll"] >= 2, "two questions")
        context.cancel()
        thread.join(20)
        assert isinstance(ends[0], JobCancelled)
        assert not context.outputs
        assert bench.server.job.requests["cancel"] >= 1
        return bench.server.job

    def test_restart_while_waiting(self, bench: Bench) -> None:
        request, model = bench.request(self.waiting)
        first = bench.context(model, CrashingContext)
        with pytest.raises(Crash):
            getattr(bench.backend, self.waiting.value)(request=request, context=first)
        second = bench.context(model, memory=first.memory)
        again = bench.make()
        result = getattr(again, self.waiting.value)(request=request, context=second)
        assert len(result.artifacts) == 1
        assert bench.server.submissions == 1
        assert result.facts["request_id"] == bench.server.job.id

    def test_crash_between_sending_and_remembering_waits_for_a_person(self, bench: Bench) -> None:
        request, model = bench.request(self.waiting)
        first = bench.context(model, CrashingContext)
        first.crash_at = "ticket"
        with pytest.raises(Crash):
            getattr(bench.backend, self.waiting.value)(request=request, context=first)
        with pytest.raises(BackendError) as caught:
            getattr(bench.make(), self.waiting.value)(
                request=request, context=bench.context(model, memory=first.memory)
            )
        assert caught.value.unsure
        assert caught.value.fix
        assert bench.server.submissions == 1

    def test_provider_down(self, bench: Bench) -> None:
        request, model = bench.request(self.waiting)
        bench.server.stop()
        with pytest.raises(BackendError) as caught:
            getattr(bench.backend, self.waiting.value)(request=request, context=bench.context(model))
        assert caught.value.retryable
        assert not caught.value.unsure

    def test_bad_key(self, bench: Bench) -> None:
        request, model = bench.request(self.waiting)
        bench.secrets = {"api_key": "not:right"}
        with pytest.raises(BackendNotReady) as caught:
            getattr(bench.backend, self.waiting.value)(request=request, context=bench.context(model))
        assert "keys set remote" in (caught.value.fix or "")
        assert bench.server.submissions == 0

    def test_a_key_in_the_providers_answer_is_not_repeated(self, bench: Bench) -> None:
        bench.server.fault("submit", status=401, detail=f"the key {bench.server.key} is revoked")
        with pytest.raises(BackendNotReady, match=r"\[key\] is revoked") as caught:
            bench.run(self.waiting)
        assert bench.server.key not in str(caught.value.describe())

    def test_no_key(self, bench: Bench) -> None:
        models = bench.backend.list_models(context=RecordingListContext(offline=False))  # type: ignore[attr-defined]
        assert models
        assert {model.availability.state.value for model in models} == {"needs_key"}
        assert "keys set remote" in (models[0].availability.fix or "")

    def test_check_proves_the_key(self, bench: Bench) -> None:
        assert bench.backend.check(RecordingListContext(secrets=bench.secrets))
        with pytest.raises(BackendNotReady):
            bench.backend.check(RecordingListContext(secrets={"api_key": "not:right"}))
        with pytest.raises(BackendNotReady):
            bench.backend.check(RecordingListContext())
        bench.server.stop()
        with pytest.raises(BackendError):
            bench.make().check(RecordingListContext(secrets=bench.secrets))

    def test_refused_content(self, bench: Bench) -> None:
        bench.server.next(Script(outcome="refused"))
        with pytest.raises(ContentRefused):
            bench.run(self.waiting)
        assert bench.server.submissions == 1

    def test_failed_run(self, bench: Bench) -> None:
        bench.server.next(Script(outcome="failed"))
        with pytest.raises(BackendError) as caught:
            bench.run(self.waiting)
        assert not caught.value.unsure

    def test_success_without_a_result(self, bench: Bench) -> None:
        bench.server.next(Script(outcome="hollow"))
        with pytest.raises(BackendError):
            bench.run(self.waiting)

    def test_output_expired(self, bench: Bench) -> None:
        bench.server.fault(self.expiry_route, status=404, times=-1)
        with pytest.raises(BackendError, match="expire") as caught:
            bench.run(self.waiting)
        assert not caught.value.retryable

    def test_a_stumbling_download_is_repeated(self, bench: Bench) -> None:
        bench.server.fault(self.expiry_route, status=503, times=2)
        result, _ = bench.run(self.waiting)
        assert len(result.artifacts) == 1

    def test_two_outputs(self, bench: Bench) -> None:
        if self.plural is None:
            pytest.skip("no model of this provider returns two results")
        operation, model = self.plural
        result, context = bench.run(operation, model=model, num_images=2)
        assert len(result.artifacts) == 2
        assert context.outputs[0].image.tobytes() != context.outputs[1].image.tobytes()
        assert bench.server.submissions == 1

    def test_video_output(self, bench: Bench) -> None:
        if Operation.VIDEO not in self.models:
            pytest.skip("this provider makes no videos")
        result, context = bench.run(Operation.VIDEO)
        assert result.artifacts[0].kind == "video"
        assert context.outputs[0].frames >= 8

    def test_a_two_picture_edit(self, bench: Bench) -> None:
        if Operation.EDIT not in self.models:
            pytest.skip("this provider edits nothing")
        _, context = bench.run(Operation.EDIT, images=2)
        assert context.outputs[0].image.size[0] >= 16

    def test_upscale(self, bench: Bench) -> None:
        if Operation.UPSCALE not in self.models:
            pytest.skip("this provider enlarges nothing")
        _, context = bench.run(Operation.UPSCALE)
        assert context.outputs[0].image.size == (80, 48)

    def test_polling_survives_trouble(self, bench: Bench) -> None:
        server = bench.server
        server.fault("poll", status=503, body="<html>502 nginx</html>")
        server.fault("poll", status=200, body='{"status": ')
        server.fault("poll", disconnect=True)
        result, _ = bench.run(self.waiting)
        assert len(result.artifacts) == 1
        assert server.submissions == 1

    def test_polling_gives_up_and_is_resumed(self, bench: Bench) -> None:
        bench.server.fault("poll", status=503, times=4)
        request, model = bench.request(self.waiting)
        context = bench.context(model)
        with pytest.raises(BackendError) as caught:
            getattr(bench.backend, self.waiting.value)(request=request, context=context)
        assert caught.value.unsure  # it waits for a person, who lets it ask again
        again = bench.context(model, memory=context.memory)
        result = getattr(bench.backend, self.waiting.value)(request=request, context=again)
        assert len(result.artifacts) == bench.server.submissions == 1

    def test_a_long_retry_after_of_a_question_is_obeyed(self, bench: Bench) -> None:
        bench.server.fault("poll", status=429, retry_after=3600, detail="slow down")
        bench.backend.outage_seconds = 60.0  # type: ignore[attr-defined]
        request, model = bench.request(self.waiting)
        context = bench.context(model, PausingContext)
        result = getattr(bench.backend, self.waiting.value)(request=request, context=context)
        assert len(result.artifacts) == bench.server.submissions == 1
        assert [seconds for seconds in context.pauses if seconds >= 60] == [3600]

    def test_an_outage_while_waiting_is_sat_out(self, bench: Bench) -> None:
        bench.server.fault("poll", status=503, times=30)
        bench.backend.outage_seconds = 60.0  # type: ignore[attr-defined]
        result, _ = bench.run(self.waiting)
        assert len(result.artifacts) == bench.server.submissions == 1

    def test_a_released_job_is_sent_again(self, bench: Bench) -> None:
        request, model = bench.request(self.waiting)
        memory = {"sending": "2026-11-20T10:00:00+00:00", "released": True}
        context = bench.context(model, memory=memory)
        result = getattr(bench.backend, self.waiting.value)(request=request, context=context)
        assert len(result.artifacts) == bench.server.submissions == 1
        assert not context.memory["released"]

    @pytest.mark.parametrize("retry_after", [0.05, None])
    def test_a_throttled_submission_waits_and_is_sent_again(
        self, bench: Bench, retry_after: float | None
    ) -> None:
        bench.server.fault("submit", status=429, retry_after=retry_after, detail="slow down", times=2)
        result, _ = bench.run(self.waiting)
        assert len(result.artifacts) == bench.server.submissions == 1
        assert bench.server.counts["submit"] == 3

    def test_a_long_throttle_is_told(self, bench: Bench) -> None:
        bench.server.fault("submit", status=429, retry_after=3600, detail="slow down")
        with pytest.raises(RateLimited) as caught:
            bench.run(self.waiting)
        assert caught.value.retry_after == 3600
        assert bench.server.counts["submit"] == 1

    @pytest.mark.parametrize(
        "fault",
        [
            {"disconnect": True, "after": True},
            {"status": 502, "body": "<h1>nginx</h1>", "after": True},
            {"status": 200, "body": "{", "after": True},
        ],
    )
    def test_a_lost_answer_is_never_bought_again(self, bench: Bench, fault: dict[str, Any]) -> None:
        bench.server.fault("submit", **fault)
        request, model = bench.request(self.waiting)
        context = bench.context(model)
        with pytest.raises(BackendError) as caught:
            getattr(bench.backend, self.waiting.value)(request=request, context=context)
        assert caught.value.unsure
        assert not caught.value.retryable
        with pytest.raises(BackendError, match="interrupted"):
            getattr(bench.backend, self.waiting.value)(
                request=request, context=bench.context(model, memory=context.memory)
            )
        assert bench.server.counts["submit"] == bench.server.submissions == 1

    def test_no_credit(self, bench: Bench) -> None:
        bench.server.fault("submit", status=402, detail="insufficient credit")
        with pytest.raises(BackendNotReady, match="credit"):
            bench.run(self.waiting)
