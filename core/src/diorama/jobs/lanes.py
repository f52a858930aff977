"""Which lane a job takes, and how many may run there at once."""

from __future__ import annotations

from collections.abc import Collection

from diorama.contract import Backend, DioramaError, ModelInfo, split_model_id
from diorama.jobs.records import Job, JobKind
from diorama.jobs.seams import Backends, Models
from diorama.workers.executor import Executor

POOL = "devices"
"""Lane of worker backends on a machine with several devices; a job gets its device when it starts."""
DOWNLOADS = "downloads"
DOWNLOADS_AT_ONCE = 2
THREADS = 32
"""Threads of a backend whose jobs rest while they wait."""


class Lanes:
    """Answers where a job belongs.

    Args:
        executor: Knows the devices.
        backends: Know their placement.
        models: Know what a run may cost.
    """

    def __init__(self, executor: Executor, backends: Backends, models: Models) -> None:
        self._executor, self._backends, self._models = executor, backends, models
        self._devices = executor.lanes()

    @property
    def device_lane(self) -> str:
        """Lane of the jobs of worker backends."""
        return self._devices[0] if len(self._devices) == 1 else POOL

    def lane_of(self, job: Job) -> str:
        """Return the lane in which ``job`` waits; a job of a backend that is gone gets the backend's own lane."""
        if job.kind is JobKind.DOWNLOAD:
            return DOWNLOADS
        backend = self._backend(job)
        worker = backend is not None and backend.placement == "worker"
        return self.device_lane if worker else split_model_id(job.model)[0]

    def slots(self, lane: str) -> tuple[str, ...]:
        """Return one name for each job that may run at once in ``lane``."""
        if lane == POOL:
            return self._devices
        if lane == DOWNLOADS:
            return (DOWNLOADS,) * DOWNLOADS_AT_ONCE
        if self.is_device(lane):
            return (lane,)
        try:
            return (lane,) * max(self._backends.backend(lane).concurrency, 1)
        except DioramaError:
            return (lane,)

    def threads(self, lane: str) -> int | None:
        """Return how many threads are enough for ``lane``, ``None`` for one per slot."""
        try:
            return THREADS if self._backends.backend(lane).parks else None
        except DioramaError:
            return None

    def may_have_been_billed(self, job: Job) -> bool:
        """Tell whether an interrupted job of which nothing is remembered may have been bought all the same."""
        backend = self._backend(job)
        return not (backend is not None and backend.parks) and self.may_be_billed(job)

    def is_device(self, slot: str) -> bool:
        """Tell whether a slot computes on this machine and costs nothing but time."""
        return slot in self._devices or slot in (POOL, DOWNLOADS)

    def loaded(self, slot: str) -> Collection[str]:
        """Return the models that are in memory at ``slot``."""
        return self._executor.loaded().get(slot, ())

    def may_be_billed(self, job: Job) -> bool:
        """Tell whether running ``job`` twice could be paid twice; yes when nothing is known about it."""
        if self.is_device(job.lane):
            return False
        try:
            model: ModelInfo = self._models.get(job.model)
        except DioramaError:
            return True
        return model.price is not None or model.data_leaves_machine

    def _backend(self, job: Job) -> Backend | None:
        try:
            return self._backends.backend(split_model_id(job.model)[0])
        except DioramaError:
            return None
