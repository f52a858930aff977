"""The queue's end of a running job."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, get_args

from diorama.access.redaction import scrub
from diorama.assets.staged import StagedOutput
from diorama.contract import BackendError, Stage
from diorama.jobs.crash import point
from diorama.jobs.events import EventHub
from diorama.jobs.ledger import Ledger
from diorama.jobs.live import LiveJob
from diorama.jobs.records import Note
from diorama.workers.executor import CancelToken

PLACES = {"loading_model": "loading", "generating": "mid_step"}
STAGES = frozenset(get_args(Stage))
LONGEST = 1000
"""Characters of a message that are kept."""


class RunSink:
    """Takes what an executor reports about one run; implements ``TaskSink``.

    Args:
        live: The job.
        ledger: Where stages and memory are kept.
        events: Where listeners are.
        changed: Tells listeners about the job's present state.
        quote: Books what the provider asks.
    """

    def __init__(
        self,
        live: LiveJob,
        ledger: Ledger,
        events: EventHub,
        changed: Callable[[LiveJob], None],
        quote: Callable[[LiveJob, Mapping[str, Any]], None],
    ) -> None:
        self.cancel: CancelToken = live.token
        self._live, self._ledger, self._events, self._changed = live, ledger, events, changed
        self._quote = quote

    def progress(
        self, stage: Stage, fraction: float | None, message: str, numbers: Mapping[str, Any]
    ) -> None:
        """Take a progress report: memory at once, listeners at most ten times a second, the disk once.

        Raises:
            BackendError: the stage is none of the contract's; another status would end the job for everyone but us.
        """
        if self.cancel is not self._live.token:
            return  # a run that was given up still talks
        if stage not in STAGES:
            raise BackendError(f"The backend reported {str(stage)[:40]!r}, which is no stage of a job.")
        if self._live.report(stage, fraction, scrub(str(message))[:LONGEST], numbers):
            self._store()
        if self._live.unstored:
            self._remember_again()
        self._changed(self._live)
        if fraction != 0.0 or stage == "loading_model":
            point(PLACES.get(stage, ""))

    def preview(self, data: bytes, mime: str) -> None:
        """Pass an unfinished picture to listeners; it is never stored."""
        payload = {"mime": mime, "data": base64.b64encode(data).decode("ascii")}
        self._events.publish(self._live.job.id, "preview", payload)

    def staged(self, output: StagedOutput) -> None:
        """Take one finished output."""
        with self._live.lock:
            if self.cancel is self._live.token:
                self._live.outputs.append(output)
        point("staged")

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Store notes; they are on disk when this returns.

        Raises:
            BackendError: they could not be stored. They are kept in memory, and written as soon as that works again.
        """
        with self._live.lock:
            self._live.memory.update(facts)
            memory = dict(self._live.memory)
        try:
            self._ledger.remember(self._live.job.id, memory).result()
        except Exception as error:
            self._live.unstored = True
            raise BackendError(f"Notes of the job could not be stored: {error}") from error
        self._live.unstored = False
        point("remembered")

    def quote(self, cost: Mapping[str, Any]) -> None:
        """Put what the provider asks in place of the estimate.

        Raises:
            InvalidRequest: a cap would be passed.
        """
        self._quote(self._live, cost)
        self._changed(self._live)

    def note(self, kind: str, field: str, before: Any, after: Any, why: str) -> None:
        """Record an ``ignored`` or ``adjusted`` value."""
        self._live.note(kind, Note(field=field, before=before, after=after, why=why))
        self._events.publish(
            self._live.job.id, "note", {"kind": kind, "field": field, "after": after, "why": why}
        )

    def _remember_again(self) -> None:
        with self._live.lock:
            self._live.unstored, memory = False, dict(self._live.memory)

        def stored(done: Future[None]) -> None:
            if done.exception() is not None:
                self._live.unstored = True

        with suppress(RuntimeError):  # the engine has closed
            self._ledger.remember(self._live.job.id, memory).add_done_callback(stored)

    def _store(self) -> None:
        try:
            self._ledger.touch(self._live.view())
        except RuntimeError:  # the engine has closed; the ledger shows the job as started, and that is right
            return
