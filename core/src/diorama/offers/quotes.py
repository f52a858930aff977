"""The price and time of submissions, whichever offers they would go to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from diorama.contract import InvalidRequest
from diorama.database.writer import Database
from diorama.jobs.submission import Submission
from diorama.offers.choice import Offers
from diorama.spending import BatchEstimate, Estimate, Estimator, Purse, combine
from diorama.spending.purse import booking


class Quotes:
    """Estimates without submitting.

    Args:
        offers: Choose.
        estimator: Prices and times.
        purse: The caps.
        database: What is booked.
        width: How many jobs of a backend run at once.
    """

    def __init__(
        self,
        offers: Offers,
        estimator: Estimator,
        purse: Purse,
        database: Database,
        width: Callable[[str], int],
    ) -> None:
        self._offers, self._estimator, self._purse = offers, estimator, purse
        self._database, self._width = database, width

    def of(self, submissions: Sequence[Submission]) -> BatchEstimate:
        """Return what submissions will cost and take together, and whether a cap would refuse them now.

        Raises:
            DioramaError: one cannot be run; ``field`` starts with ``jobs[i].`` when there are several.
        """
        estimates = []
        for index, submission in enumerate(submissions):
            try:
                estimates.append(self._estimator.of(self._offers.plan(submission)))
            except InvalidRequest as error:
                if len(submissions) > 1:
                    error.field = f"jobs[{index}].{error.field}" if error.field else f"jobs[{index}]"
                raise
        return combine(estimates, self._width, self._refusal(submissions, estimates))

    def _refusal(self, submissions: Sequence[Submission], estimates: Sequence[Estimate]) -> str | None:
        now = time.time()
        rows = [
            booking(
                item.cost, model=item.model, session_id=submission.session_id, owner=submission.owner, at=now
            )
            for submission, item in zip(submissions, estimates, strict=True)
            if item.cost is not None
        ]
        try:
            for item in estimates:
                self._purse.check(item)
            with self._database.read() as connection:
                self._purse.check_sums(connection, rows)
        except InvalidRequest as error:
            return error.message
        return None
