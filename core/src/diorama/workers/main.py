"""``python -m diorama.workers.main PARENT``: the start of a worker process."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Take the pipes over, make sure to die with the parent, and serve. Returns the exit code."""
    reader, writer = _take_pipes()
    _die_with_parent(int(sys.argv[1]))
    _set_up_logging()
    from diorama.workers.serving import Worker
    from diorama.workers.wire import Channel

    Worker(Channel(os.fdopen(reader, "rb"), os.fdopen(writer, "wb"))).serve()
    return 0


def _take_pipes() -> tuple[int, int]:
    """Keep stdin and stdout for the wire, and let everything that is printed go to the log."""
    reader, writer = (
        os.dup(0),
        os.dup(1),
    )  # dup makes them non-inheritable: no child of ours keeps the wire open
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return reader, writer


def _die_with_parent(parent: int) -> None:
    """On Linux, ask for SIGKILL when the parent dies: native code may hold the lock that our reader thread needs."""
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("500")  # when memory runs out, this process goes and never the server
    except OSError:
        return


def _set_up_logging() -> None:
    import faulthandler
    import logging

    from diorama.access import redaction

    faulthandler.enable()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    redaction.install()


if __name__ == "__main__":
    sys.exit(main())
