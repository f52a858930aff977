"""The loop of a worker process: one call at a time in the main thread, the wire read in another."""

from __future__ import annotations

import gc
import logging
import os
import queue
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diorama.access.redaction import register
from diorama.contract import BackendError, DioramaError, ModelInfo, OutOfMemory, from_plain
from diorama.contract.capabilities import Operation
from diorama.contract.requests import REQUEST_TYPES
from diorama.plugins.registry import PluginRegistry
from diorama.settings import Settings
from diorama.workers.calls import run_call
from diorama.workers.context import LocalJobContext
from diorama.workers.executor import Task
from diorama.workers.failures import device_is_lost, to_wire
from diorama.workers.remote_sink import Questions, RemoteSink
from diorama.workers.wire import Channel, WireError

log = logging.getLogger(__name__)


class Worker:
    """Serves one server over ``channel`` until told to stop or until the server is gone."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._work: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._sinks: dict[str, RemoteSink] = {}
        self._questions = Questions(channel)
        self._registry: PluginRegistry | None = None
        self._settings: Settings | None = None
        self._device = ""
        self._device_lost = False

    def serve(self) -> None:
        """Run until shut down. Calls run in this thread, the main one, as native libraries like it."""
        threading.Thread(target=self._read, name="wire", daemon=True).start()
        self._channel.send("hello", pid=os.getpid(), python=sys.version.split()[0])
        while (message := self._work.get()) is not None:
            try:
                self._handle(message)
            except WireError:
                os._exit(0)  # the server is gone, and nobody waits for anything
            if self._device_lost:
                log.error("The device %s is lost to this process, which therefore ends", self._device)
                logging.shutdown()
                os._exit(1)  # tidying up would call into the dead driver
        if self._registry is not None:
            self._registry.close()

    # --- the thread that reads ---

    def _read(self) -> None:
        """Sort what comes. At the end of the wire the server is gone: end at once, whatever is going on."""
        try:
            while (message := self._channel.receive()) is not None:
                self._sort(message)
        except Exception:
            log.exception("A message could not be read")
        finally:
            os._exit(0)

    def _sort(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "cancel":
            sink = self._sinks.get(message["job"])
            if sink is not None:
                sink.flag.cancel()
        elif kind == "reply":
            self._questions.answered(message)
        elif kind == "ping":
            self._channel.send("reply", number=message["number"], value="pong")
        elif kind == "shutdown":
            for sink in list(self._sinks.values()):
                sink.flag.cancel()
            self._work.put(None)
        else:
            if kind == "run":  # known at once, so that a cancel finds it while it still waits
                job_id = message["task"]["job_id"]
                self._sinks[job_id] = RemoteSink(self._channel, self._questions, job_id)
            self._work.put(message)

    # --- the main thread ---

    def _handle(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "configure":
            self._configure(message)
        elif kind == "run":
            self._run(message)
        elif kind == "unload":
            self._guarded(message, lambda backend: backend.unload(message["native_id"]))
        elif kind == "warm":
            import diorama.assets.staging  # noqa: F401  # what every job needs at its end

            self._guarded(message, lambda backend: backend.warm())
        else:
            log.warning("An unknown message %r came", kind)

    def _configure(self, message: Mapping[str, Any]) -> None:
        self._device = message["device"]
        self._settings = from_plain(Settings, message["settings"])
        self._registry = PluginRegistry(
            self._settings, device=self._device, only=frozenset(message["backends"])
        )
        self._registry.load()

    def _run(self, message: Mapping[str, Any]) -> None:
        assert self._registry is not None
        assert self._settings is not None
        sink = self._sinks[message["task"]["job_id"]]
        job_id = message["task"]["job_id"]
        self._channel.send("begun", job=job_id)
        try:
            task = _task(message)
            context = LocalJobContext(
                task,
                sink,
                self._settings,
                lambda backend, name: _known(sink.secret(name)),
                device=self._device,
            )
            result = run_call(self._registry, task, context, self._observe)
            try:
                self._channel.send("result", job=job_id, result=result)
            except TypeError as error:
                raise BackendError(f"The result of {task.backend} cannot be passed on: {error}.") from error
        except DioramaError as error:
            if isinstance(error, OutOfMemory):
                _give_memory_back()
            self._channel.send("error", job=job_id, error=to_wire(error))
        finally:
            del self._sinks[job_id]

    def _observe(self, error: BaseException) -> None:
        self._device_lost = self._device_lost or device_is_lost(error)

    def _guarded(self, message: Mapping[str, Any], action: Any) -> None:
        """Do something with a backend between jobs; one that fails at it is logged."""
        assert self._registry is not None
        done = True
        for name in message["backends"]:
            try:
                action(self._registry.backend(name))
            except Exception:
                done = False
                log.exception("The backend %s failed to %s", name, message["kind"])
        if message["kind"] == "unload":
            _give_memory_back()
        self._channel.send("reply", number=message["number"], value=done)


def _task(message: Mapping[str, Any]) -> Task:
    """Rebuild the task; the type of its request follows from the operation."""
    plain = dict(message["task"])
    if plain["request"] is not None:
        plain["request"] = from_plain(REQUEST_TYPES[Operation(plain["call"])], plain["request"])
    return Task(
        **{**plain, "model": from_plain(ModelInfo, plain["model"]), "work_dir": Path(plain["work_dir"])}
    )


def _known(value: str | None) -> str | None:
    register(value)
    return value


def _give_memory_back() -> None:
    """Collect garbage and empty torch's caches, where torch is loaded."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    for device in ("cuda", "mps"):
        module = getattr(torch, device, None)
        if module is not None and getattr(module, "is_available", lambda: False)():
            module.empty_cache()
