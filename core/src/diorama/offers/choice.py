"""From a family name to one of its offers, and to the next one when that is down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from diorama.catalog import Catalog
from diorama.contract import BackendNotReady, DioramaError, InvalidRequest, ModelInfo, from_plain, to_plain
from diorama.jobs.records import Job, Note
from diorama.jobs.submission import Submission
from diorama.offers.ranking import POLICIES, UNSAID, Candidate, Policy, ranked
from diorama.resolution import Resolved, resolve
from diorama.spending import Estimator, Purse

__all__ = ["POLICIES", "Offers"]

ESSENTIAL = ("loras", "mask", "reference_images")
"""An offer that would ignore one of these takes part only where all others would, too."""


class Offers:
    """Resolves submissions, choosing among offers where a family is named.

    Args:
        catalog: All offers.
        estimator: Their prices and times.
        purse: Caps that another offer must keep, too.
        default_model: Model when none is named.
    """

    def __init__(self, catalog: Catalog, estimator: Estimator, purse: Purse, default_model: str) -> None:
        self._catalog, self._estimator, self._purse = catalog, estimator, purse
        self._default = default_model

    def plan(self, submission: Submission) -> Resolved:
        """Resolve a submission; ``applied`` says which offer was chosen and why, where there was a choice.

        Raises:
            DioramaError: no offer can run it; the sentence says what would help.
        """
        policy = _policy(submission)
        name = submission.model or self._default
        family = self._catalog.offers(name)
        if not family:
            return _unchosen(submission, resolve(submission, self._catalog.get(name)))
        if len(family) == 1 and not policy.local:
            return _told(submission, resolve(submission, family[0]), "the only offer")
        found = self._candidates(submission, family, policy, name)
        later = "; its model is downloaded first" if found[0].waits else ""
        return _told(submission, found[0].resolved, policy.why(found[0], len(found)) + later)

    def others(self, job: Job, error: DioramaError) -> Iterator[Job]:
        """Yield a job as the other offers of its family would run it, best first.

        Each is resolved anew against the catalog of this moment; those above the cap of a job are left out.

        Args:
            job: Its own offer has just failed.
            error: With this.
        """
        try:
            asked = from_plain(Submission, dict(job.asked))
        except ValueError:
            return  # stored by another version
        submission = replace(asked, kind=job.kind.value, seed=job.applied.get("seed", asked.seed))
        gone = [*job.applied.get("failed_over", ()), {"offer": job.model, "why": error.message}]
        tried = {item["offer"] for item in gone}
        family = [m for m in self._catalog.offers(asked.model or self._default) if m.id not in tried]
        policy = _policy(asked)
        try:
            found = self._candidates(submission, family, policy, asked.model)
        except DioramaError:
            return
        for item in found:
            if item.waits:
                continue  # a download of many gigabytes is no way on
            try:
                self._purse.check(item.estimate)
            except InvalidRequest:
                continue
            resolved = _told(submission, item.resolved, f"it took over from {job.model}, which failed")
            yield replace(
                job,
                model=resolved.model.id,
                request=to_plain(resolved.request),
                applied={**resolved.applied, "failed_over": gone},
                adjusted=resolved.adjusted,
                ignored=resolved.ignored,
                cost=item.estimate.cost,
            )

    def _candidates(
        self, submission: Submission, family: Iterable[ModelInfo], policy: Policy, name: str
    ) -> list[Candidate]:
        seconds = self._estimator.typical()
        found: list[Candidate] = []
        errors: dict[str, DioramaError] = {}
        for model in family:
            if policy.local and model.data_leaves_machine:
                continue
            try:
                resolved = resolve(submission, model)
            except DioramaError as error:
                errors[model.id] = error
            else:
                estimate = self._estimator.of(resolved)
                found.append(
                    Candidate(resolved=resolved, estimate=estimate, usual_seconds=seconds.get(model.id))
                )
        if not found:
            raise _nobody(name, errors, policy)
        able = [item for item in found if not any(note.field in ESSENTIAL for note in item.resolved.ignored)]
        return ranked(able or found, policy)


def _policy(submission: Submission) -> Policy:
    if not submission.policy:
        return UNSAID
    if submission.policy not in POLICIES:
        raise InvalidRequest(
            f"{submission.policy!r} is no policy.", field="policy", fix=f"Use one of: {', '.join(POLICIES)}."
        )
    return POLICIES[submission.policy]


def _told(submission: Submission, resolved: Resolved, why: str) -> Resolved:
    applied: dict[str, Any] = {**resolved.applied, "offer": f"{resolved.model.id}: {why}"}
    if submission.policy:
        applied["policy"] = submission.policy
    return replace(resolved, applied=applied)


def _unchosen(submission: Submission, resolved: Resolved) -> Resolved:
    """A full model id leaves nothing to choose: say that the wish for a choice has no effect."""
    why = f"{resolved.model.id} is one offer; name a family to choose among several."
    notes = [
        Note(field=name, before=value, why=why)
        for name, value in (("policy", submission.policy), ("failover", submission.failover))
        if value
    ]
    if notes and submission.strict:
        raise InvalidRequest(why, field=notes[0].field, fix="Leave it out, or leave out `strict`.")
    return replace(resolved, ignored=(*resolved.ignored, *notes)) if notes else resolved


def _nobody(name: str, errors: dict[str, DioramaError], policy: Policy) -> DioramaError:
    if not errors:
        where = " on this machine" if policy.local else ""
        return BackendNotReady(
            f"There is no offer of {name}{where}.", field="policy" if policy.local else "model",
            fix=f"`diorama models --by family` shows who offers {name}.",
        )  # fmt: skip
    waiting = {key: error for key, error in errors.items() if isinstance(error, BackendNotReady)}
    if len(errors) == 1 or not waiting:
        return next(iter(errors.values()))
    fixes = " ".join(f"{key}: {error.fix}" for key, error in list(waiting.items())[:3])
    return BackendNotReady(f"No offer of {name} is ready.", field="model", fix=fixes)
