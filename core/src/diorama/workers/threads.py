"""Running backends that mostly wait (remote services) in threads of the server."""

from __future__ import annotations

import threading
from collections.abc import Callable

from diorama.contract import Result
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
        self._closed = False

    def run(self, task: Task, sink: TaskSink) -> Result:
        """See :meth:`diorama.workers.executor.Executor.run`."""
        flag = CancelFlag()
        sink.cancel.add_callback(flag.cancel)
        with self._lock:
            self._running.add(flag)
            if self._closed:
                flag.cancel()
        try:
            context = LocalJobContext(task, sink, self._settings, self._secret, cancel=flag)
            return run_call(self._registry, task, context)
        finally:
            with self._lock:
                self._running.discard(flag)

    def close(self) -> None:
        """Cancel every running call, and each later one at its start."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for flag in running:
            flag.cancel()
