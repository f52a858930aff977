"""The course of one remote job: buy once, remember, wait, bring everything home."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from diorama.contract.capabilities import Operation
from diorama.contract.errors import (
    BackendError,
    ContentRefused,
    DioramaError,
    InvalidRequest,
    JobCancelled,
    JobParked,
    RateLimited,
)
from diorama.contract.plain import from_plain, to_plain
from diorama.contract.remote.answers import Refusal, Unanswered, Unreached
from diorama.contract.remote.call import Call, Look, Output
from diorama.contract.remote.files import bring, prepare, resized
from diorama.contract.remote.money import estimate
from diorama.contract.remote.wire import Uploads
from diorama.contract.requests import EditRequest, GenerateRequest, UpscaleRequest, VideoRequest
from diorama.contract.results import Artifact, Cost, MediaKind, Result

if TYPE_CHECKING:
    from diorama.contract.remote.backend import RemoteBackend

RETRIES = 3
LONGEST_PAUSE = 60.0
PATIENCE = 10
"""First pauses that make up the pause before a bought result is asked for once more."""
MAX_BYTES = {"image": 512 * 1024**2, "video": 8 * 1024**3}
_WIRE_ERRORS = (Refusal, Unreached, Unanswered)
T = TypeVar("T")


def run(backend: RemoteBackend[Any], call: Call, body_for: Callable[[Uploads], dict[str, Any]]) -> Result:
    """Run one job at the provider, or pick up where an interrupted run left it."""
    memory = call.context.memory
    started = time.monotonic()
    ticket = memory.get("ticket")
    if ticket:
        look = Look(state="queued", ticket=ticket)
    elif memory.get("sending") and not memory.get("released"):
        raise _unsure(backend, f"Diorama was interrupted while sending this request ({memory['sending']})")
    else:
        uploads = _upload_all(backend, call)
        look = _buy(backend, call, safely(backend, call, lambda: body_for(uploads)))
    if look.state != "done":
        look = _wait(backend, call, look.ticket, started, resumed=bool(ticket))
    return _collect(backend, call, look)


def _unsure(backend: RemoteBackend[Any], what: str) -> BackendError:
    return BackendError(
        f"{what}: {backend.title} may have accepted and billed it. It is not sent again by itself.",
        unsure=True, fix=f"Look at your account at {backend.title}; release the job to send it again if it is not there.",
    )  # fmt: skip


def _kept(backend: RemoteBackend[Any], error: DioramaError) -> BackendError:
    return BackendError(
        f"{error.message} The request was accepted there and is not forgotten.",
        unsure=True, retryable=True, retry_after=_asked(error) or backend.retry_seconds * PATIENCE,
        fix="Release the job to ask for it again; nothing is bought twice.",
    )  # fmt: skip


# --- buying ---------------------------------------------------------------------------------------


def _upload_all(backend: RemoteBackend[Any], call: Call) -> Uploads:
    request, sides = call.request, call.wire.input_sides

    def send(media: Any, name: str, like: Any = None) -> str:
        call.context.progress("generating", 0.0, f"Sending an input to {backend.title}")
        file = prepare(media, name, sides, like)
        return safely(backend, call, lambda: backend.upload(call, file))

    if isinstance(request, UpscaleRequest):
        return Uploads(media=send(request.media, "input"))
    images = [send(media, f"input-{number}") for number, media in enumerate(request.images, 1)]
    mask = request.mask if isinstance(request, EditRequest) else None
    video = request.video if isinstance(request, VideoRequest) else None
    return Uploads(
        images=images,
        mask=send(mask, "mask", request.images[0]) if mask else None,
        media=send(video, "input-video") if video else None,
    )


def _buy(backend: RemoteBackend[Any], call: Call, body: dict[str, Any]) -> Look:
    """Send the submission; repeat it only when it provably did not take effect."""
    context = call.context
    quote = safely(backend, call, lambda: backend.quote(call, body))
    if quote is not None:
        context.quote(quote)
    told = {} if quote is None else {"quote": to_plain(quote)}
    for attempt in range(RETRIES + 1):
        context.progress("generating", 0.0, f"Sending the request to {backend.title}")
        try:
            context.remember(sending=datetime.now(UTC).isoformat(timespec="seconds"), released=None)
        except BackendError:
            _note(call, sending=None)  # nothing was sent
            raise
        try:
            with backend.gate:
                look = backend.submit(call, body)
        except _WIRE_ERRORS as error:
            if backend.bought(error) == "unsure":
                context.log.warning("The submission's outcome is unknown: %s", error)
                raise _unsure(backend, f"{backend.title} did not confirm this request") from error
            _note(call, sending=None)
            seen = backend.translate(error)
            pause = _pause(backend, error, attempt)
            if not _worth_repeating(error, seen) or attempt == RETRIES or pause > LONGEST_PAUSE:
                raise seen from error
            context.log.info("Submitting again in %.1f s: %s", pause, seen)
            context.wait(pause)
        else:
            if look.state != "done":
                look = replace(look, ticket={**look.ticket, **told})
                _note(call, ticket=dict(look.ticket), sending=None)
            return look
    raise AssertionError("unreachable")


def _note(call: Call, **facts: Any) -> None:
    """Remember; where that fails, the job goes on with what this process knows: what was bought is not given up."""
    try:
        call.context.remember(**facts)
    except BackendError as error:
        call.context.log.warning("%s", error)


def _worth_repeating(error: Exception, seen: DioramaError) -> bool:
    return isinstance(error, Unreached) or isinstance(seen, RateLimited)


def _pause(backend: RemoteBackend[Any], error: Exception, attempt: int) -> float:
    asked = _asked(error)
    return asked if asked is not None else float(backend.retry_seconds * 2**attempt)


def _asked(error: Exception) -> float | None:
    """Return the seconds that the provider asked us to wait."""
    return error.retry_after if isinstance(error, Refusal | RateLimited | BackendError) else None


def safely(backend: RemoteBackend[Any], call: Call, ask: Callable[[], T]) -> T:
    """Do something that costs nothing, up to three times more when it may help.

    Raises:
        DioramaError: it still fails.
        JobCancelled: the job was cancelled meanwhile.
    """
    for attempt in range(RETRIES + 1):
        try:
            with backend.gate:
                return ask()
        except _WIRE_ERRORS as error:
            lasting = isinstance(error, Refusal) and not error.transient
            pause = _pause(backend, error, attempt)
            if lasting or attempt == RETRIES or pause > LONGEST_PAUSE:
                raise backend.translate(error) from error
            call.context.log.info("%s; again in %.1f s", error, pause)
            call.context.wait(pause)
    raise AssertionError("unreachable")


# --- waiting --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Wait:
    """What this process knows of a job that it waits for, from one question to the next.

    Attributes:
        pauses: Seconds before each further question.
        resumed: Whether an earlier process bought it; then it is asked for at once, and its time teaches nothing.
        started: Monotonic seconds at which the wait began.
        answered: Monotonic seconds of the last answer.
        highest: Largest part that was reported as done.
        rested: Whether the next question is due.
        asked_for: Seconds that the provider wants to be left alone.
    """

    pauses: Iterator[float]
    resumed: bool
    started: float
    answered: float = field(default_factory=time.monotonic)
    highest: float = 0.0
    rested: bool = False
    asked_for: float = 0.0


def _wait(
    backend: RemoteBackend[Any], call: Call, ticket: Mapping[str, Any], started: float, *, resumed: bool
) -> Look:
    wait = backend.waits.pop(call.context.job_id, None)
    if wait is None:
        wait = Wait(backend.pace.pauses(call.offer.info.id), resumed, started, rested=resumed)
        call.context.on_cancel(lambda: _cancel(backend, call, ticket))
    while True:
        _rest(backend, call, wait)
        look = _ask(backend, call, ticket, wait)
        if look is not None:
            return look
        if time.monotonic() - wait.started > backend.timeout_seconds:
            _cancel(backend, call, ticket)
            raise BackendError(
                f"{backend.title} did not finish within {backend.timeout_seconds:g} s; the request was cancelled there.",
                fix="Raise timeout_seconds of this backend if the model is that slow.",
            )


def _rest(backend: RemoteBackend[Any], call: Call, wait: Wait) -> None:
    """Pause before the next question; the pause may end this call, and another one goes on from here."""
    if not wait.rested:
        wait.rested = True
        try:
            call.context.pause(max(next(wait.pauses), wait.asked_for))
        except JobParked:
            backend.waits[call.context.job_id] = wait
            raise
    call.context.wait(0.0)  # a cancelled job asks nothing more
    wait.rested = False


def _ask(backend: RemoteBackend[Any], call: Call, ticket: Mapping[str, Any], wait: Wait) -> Look | None:
    """Ask once; return what was seen when it is the end."""
    context = call.context
    try:
        look = safely(backend, call, lambda: backend.look(call, ticket))
    except (BackendError, RateLimited) as error:
        if isinstance(error, BackendError) and not error.retryable:
            raise
        if time.monotonic() - wait.answered > backend.outage_seconds:
            raise _kept(backend, error) from error
        message = f"{backend.title} does not answer; it is asked again"
        context.progress("generating", wait.highest or None, message)
        wait.asked_for = _asked(error) or 0.0
        return None
    wait.answered, wait.asked_for = time.monotonic(), 0.0
    if look.state in ("done", "failed"):
        if not wait.resumed:
            backend.pace.learn(call.offer.info.id, time.monotonic() - wait.started)
        return look
    numbers = {name: value for name, value in look.numbers.items() if value is not None}
    wait.highest = max(wait.highest, look.fraction or 0.0)
    context.progress("generating", wait.highest or None, look.message or look.state, **numbers)
    return None


def _cancel(backend: RemoteBackend[Any], call: Call, ticket: Mapping[str, Any]) -> None:
    """Cancel at the provider; a failure is logged, since the job is over for the user anyway."""
    for attempt in range(RETRIES + 1):
        try:
            backend.cancel(call, ticket)
        except _WIRE_ERRORS as error:
            if isinstance(error, Refusal) and not error.transient:
                call.context.log.info("%s did not cancel %s: %s", backend.title, ticket.get("id"), error)
                return
            if attempt == RETRIES:
                call.context.log.warning(
                    "%s could not be told to cancel %s: %s", backend.title, ticket.get("id"), error
                )
                return
            time.sleep(min(_pause(backend, error, attempt), 5.0))
        else:
            return


# --- bringing home --------------------------------------------------------------------------------


def _collect(backend: RemoteBackend[Any], call: Call, look: Look) -> Result:
    context = call.context
    if look.state == "failed":
        _note(call, ticket=None, sending=None)
        raise look.error or BackendError(f"The run failed at {backend.title}.")
    good = [output for output in look.outputs if not output.refused]
    if look.outputs and not good:
        _note(call, ticket=None, sending=None)
        raise ContentRefused(
            f"The safety filter of {backend.title} refused the result.", fix="Word it differently."
        )
    if not good:
        raise BackendError(f"{backend.title} reported success and returned no result.")
    artifacts = tuple(_save(backend, call, output, index, len(good)) for index, output in enumerate(good))
    if context.memory.get("sending"):
        _note(call, sending=None)  # made within the submission itself
    _tell_missing(call, look, len(good))
    request = call.request
    duration = request.duration if isinstance(request, VideoRequest) else None
    ticket = context.memory.get("ticket") or look.ticket
    quoted = from_plain(Cost, ticket["quote"]) if ticket.get("quote") else None
    told = look.cost or quoted
    cost = told or estimate(context.model.price, artifacts, seconds=look.seconds, duration=duration)
    facts = {
        "provider": backend.title,
        "endpoint": call.endpoint,
        "request_id": ticket.get("id"),
        **look.facts,
    }
    return Result(
        artifacts=artifacts,
        facts={name: value for name, value in facts.items() if value is not None},
        cost=cost,
    )


def _save(backend: RemoteBackend[Any], call: Call, output: Output, index: int, count: int) -> Artifact:
    context = call.context
    kind: MediaKind = "video" if call.operation is Operation.VIDEO else "image"
    if isinstance(call.request, UpscaleRequest):
        kind = call.request.media.kind
    context.progress(
        "saving", index / count, f"Bringing result {index + 1} of {count}", image=index + 1, images=count
    )
    content: Any = _bring(backend, call, output, MAX_BYTES[kind])
    facts: dict[str, Any] = {}
    sizes, request = call.capabilities.sizes, call.request
    if kind == "image" and sizes is not None and sizes.match_input and isinstance(request, EditRequest):
        source = (request.images[0].width, request.images[0].height)
        fitting = resized(content, source)
        if fitting is not content:
            content, facts = fitting, {"resized_to_input": list(source)}
    seed = output.seed if output.seed is not None else (call.request.seed if index == 0 else None)
    return context.save(content, kind=kind, seed=seed, facts=facts or None)


def _bring(backend: RemoteBackend[Any], call: Call, output: Output, max_bytes: int) -> Any:
    for attempt in range(RETRIES + 1):
        try:
            return bring(output, call.context, max_bytes=max_bytes)
        except BackendError as error:
            if not error.retryable:
                raise BackendError(
                    f"The result is not there any more at {backend.title} (its addresses expire). {error.message}"
                ) from error
            if attempt == RETRIES:
                raise _kept(backend, error) from error
            call.context.wait(backend.retry_seconds * 2**attempt)
    raise AssertionError("unreachable")


def _tell_missing(call: Call, look: Look, got: int) -> None:
    request = call.request
    asked = request.num_images if isinstance(request, GenerateRequest | EditRequest) else 1
    if got >= asked:
        return
    refused = any(output.refused for output in look.outputs)
    why = (
        "The provider's safety filter refused the others."
        if refused
        else "The provider returned fewer results."
    )
    try:
        call.context.adjusted("num_images", asked, got, why)
    except (InvalidRequest, JobCancelled):  # the results are paid and saved: a strict job keeps them too
        call.context.log.warning("%d of %d results: %s", got, asked, why)
