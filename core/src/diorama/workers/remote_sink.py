"""The engine's end of a job as the worker process has it: every call becomes a message."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from diorama.assets.staged import StagedOutput
from diorama.contract import BackendError, Stage
from diorama.workers.cancel import CancelFlag
from diorama.workers.executor import CancelToken
from diorama.workers.failures import from_wire
from diorama.workers.wire import Channel


class Questions:
    """Messages to the server that wait for its answer."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = itertools.count(1)
        self._open: dict[int, Future[Mapping[str, Any]]] = {}

    def ask(self, kind: str, **fields: Any) -> Any:
        """Send a message and return the answer's value.

        Raises:
            DioramaError: the server could not do it.
        """
        number = next(self._numbers)
        answer: Future[Mapping[str, Any]] = Future()
        self._open[number] = answer
        self._channel.send(kind, number=number, **fields)
        message = answer.result()
        if "error" in message:
            raise from_wire(message["error"])
        return message.get("value")

    def answered(self, message: Mapping[str, Any]) -> None:
        """Take an answer, in the thread that reads the wire."""
        answer = self._open.pop(message["number"], None)
        if answer is not None:
            answer.set_result(message)


class RemoteSink:
    """A :class:`~diorama.workers.executor.TaskSink` over the wire."""

    def __init__(self, channel: Channel, questions: Questions, job_id: str) -> None:
        self.flag = CancelFlag()
        self.cancel: CancelToken = self.flag
        self._channel = channel
        self._questions = questions
        self._job = job_id

    def progress(
        self, stage: Stage, fraction: float | None, message: str, numbers: Mapping[str, Any]
    ) -> None:
        """Send a progress report."""
        self._send("progress", stage=stage, fraction=fraction, message=message, numbers=numbers)

    def preview(self, data: bytes, mime: str) -> None:
        """Send an encoded small preview."""
        self._send("preview", data=data, mime=mime)

    def staged(self, output: StagedOutput) -> None:
        """Tell about a finished output."""
        self._send("staged", output=output)

    def note(self, kind: str, field: str, before: Any, after: Any, why: str) -> None:
        """Send an ``ignored`` or ``adjusted`` value."""
        self._send("note", note=kind, field=field, before=before, after=after, why=why)

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Send notes and wait until they are on disk."""
        self._ask("remember", facts=facts)

    def quote(self, cost: Mapping[str, Any]) -> None:
        """Send a quote and wait until it is booked."""
        self._ask("quote", cost=cost)

    def secret(self, name: str) -> str | None:
        """Ask for a secret of the backend."""
        value = self._ask("secret", name=name)
        return value if isinstance(value, str) else None

    def _send(self, kind: str, **fields: Any) -> None:
        try:
            self._channel.send(kind, job=self._job, **fields)
        except TypeError as error:
            raise BackendError(f"The backend's {kind} cannot be passed on: {error}.") from error

    def _ask(self, kind: str, **fields: Any) -> Any:
        try:
            return self._questions.ask(kind, job=self._job, **fields)
        except TypeError as error:
            raise BackendError(f"The backend's {kind} cannot be passed on: {error}.") from error
