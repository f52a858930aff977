"""Named places at which tests kill the process, to prove that nothing is lost or doubled there.

``DIORAMA_CRASH_AT=file_placed`` ends the process with SIGKILL when that place is first reached;
``DIORAMA_CRASH_AT=file_placed:3`` when it is reached for the third time.
"""

from __future__ import annotations

import os
import signal
import threading

POINTS = (
    "accepted", "leased", "loading", "mid_step", "staged", "file_placed", "before_commit", "after_commit",
    "remembered", "cancelling",
)  # fmt: skip
"""All places, in the order of a job's life."""

_name, _, _count = os.environ.get("DIORAMA_CRASH_AT", "").partition(":")
_left = int(_count) if _count.isdigit() else 1
_lock = threading.Lock()


def point(name: str) -> None:
    """Kill this process if ``name`` is the place asked for; otherwise do nothing."""
    global _left
    if not name or name != _name:
        return
    with _lock:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
