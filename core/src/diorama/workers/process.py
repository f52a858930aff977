"""One life of a worker process, seen from the server."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any

from diorama.access import redaction
from diorama.assets.staged import StagedOutput
from diorama.contract import JobCancelled, Result, from_plain
from diorama.workers.death import Death, memory_limit, oom_kills
from diorama.workers.executor import Task, TaskSink
from diorama.workers.failures import from_wire, to_wire, translate
from diorama.workers.logs import Pump, WorkerLog
from diorama.workers.wire import Channel, WireError

log = logging.getLogger(__name__)

SecretLookup = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What a worker is made with.

    Attributes:
        device: Its device.
        python: Interpreter.
        backends: Backend ids to load.
        settings: Settings as plain values, without keys.
        environ: Its environment.
        grace: Seconds that a cancelled job may take to end.
    """

    device: str
    python: str
    backends: tuple[str, ...]
    settings: Mapping[str, Any]
    environ: Mapping[str, str]
    grace: float


class WorkerGone(Exception):
    """The process ended before it began what it was asked; a new one can take it."""


@dataclass
class _Running:
    """The job in the worker."""

    task: Task
    sink: TaskSink
    lines_before: int
    begun: bool = False
    done: Future[Result] = field(default_factory=Future)
    failure: BaseException | None = None
    killer: threading.Timer | None = None


