"""Waiting for a prompt: frames while they come, questions when they do not."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from diorama.contract import BackendError, JobCancelled, JobContext

from diorama_comfyui.options import OFFLINE_SECONDS
from diorama_comfyui.running.faults import failure
from diorama_comfyui.running.plan import RunPlan
from diorama_comfyui.running.progress import ProgressTracker
from diorama_comfyui.server.client import ComfyClient
from diorama_comfyui.server.errors import ServerError, ServerOffline
from diorama_comfyui.server.frames import Event, NodeText, Preview
from diorama_comfyui.server.socket import EventSocket

POLL_SECONDS = 1.0
SILENCE_SECONDS = 3.0
QUEUE_SECONDS = 1.0


class PromptLost(Exception):
    """The server runs and knows nothing of the prompt: it was restarted, or somebody cleared its queue."""


class Watcher:
    """Follows one prompt to its end on one server."""

    def __init__(
        self,
        client: ComfyClient,
        socket: EventSocket,
        prompt_id: str,
        plan: RunPlan,
        context: JobContext,
        tracker: ProgressTracker,
        offline_seconds: float = OFFLINE_SECONDS,
    ) -> None:
        self._client = client
        self._socket = socket
        self._prompt_id = prompt_id
        self._plan = plan
        self._context = context
        self._tracker = tracker
        self._offline_seconds = offline_seconds
        self._started = False
        self._unbroken = socket.is_open
        self._queue_asked = time.monotonic() - QUEUE_SECONDS / 2  # most prompts start at once

    def wait(self) -> dict[str, Any]:
        """Return the history entry of the finished prompt.

        Raises:
            JobCancelled: the job was cancelled.
            PromptLost: the server forgot the prompt.
            DioramaError: the prompt failed, or the server stayed away.
        """
        quiet_since = time.monotonic()
        while True:
            try:
                frame = self._socket.receive(POLL_SECONDS)
            except ServerOffline:
                entry = self._reconnect()
                if entry is not None:
                    return self._judge(entry)
                quiet_since = time.monotonic()
                continue
            if frame is not None:
                quiet_since = time.monotonic()
                if self._take(frame):
                    return self._judge(self._entry_after_end())
            elif not self._started and time.monotonic() - quiet_since < SILENCE_SECONDS:
                self._report_queue()
            elif time.monotonic() - quiet_since >= SILENCE_SECONDS:
                quiet_since = time.monotonic()
                entry = self._ask()
                if entry is not None:
                    return self._judge(entry)
            self._report()

    def _ask(self) -> dict[str, Any] | None:
        """Ask after a silence. A prompt that vanishes while the connection holds was removed by somebody."""
        try:
            return self.reconcile()
        except ServerOffline:
            return None
        except PromptLost:
            if self._unbroken:
                raise BackendError(
                    "The prompt was removed from ComfyUI's queue by somebody else.",
                    retryable=not self._plan.paid,
                ) from None
            raise

    def reconcile(self) -> dict[str, Any] | None:
        """Ask where the prompt is: its history entry, or None while it waits or runs.

        Raises :class:`PromptLost` if it is nowhere, and :class:`ServerOffline`.
        """
        for attempt in range(3):
            entry = self._client.history(self._prompt_id)
            if entry is not None:
                return entry
            running, pending = self._client.queue()
            if any(item["prompt_id"] == self._prompt_id for item in running):
                self._started = True
                return None
            if any(item["prompt_id"] == self._prompt_id for item in pending):
                return None
            # Between leaving the queue and entering the history a prompt is nowhere for a moment.
            if attempt < 2:
                self._context.wait(0.2)
        raise PromptLost

    def _take(self, frame: Event | Preview | NodeText) -> bool:
        """Use a frame; True if the prompt is over."""
        if isinstance(frame, Preview):
            if frame.prompt_id in ("", self._prompt_id):
                self._show(frame.image)
            return False
        if isinstance(frame, NodeText) or (frame.prompt_id and frame.prompt_id != self._prompt_id):
            return False
        data, tracker = frame.data, self._tracker
        if frame.type == "status" and not self._started:
            self._report_queue()
        elif frame.type == "execution_start":
            self._started = True
        elif frame.type == "execution_cached":
            self._started = True
            tracker.on_cached(data.get("nodes"))
        elif frame.type == "executing" and frame.prompt_id:
            if data.get("node") is None:
                return True
            self._started = True
            tracker.on_node(str(data["node"]))
        elif frame.type == "progress" and frame.prompt_id:
            tracker.on_step(str(data.get("node") or ""), data.get("value"), data.get("max"))
        elif frame.type == "progress_state" and frame.prompt_id:
            tracker.on_state(data.get("nodes"))
        elif frame.type == "execution_error" and frame.prompt_id:
            raise failure(data, self._plan)
        elif frame.type == "execution_interrupted" and frame.prompt_id:
            raise self._interrupted()
        return False

    def _report(self) -> None:
        if self._started:
            self._tracker.report()
        elif self._context.cancelled:
            raise JobCancelled

    def _report_queue(self) -> None:
        if time.monotonic() - self._queue_asked < QUEUE_SECONDS:
            return
        self._queue_asked = time.monotonic()
        with contextlib.suppress(ServerError):
            running, pending = self._client.queue()
            ids = [item["prompt_id"] for item in pending]
            if self._prompt_id in ids:
                self._tracker.waiting(ids.index(self._prompt_id) + len(running))

    def _show(self, image: bytes) -> None:
        try:
            self._context.preview(image)
        except JobCancelled:
            raise
        except Exception as error:  # a preview is never worth a job
            self._context.log.debug("preview left out: %s", error)

    def _entry_after_end(self) -> dict[str, Any]:
        """The history entry, which may follow the last frame with a small delay."""
        for _ in range(20):
            try:
                entry = self.reconcile()
            except ServerOffline:
                entry = None
            if entry is not None:
                return entry
            self._context.wait(0.1)
        raise PromptLost

    def _reconnect(self) -> dict[str, Any] | None:
        """Connect again and find the prompt; its entry if it ended meanwhile."""
        self._unbroken = False
        deadline = time.monotonic() + self._offline_seconds
        delay = 0.1
        while True:
            if self._context.cancelled:
                raise JobCancelled
            try:
                entry = self.reconcile()
                if entry is None:
                    self._socket.connect()
                    entry = self.reconcile()  # it may have ended between the question and the connection
                return entry
            except ServerOffline as error:
                if time.monotonic() >= deadline:
                    raise BackendError(
                        f"The ComfyUI server at {self._client.url} stopped answering.",
                        retryable=not self._plan.paid,
                        unsure=self._plan.paid,
                        fix="Start ComfyUI again.",
                    ) from error
                self._tracker.away()
            self._context.wait(delay)
            delay = min(2 * delay, 5.0)

    def _judge(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the entry of a success. Raises the error that another entry stands for."""
        status = entry.get("status")
        status = status if isinstance(status, dict) else {}
        messages = status.get("messages")
        for message in messages if isinstance(messages, list) else []:
            if isinstance(message, list) and len(message) == 2 and isinstance(message[1], dict):
                if message[0] == "execution_error":
                    raise failure(message[1], self._plan)
                if message[0] == "execution_interrupted":
                    raise self._interrupted()
        if status and not status.get("completed", status.get("status_str") == "success"):
            raise BackendError("ComfyUI ended the prompt without a result.", retryable=not self._plan.paid)
        return entry

    def _interrupted(self) -> Exception:
        if self._context.cancelled:
            return JobCancelled()
        return BackendError(
            "The run was interrupted in ComfyUI by somebody else.", retryable=not self._plan.paid
        )
