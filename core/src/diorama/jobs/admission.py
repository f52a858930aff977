"""Whether there is room for more jobs."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from diorama.contract import InsufficientStorage, RateLimited
from diorama.settings import LimitSettings

DISK_SECONDS = 1.0
"""The free space of the disk is looked at this often; asking can take longer than accepting a job."""


class Admission:
    """Guards the queue and the disk against too much work.

    Args:
        limits: What is allowed.
        data_dir: On the disk that results go to.
    """

    def __init__(self, limits: LimitSettings, data_dir: Path) -> None:
        self.limits = limits
        self._data_dir = data_dir
        self._free_bytes, self._measure_at = 0, 0.0

    def check(self, unfinished: int, count: int) -> None:
        """Refuse ``count`` further jobs where they do not fit.

        Raises:
            RateLimited: the queue is full.
            InsufficientStorage: the disk is nearly full.
        """
        if unfinished + count > self.limits.queued_jobs:
            raise RateLimited(
                f"The queue is full: it holds {unfinished} of at most {self.limits.queued_jobs} jobs.",
                fix="Wait until some have finished, or raise limits.queued_jobs.",
            )
        now = time.monotonic()
        if now >= self._measure_at:
            self._free_bytes = shutil.disk_usage(self._data_dir).free
            self._measure_at = now + DISK_SECONDS
        if self._free_bytes < self.limits.min_free_bytes:
            raise InsufficientStorage(
                "The data disk is nearly full.", fix="Free some space, or lower limits.min_free_bytes."
            )
