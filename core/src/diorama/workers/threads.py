"""Running backends that mostly wait (remote services) in threads of the server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from diorama.access.lines import Lines
from diorama.contract import JobParked, Result
from diorama.plugins.registry import PluginRegistry
from diorama.settings import Settings
from diorama.workers.calls import run_call
from diorama.workers.cancel import CancelFlag
from diorama.workers.context import LocalJobContext
from diorama.workers.executor import Task, TaskSink


class ThreadRunner:
    """Runs calls in the calling thread; :meth:`close` cancels all that are going on."""

    def __init__(
        self, registry: PluginRegistry, settings: Settings, secret: Callable[[str, str], str | None]
    ) -> None:
        self._registry, self._settings, self._secret = registry, settings, secret
        self._lock = threading.Lock()
        self._running: set[CancelFlag] = set()
        self._parked: dict[str, tuple[Task, CancelFlag, LocalJobContext]] = {}
        self._closed = False
        self._lines = Lines()

    def run(self, task: Task, sink: TaskSink) -> Result:
        """See :meth:`diorama.workers.executor.Executor.run`."""
        flag, context = self._begin(task, sink)
        with self._lock:
            self._running.add(flag)
            if self._closed:
                flag.cancel()
        try:
            return run_call(self._registry, task, context)
        except JobParked:
            self._parked[task.job_id] = (task, flag, context)
            raise
        finally:
            with self._lock:
                self._running.discard(flag)

    def _begin(self, task: Task, sink: TaskSink) -> tuple[CancelFlag, LocalJobContext]:
        """Return what the call of a task had before it was parked, or make it."""
        parked = self._parked.pop(task.job_id, None)
        if parked is not None and parked[0] is task:
            return parked[1], parked[2]
        flag = CancelFlag()
        sink.cancel.add_callback(flag.cancel)
        if task.may_park and self._registry.extensions():
            # A wrapper around the call would see it begin again and again.
            task = replace(task, may_park=False)
        return flag, LocalJobContext(task, sink, self._settings, self._secret, cancel=flag, lines=self._lines)

    def close(self) -> None:
        """Cancel every running call, and each later one at its start."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for flag in running:
            flag.cancel()
        self._lines.close()
