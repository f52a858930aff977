"""Runs that did not end their job: it goes back into the queue, here, with another offer, or for a person to decide."""

from __future__ import annotations

import logging
from collections.abc import Callable

from diorama.contract import DioramaError, InsufficientStorage
from diorama.jobs.lanes import Lanes
from diorama.jobs.ledger import Ledger
from diorama.jobs.live import LiveJob
from diorama.jobs.outages import Detours
from diorama.jobs.scheduler import Scheduler
from diorama.jobs.waiting import Entry

log = logging.getLogger(__name__)


class Returning:
    """Puts jobs back.

    Args:
        ledger: Where their state is stored.
        scheduler: Where they wait.
        lanes: Know what costs money.
        detours: Know other offers.
        stopped: Ends a job that was cancelled meanwhile.
        changed: Tells listeners about a job's present state.
    """

    def __init__(
        self,
        ledger: Ledger,
        scheduler: Scheduler,
        lanes: Lanes,
        detours: Detours,
        stopped: Callable[[LiveJob], None],
        changed: Callable[[LiveJob], None],
    ) -> None:
        self._ledger, self._scheduler, self._lanes, self._detours = ledger, scheduler, lanes, detours
        self._stopped, self._changed = stopped, changed

    def again(self, live: LiveJob, reason: str | None) -> None:
        """Let a job run again or, for a ``reason``, wait until a person releases it.

        Raises:
            Exception: it could not be stored that it is to run again. A job that waits for a person does so all the same:
                the ledger still shows it as started, and a restart resumes it or asks the person.
        """
        held = reason is not None
        with live.lock:
            memory = dict(live.memory) if live.unstored else None
        try:
            self._ledger.requeue([live.job.id], held=held, reason=reason, memory=memory).result()
            live.unstored = False
        except Exception:
            if not held:
                raise
            log.exception("It could not be stored that job %s waits for a person.", live.job.id)
        with live.lock:
            if live.token.cancelled:  # meanwhile
                self._stopped(live)
                return
            live.waiting(held=held, reason=reason)
            self._scheduler.add([entry_of(live)])
        self._changed(live)

    def elsewhere(self, live: LiveJob, error: DioramaError) -> bool:
        """Send a job whose offer is down to another offer; False when there is none."""
        job = self._detours.another(live, error)
        if job is None:
            return False
        with live.lock:
            if live.token.cancelled:  # meanwhile
                self._stopped(live)
                return True
            live.moved(job)
            self._scheduler.add([entry_of(live)])
        self._changed(live)
        return True

    def keep(self, live: LiveJob, error: DioramaError) -> bool:
        """Hold a job that may be paid and whose result finds no room; False when it is another case.

        The provider keeps the result for a while, and the job remembers how to ask for it.
        """
        bought = any(live.memory.values()) and not self._lanes.is_device(live.job.lane)
        if not bought or not isinstance(error, InsufficientStorage):
            return False
        why = "The work may be paid already: free some disk space soon and release the job, which goes on from there."
        self.again(live, f"{error.message} {why}")
        return True


def entry_of(live: LiveJob) -> Entry:
    """Return a job as it waits."""
    job = live.job
    return Entry(
        id=job.id, lane=job.lane, model=job.model, owner=job.owner, priority=job.priority, position=job.position,
        held=job.held, reason=job.wait_reason or "",
    )  # fmt: skip
