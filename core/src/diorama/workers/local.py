"""The executor of this machine: threads for backends that wait, a process per device for those that compute."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from diorama.contract import Result, to_plain
from diorama.plugins.registry import PluginRegistry
from diorama.settings import ServerSettings, Settings
from diorama.workers.device import DeviceWorker, WorkerStatus
from diorama.workers.devices import detect_devices
from diorama.workers.environment import worker_environment
from diorama.workers.executor import Task, TaskSink
from diorama.workers.process import WorkerSpec
from diorama.workers.threads import ThreadRunner


class SecretSource(Protocol):
    """What is needed of the secrets."""

    def get(self, backend_id: str, name: str) -> str | None:
        """Return a secret, or ``None``."""


class LocalExecutor:
    """An :class:`~diorama.workers.executor.Executor` over the devices of this machine.

    Args:
        registry: Loaded backends.
        settings: Settings in force.
        secrets: Where backends find their keys.
    """

    def __init__(self, registry: PluginRegistry, settings: Settings, secrets: SecretSource) -> None:
        self._registry, self._settings, self._secrets = registry, settings, secrets
        self._devices = detect_devices(settings)
        self._threads = ThreadRunner(registry, settings, secrets.get)
        self._lock = threading.Lock()
        self._workers: dict[str, DeviceWorker] = {}

    def lanes(self) -> tuple[str, ...]:
        """See :meth:`diorama.workers.executor.Executor.lanes`."""
        return self._devices

    def run(self, task: Task, sink: TaskSink) -> Result:
        """See :meth:`diorama.workers.executor.Executor.run`.

        Downloads run in a thread wherever the backend computes, so that a device goes on working meanwhile. A lane that
        this machine does not have (any more) stands for its best device.
        """
        backend = self._registry.backend(task.backend)
        if backend.placement == "thread" or task.call == "download":
            return self._threads.run(task, sink)
        return self._worker(task.lane if task.lane in self._devices else self._devices[0]).run(task, sink)

    def unload(self, backend: str, native_id: str | None = None) -> None:
        """See :meth:`diorama.workers.executor.Executor.unload`."""
        if self._registry.backend(backend).placement == "thread":
            self._registry.backend(backend).unload(native_id)
        for worker in self._started():
            worker.unload(backend, native_id)

    def loaded(self) -> Mapping[str, tuple[str, ...]]:
        """See :meth:`diorama.workers.executor.Executor.loaded`."""
        with self._lock:
            workers = dict(self._workers)
        return {device: worker.loaded for device, worker in workers.items() if worker.loaded}

    def width(self, backend_id: str) -> int:
        """Return how many jobs of a backend may run at once."""
        backend = self._registry.backends.get(backend_id)
        if backend is None or backend.placement == "worker":
            return max(len(self._devices), 1)
        return max(backend.concurrency, 1)

    def warm(self, device: str | None = None) -> None:
        """Start the worker of a device (the best one when ``None``) and its imports in the background."""
        if self._worker_backends():
            worker = self._worker(device or self._devices[0])
            threading.Thread(target=worker.warm, name="warm", daemon=True).start()

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return the state of every device's worker."""
        return tuple(self._worker(device).status() for device in self._devices)

    def close(self) -> None:
        """See :meth:`diorama.workers.executor.Executor.close`."""
        self._threads.close()
        closing = [threading.Thread(target=worker.close) for worker in self._started()]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    def _started(self) -> list[DeviceWorker]:
        with self._lock:
            return list(self._workers.values())

    def _worker(self, device: str) -> DeviceWorker:
        with self._lock:
            if device not in self._workers:
                name = re.sub(r"[^a-z0-9]+", "-", device.lower())
                self._workers[device] = DeviceWorker(
                    device,
                    lambda: self._spec(device),
                    self._settings.cache_dir / "logs" / f"worker-{name}.log",
                    self._secrets.get,
                    self._settings.limits.worker_idle_seconds,
                )
            return self._workers[device]

    def _worker_backends(self) -> tuple[str, ...]:
        backends = list(self._registry.backends.items())
        return tuple(sorted(name for name, backend in backends if backend.placement == "worker"))

    def _spec(self, device: str) -> WorkerSpec:
        variables = [
            variable
            for backend in list(self._registry.backends.values())  # one may be made anew meanwhile
            for names in backend.secrets.values()
            for variable in names
        ]
        return WorkerSpec(
            device=device,
            python=self._settings.worker_python or sys.executable,
            backends=self._worker_backends(),
            settings=self._worker_settings(),
            environ=worker_environment(os.environ, variables),
            grace=self._settings.limits.cancel_grace_seconds,
        )

    def _worker_settings(self) -> Mapping[str, Any]:
        """The settings without what is no business of a worker: keys, the database, other backends' tables."""
        mine = self._worker_backends()
        tables = {name: table for name, table in dict(self._settings.backends).items() if name in mine}
        bare = replace(self._settings, server=ServerSettings(), database_url="", backends=tables, origins={})
        plain: Mapping[str, Any] = to_plain(bare)
        return plain