class WorkerProcess:
    """A process that runs one call at a time.

    Its reader thread starts it, reads what it sends, and sees it die; that thread lives as long as the process, because
    Linux ends a child whose parent *thread* ended when the child asked to die with its parent.

    Args:
        spec: What it is made with.
        log_file: Where its output goes.
        secret: Looks up secrets that its backends ask for.
    """

    def __init__(self, spec: WorkerSpec, log_file: WorkerLog, secret: SecretLookup) -> None:
        self.spec = spec
        self._log_file = log_file
        self._secret = secret
        self._lock = threading.Lock()
        self._spawned = threading.Event()
        self._ended = threading.Event()
        self._hello = False
        self._stopping = False
        self._popen: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._job: _Running | None = None
        self._pump: Pump | None = None
        self._death: Death | None = None
        self._numbers = itertools.count(1)
        self._replies: dict[int, Future[Any]] = {}
        threading.Thread(target=self._live, name=f"worker-{spec.device}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """Process id, once it is started."""
        return self._popen.pid if self._popen else None

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.is_set()

    def run(self, task: Task, sink: TaskSink) -> Result:
        """Run one call to its end.

        Raises:
            WorkerGone: the process had ended already; a new one can take the call.
            DioramaError: see :class:`~diorama.workers.executor.Executor`.
        """
        job = _Running(task, sink, self._pump.count if self._pump else 0)
        with self._lock:
            job_taken = self._death is None
            if job_taken:
                self._job = job
        if not job_taken:
            self._ended.wait()
            raise WorkerGone
        try:
            self._send("run", task=task)
        except WireError:
            log.debug("The worker on %s died before it took the call", self.spec.device)
        sink.cancel.add_callback(lambda: self._cancel(job))
        try:
            return self._outcome(job)
        finally:
            if job.killer is not None:
                job.killer.cancel()
            with self._lock:
                self._job = None

    def _outcome(self, job: _Running) -> Result:
        failure = job.done.exception()
        if job.sink.cancel.cancelled:
            raise JobCancelled
        if job.failure is not None:  # what the engine could not take comes before what followed from it
            raise translate(job.failure, job.task.backend)
        if failure is not None:
            raise failure
        return job.done.result()

    def ask(self, kind: str, timeout: float, **fields: Any) -> Any:
        """Send a message and return the answer, or ``None`` when none came in time or the process is gone."""
        number = next(self._numbers)
        reply: Future[Any] = Future()
        with self._lock:
            if self._death is not None:
                return None
            self._replies[number] = reply
        try:
            self._send(kind, number=number, **fields)
            return reply.result(timeout)
        except (WireError, FutureTimeout):
            return None
        finally:
            self._replies.pop(number, None)

    def stop(self, patience: float) -> None:
        """Ask it to end, and end it by force after ``patience`` seconds; a running call ends as cancelled."""
        self._stopping = True
        if self._spawned.wait(patience):
            try:
                self._send("shutdown")
            except WireError:
                log.debug("The worker on %s was gone already", self.spec.device)
        if not self._ended.wait(patience):
            self.kill()
            self._ended.wait(5.0)

    def kill(self) -> None:
        """End it at once, with everything it started."""
        if self._popen is None or self._popen.returncode is not None:
            return
        try:
            if os.name == "posix":
                os.killpg(self._popen.pid, signal.SIGKILL)
            else:
                self._popen.kill()
        except ProcessLookupError:
            return

    def _send(self, kind: str, **fields: Any) -> None:
        self._spawned.wait()
        if self._channel is None:
            raise WireError("The worker was not started.")
        self._channel.send(kind, **fields)

    def _cancel(self, job: _Running) -> None:
        if job.done.done():
            return
        try:
            self._send("cancel", job=job.task.job_id)
        except WireError:
            return  # the reader thread sees it die
        job.killer = threading.Timer(self.spec.grace, self._kill_for, (job,))
        job.killer.daemon = True
        job.killer.start()

    def _kill_for(self, job: _Running) -> None:
        if not job.done.done():
            log.warning(
                "The worker on %s did not obey a cancel within %g s", self.spec.device, self.spec.grace
            )
            self.kill()

    # --- the reader thread ---

    def _live(self) -> None:
        kills, reason = oom_kills(), ""
        try:
            self._spawn()
        except OSError as error:
            reason = f"{self.spec.python}: {error.strerror or error}"
        finally:
            self._spawned.set()
        if self._channel is not None:
            self._read()
        code, peak = self._reap()
        death = Death(
            device=self.spec.device,
            code=code,
            reported=self._hello,
            log=self._log_file.path,
            peak_bytes=peak,
            memory_bytes=memory_limit(),
            oom_kills=oom_kills() - kills,
            lines=self._pump.lines(self._job.lines_before if self._job else 0) if self._pump else (),
            reason=reason,
        )
        self._bury(death)

    def _spawn(self) -> None:
        posix = os.name == "posix"
        popen = subprocess.Popen(
            # -P: the current folder must not be able to stand in for a library.
            [self.spec.python, "-P", "-m", "diorama.workers.main", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.spec.environ),
            start_new_session=posix,  # Ctrl-C reaches the server, which decides
            creationflags=0 if posix else getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert popen.stdin is not None
        assert popen.stdout is not None
        assert popen.stderr is not None
        self._popen = popen
        self._channel = Channel(popen.stdout, popen.stdin)
        self._pump = Pump(popen.stderr, self._log_file)
        try:
            self._channel.send(
                "configure", device=self.spec.device, backends=self.spec.backends, settings=self.spec.settings
            )
        except WireError:
            log.debug("The worker on %s ended at once", self.spec.device)

    def _read(self) -> None:
        assert self._channel is not None
        try:
            while (message := self._channel.receive()) is not None:
                self._take(message)
        except Exception:  # a message that cannot be read must not leave its job waiting for ever
            log.exception("The worker on %s is ended: it sent something unreadable", self.spec.device)
            self.kill()

    def _take(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "hello":
            self._hello = True
        elif kind == "reply":
            reply = self._replies.pop(message["number"], None)
            if reply is not None:
                reply.set_result(message.get("value"))
        elif self._job is None or self._job.task.job_id != message.get("job"):
            log.debug("A late %s of the worker on %s is dropped", kind, self.spec.device)
        elif kind == "begun":
            self._job.begun = True
        elif kind == "result":
            self._job.done.set_result(from_plain(Result, message["result"]))
        elif kind == "error":
            self._job.done.set_exception(from_wire(message["error"]))
        else:
            self._pass_on(kind, message, self._job)

    def _pass_on(self, kind: str, message: Mapping[str, Any], job: _Running) -> None:
        """Hand a message to the engine's end of the job; what that raises ends the job."""
        answer: dict[str, Any] = {}
        try:
            answer = {"value": _deliver(kind, message, job, self._secret)}
        except Exception as error:
            log.exception("The engine could not take a %s of job %s", kind, job.task.job_id)
            job.failure = job.failure or error
            answer = {"error": to_wire(translate(error, "Diorama"))}
            self._cancel(job)
        if "number" in message:
            try:
                self._send("reply", number=message["number"], **answer)
            except WireError:
                log.debug("The worker on %s died before an answer", self.spec.device)

    def _reap(self) -> tuple[int, int]:
        """Return exit code and peak memory in bytes of the ended process."""
        popen = self._popen
        if popen is None:
            return 0, 0
        last_resort = threading.Timer(5.0, self.kill)  # it closed its pipe and yet goes on
        last_resort.daemon = True
        last_resort.start()
        try:
            if not hasattr(os, "wait4"):
                return popen.wait(), 0
            _, status, usage = os.wait4(popen.pid, 0)
            popen.returncode = os.waitstatus_to_exitcode(status)
            unit = 1 if sys.platform == "darwin" else 1024
            return popen.returncode, usage.ru_maxrss * unit
        except ChildProcessError:  # somebody ignores SIGCHLD, and the system reaped it
            return popen.wait(), 0
        finally:
            last_resort.cancel()

    def _bury(self, death: Death) -> None:
        with self._lock:
            self._death = death
            job, replies = self._job, list(self._replies.values())
        self._ended.set()
        for reply in replies:
            reply.set_result(None)
        if self._popen is not None and self._popen.stdout is not None and self._channel is not None:
            self._channel.close()
            self._popen.stdout.close()
        if job is not None and not job.done.done():
            job.done.set_exception(self._obituary(job, death))
        if death.code and not self._stopping and not (job is not None and job.sink.cancel.cancelled):
            log.warning("The worker on %s ended with %s", self.spec.device, death.code)

    def _obituary(self, job: _Running, death: Death) -> Exception:
        if self._stopping or job.sink.cancel.cancelled:
            return JobCancelled()
        if self._hello and not job.begun:
            return WorkerGone()  # it was dying already when the job came
        return death.error()


def _deliver(kind: str, message: Mapping[str, Any], job: _Running, secret: SecretLookup) -> Any:
    sink = job.sink
    if kind == "progress":
        sink.progress(message["stage"], message["fraction"], message["message"], message["numbers"])
    elif kind == "preview":
        sink.preview(message["data"], message["mime"])
    elif kind == "staged":
        sink.staged(from_plain(StagedOutput, message["output"]))
    elif kind == "note":
        sink.note(message["note"], message["field"], message["before"], message["after"], message["why"])
    elif kind == "remember":
        sink.remember(message["facts"])
    elif kind == "quote":
        sink.quote(message["cost"])
    elif kind == "secret":
        value = secret(job.task.backend, message["name"])
        redaction.register(value)  # the worker's output passes through this process
        return value
    else:
        log.warning("A worker sent an unknown message %r", kind)
    return None
