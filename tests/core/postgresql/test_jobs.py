"""The ledger and the queue: the very tests that SQLite passes."""

from __future__ import annotations

from core.jobs.conftest import make_world, world  # noqa: F401
from core.jobs.test_queue import *  # noqa: F403
