"""When the offer that was chosen is down: the job goes to another offer of its family, where the user allowed it."""

from __future__ import annotations

import logging
from dataclasses import replace

from diorama.contract import BackendError, BackendNotReady, DioramaError, RateLimited
from diorama.jobs.lanes import Lanes
from diorama.jobs.ledger import Admit, Ledger
from diorama.jobs.live import LiveJob
from diorama.jobs.records import Job, JobStatus
from diorama.jobs.seams import OtherOffers

log = logging.getLogger(__name__)


def is_outage(error: Exception) -> bool:
    """Tell whether an error is the offer's fault, and another offer may do better."""
    if isinstance(error, BackendError):
        return error.retryable and not error.unsure
    return isinstance(error, RateLimited | BackendNotReady)


class Detours:
    """Finds the way on for a job whose offer is down.

    Args:
        ledger: Where the new way is stored.
        lanes: Which lane the other offer has.
        admit: Checks and books the other offer's price.

    Attributes:
        offers: Gives the other offers; nothing is ever moved while it is ``None``.
    """

    def __init__(self, ledger: Ledger, lanes: Lanes, admit: Admit | None) -> None:
        self._ledger, self._lanes, self._admit = ledger, lanes, admit
        self.offers: OtherOffers | None = None

    def another(self, live: LiveJob, error: DioramaError) -> Job | None:
        """Return the job as another offer will run it, stored and booked; ``None`` when there is no other way."""
        job = live.job
        if self.offers is None or not job.asked.get("failover") or any(live.memory.values()):
            return None
        for moved in self.offers(job, error):
            moved = replace(
                moved, lane=self._lanes.lane_of(moved), status=JobStatus.QUEUED, memory={}, progress=0.0, message="",
                started_at=None, wait_reason=None,
            )  # fmt: skip
            try:
                self._ledger.reroute(moved, self._admit).result()
            except DioramaError as refused:  # its price would pass a cap
                log.info("Job %s does not go to %s: %s", job.id, moved.model, refused)
                continue
            except RuntimeError:  # the database is closed: the job fails as it would have without us
                return None
            log.warning("Job %s goes from %s to %s: %s", job.id, job.model, moved.model, error)
            return moved
        return None
