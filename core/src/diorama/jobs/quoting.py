"""What a provider asks for a job, told just before it is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diorama.contract import BackendError, DioramaError
from diorama.jobs.ledger import Ledger
from diorama.jobs.live import LiveJob
from diorama.jobs.seams import Purse


class Quoting:
    """Puts a quote in place of a job's estimate, where the caps allow it.

    Args:
        ledger: Where it is stored.
        purse: Knows the caps; without one there are none.
    """

    def __init__(self, ledger: Ledger, purse: Purse | None) -> None:
        self._ledger, self._admit = ledger, purse.quoted if purse else None

    def __call__(self, live: LiveJob, cost: Mapping[str, Any]) -> None:
        """Book a quote.

        Raises:
            InvalidRequest: it would pass a cap; the estimate stays.
            BackendError: it is no amount, or could not be stored.
        """
        amount = cost.get("amount")
        if not isinstance(amount, int | float) or not 0 <= amount < math.inf:
            raise BackendError(f"The backend quoted {amount!r:.40}, which is no amount.")
        with live.lock:
            job = replace(live.job, cost=dict(cost))
            if live.job.cost == job.cost:
                return
        try:
            self._ledger.price(job, self._admit).result()
        except DioramaError:
            raise
        except Exception as error:
            raise BackendError(f"The price of the job could not be stored: {error}") from error
        with live.lock:
            live.job = replace(live.job, cost=dict(cost))
