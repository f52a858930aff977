"""The worker of one device: started when first needed, replaced when it died, stopped when idle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from diorama.contract import BackendError, JobCancelled, OutOfMemory, Result
from diorama.workers.executor import Task, TaskSink
from diorama.workers.logs import WorkerLog
from diorama.workers.process import SecretLookup, WorkerGone, WorkerProcess, WorkerSpec

_ATTEMPTS = 3
_WARM_PATIENCE = 600.0
_UNLOAD_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """State of the worker of a device.

    Attributes:
        device: The device.
        state: ``off`` (not started), ``idle`` or ``busy``.
        pid: Process id.
        loaded: Models believed to be in memory.
        log: Its log file.
    """

    device: str
    state: Literal["off", "idle", "busy"]
    pid: int | None
    loaded: tuple[str, ...]
    log: Path


class DeviceWorker:
    """Runs one call at a time on one device.

    Args:
        device: The device.
        spec: Makes the description of a new process.
        log_path: Log file.
        secret: Looks up secrets.
        idle_seconds: Stop the process after this long without a job; 0 keeps it.
    """

    def __init__(
        self,
        device: str,
        spec: Callable[[], WorkerSpec],
        log_path: Path,
        secret: SecretLookup,
        idle_seconds: float = 0.0,
    ) -> None:
        self._device = device
        self._spec, self._secret, self._idle_seconds = spec, secret, idle_seconds
        self._log = WorkerLog(log_path)
        self._turn = threading.Lock()  # held by the call that runs
        self._lock = threading.Lock()
        self._process: WorkerProcess | None = None
        self._loaded: tuple[str, ...] = ()
        self._idle: threading.Timer | None = None
        self._closed = False

    def run(self, task: Task, sink: TaskSink) -> Result:
        """See :meth:`diorama.workers.executor.Executor.run`."""
        with self._turn:
            self._disarm()
            try:
                result = self._attempt(task, sink)
            except OutOfMemory:
                self._loaded = ()
                raise
            finally:
                self._arm()
            self._loaded = (task.model.id,)
            return result

    def start(self) -> WorkerProcess:
        """Return the running process; start one if there is none.

        Raises:
            JobCancelled: the engine is closing.
        """
        with self._lock:
            if self._closed:
                raise JobCancelled("Diorama is closing.")
            if self._process is None or not self._process.alive:
                self._loaded = ()
                self._process = WorkerProcess(self._spec(), self._log, self._secret)
            return self._process

    def warm(self) -> None:
        """Start the process and let its backends import what they need; returns when they have."""
        process = self.start()
        process.ask("warm", _WARM_PATIENCE, backends=process.spec.backends)

    def unload(self, backend: str, native_id: str | None) -> None:
        """Free a model's memory, after the running job if there is one; an idle worker is waited for."""
        process = self._process
        if process is None or not process.alive:
            return
        gone = (
            {f"{backend}:{native_id}"}
            if native_id
            else {m for m in self._loaded if m.startswith(f"{backend}:")}
        )
        self._loaded = tuple(model for model in self._loaded if model not in gone)
        patience = 0.0 if self._turn.locked() else _UNLOAD_PATIENCE
        process.ask("unload", patience, backends=(backend,), native_id=native_id)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Models believed to be in memory."""
        process = self._process
        return self._loaded if process is not None and process.alive else ()

    def status(self) -> WorkerStatus:
        """Return the present state."""
        process = self._process
        running = process is not None and process.alive
        state: Literal["off", "idle", "busy"] = "off"
        if running:
            state = "busy" if self._turn.locked() else "idle"
        pid = process.pid if process is not None and running else None
        return WorkerStatus(device=self._device, state=state, pid=pid, loaded=self.loaded, log=self._log.path)

    def close(self, patience: float = 3.0) -> None:
        """Stop for good; a running call ends with ``JobCancelled``."""
        with self._lock:
            self._closed = True
            process = self._process
        self._disarm()
        if process is not None:
            process.stop(patience)
        self._log.close()

    def _attempt(self, task: Task, sink: TaskSink) -> Result:
        for _ in range(_ATTEMPTS):
            if sink.cancel.cancelled:
                raise JobCancelled
            try:
                return self.start().run(task, sink)
            except WorkerGone:
                continue  # it died between two jobs; this one was not begun
        raise BackendError(f"No worker on {task.lane} stays alive.", fix=f"Its log is {self._log.path}.")

    def _arm(self) -> None:
        if self._idle_seconds > 0 and not self._closed:
            self._idle = threading.Timer(self._idle_seconds, self._stop_idle)
            self._idle.daemon = True
            self._idle.start()

    def _disarm(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _stop_idle(self) -> None:
        if not self._turn.acquire(blocking=False):
            return
        try:
            process = self._process
            self._process, self._loaded = None, ()
            if process is not None:
                process.stop(5.0)
        finally:
            self._turn.release()
