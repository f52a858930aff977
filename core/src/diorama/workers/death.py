"""Why a worker process ended, said so that a person can act on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diorama.contract import BackendError, BackendNotReady, DioramaError, OutOfMemory
from diorama.workers.failures import OOM_ADVICE

_NEARLY_FULL = 0.6
"""Part of the machine's memory that one process held when running out of memory is the likely reason for a SIGKILL."""
_OOM_COUNTERS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
    Path("/proc/vmstat"),
)
_NOISE = (
    "Traceback",
    "File ",
    "Current thread",
    "Thread 0x",
    "Extension modules",
    "Fatal Python error: Segmentation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The end of a worker process.

    Attributes:
        device: Its device.
        code: Exit code; negative is the signal's number.
        reported: Whether it had come up before.
        peak_bytes: Most memory it ever held; 0 when unknown.
        memory_bytes: What it could hold at most; 0 when unknown.
        oom_kills: How many processes the kernel killed for memory meanwhile.
        lines: Last lines that it wrote.
        log: File with all of them.
        reason: Why it could not even be started; empty otherwise.
    """

    device: str
    code: int
    reported: bool
    log: Path
    peak_bytes: int = 0
    memory_bytes: int = 0
    oom_kills: int = 0
    lines: Sequence[str] = ()
    reason: str = ""

    @property
    def out_of_memory(self) -> bool:
        """Whether the system probably killed it because memory ran out."""
        if os.name != "posix" or self.code != -signal.SIGKILL:
            return False
        nearly_full = self.memory_bytes > 0 and self.peak_bytes >= _NEARLY_FULL * self.memory_bytes
        return nearly_full or self.oom_kills > 0

    def error(self) -> DioramaError:
        """Return the error of the job that ran in it."""
        if self.reason:
            return BackendNotReady(
                f"The worker for {self.device} cannot be started: {self.reason}.",
                fix="Check `worker_python` in config.toml.",
            )
        if self.out_of_memory:
            return OutOfMemory(
                f"The system ended the worker on {self.device}: its memory ran out.", fix=OOM_ADVICE
            )
        said = self._said()
        if (
            not self.reported and self.code >= 0
        ):  # it gave up by itself; one that was killed may come up next time
            return BackendNotReady(
                f"The worker for {self.device} ended before it came up ({self._how()}).{said}",
                fix=f"Its log is {self.log}. Check that Diorama is installed for the interpreter `worker_python`.",
            )
        return BackendError(
            f"The worker on {self.device} ended in the middle of this job ({self._how()}).{said}",
            retryable=True,
            fix=f"Try again; a new worker starts by itself. The log is {self.log}.",
        )

    def _how(self) -> str:
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"

    def _said(self) -> str:
        telling = [
            line.strip() for line in self.lines if line.strip() and not line.strip().startswith(_NOISE)
        ]
        return f" It said last: {' / '.join(telling[-3:])[-400:]}" if telling else ""


def memory_limit() -> int:
    """Return the memory that a process here can have, in bytes: the machine's, or its control group's if less."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(Path("/sys/fs/cgroup") / name).strip()
        if text.isdigit():
            limits.append(int(text))
    return min(limits, default=0)


def oom_kills() -> int:
    """Return how many processes the kernel has killed for memory so far, in our control group where that is told."""
    for place in _OOM_COUNTERS:
        for line in _read(place).splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.strip().isdigit():
                return int(count)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
