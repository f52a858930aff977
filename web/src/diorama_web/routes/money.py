"""What requests will cost, and what was spent."""

from __future__ import annotations

from typing import Annotated

from diorama.contract import to_plain
from diorama.jobs.submission import Submission
from diorama.views import costs_view, estimate_view
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.money import (
    ByWord,
    CapsChange,
    CapsView,
    CostsView,
    Day,
    EstimateRequest,
    EstimateView,
)
from diorama_web.schemas.submissions import JobRequest
from diorama_web.submitting import build_submission, preferred_model

router = private_router(tag="jobs")
Word = Annotated[str | None, Query(max_length=512)]


@router.post("/estimate", response_model=EstimateView)
def estimate(body: EstimateRequest, request: Request, engine: EngineDep, caller: CallerDep) -> Response:
    """Tell price and time of a request, or of many, before anything is sent. Nothing is stored as a job."""
    bodies = body.jobs or [body]

    def build(item: JobRequest) -> Submission:
        kind = item.kind or ""
        model = preferred_model(request, kind or "generate")
        return build_submission(item, kind=kind, caller=caller, engine=engine, default_model=model)

    return reply(estimate_view(engine.estimate([build(item) for item in bodies])))


@router.get("/costs", response_model=CostsView)
def get_costs(
    engine: EngineDep, by: ByWord = "day", since: Day | None = None, until: Day | None = None,
    model: Word = None, session_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:  # fmt: skip
    """Return what jobs cost, summed by day, model, session or backend, with today's sum and the caps."""
    return reply(
        costs_view(
            engine.costs,
            engine.purse.caps,
            by=by,
            since=since,
            until=until,
            model=model,
            session_id=session_id,
        )
    )


@router.put("/settings/spending", response_model=CapsView)
def change_caps(body: CapsChange, engine: EngineDep) -> Response:
    """Set what may be spent, from the next job on. It is kept in ``spending.toml`` and goes over ``config.toml``."""
    caps = {
        name: amounts for name, amounts in body.model_dump(exclude_unset=True).items() if amounts is not None
    }
    return reply(to_plain(engine.purse.change(caps)))
