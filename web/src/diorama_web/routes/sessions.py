"""Sessions for pictures and for videos: one store, two lists."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from diorama.contract import NotFound
from diorama.sessions.store import Session
from diorama.sessions.titles import title_from_prompt
from fastapi import Path, Query
from starlette.responses import Response

from diorama_web.access import CallerDep, SessionsDep, private_router
from diorama_web.encoding import iso_time, reply
from diorama_web.schemas.sessions import (
    NewSession,
    SessionChange,
    SessionList,
    SessionView,
    TitleReply,
    TitleRequest,
)

router = private_router(tag="sessions", prefix="")
SessionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Kind = Literal["image", "video"]


@router.post("/api/generate-title", response_model=TitleReply)
async def generate_title(body: TitleRequest) -> Response:
    """Make a short title from a prompt."""
    return reply({"title": title_from_prompt(body.prompt)})


def _add_routes(kind: Kind) -> None:
    """Add the routes of one list."""
    path = "/api/sessions" if kind == "image" else "/api/video-sessions"

    def list_sessions(
        store: SessionsDep, deleted: bool = False, before: float | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:  # fmt: skip
        """Return sessions, last used first; ``before`` is the time of the last one of the page before."""
        found = store.list(kind=kind, deleted=deleted, before=before, limit=limit)
        return reply({"sessions": [_view(session) for session in found]})

    def create_session(body: NewSession, store: SessionsDep, caller: CallerDep) -> Response:
        """Make a session."""
        made_one = store.create(kind=kind, title=body.title, owner=caller.owner, session_id=body.id)
        return reply(_view(made_one), 201)

    def get_session(session_id: SessionId, store: SessionsDep) -> Response:
        """Return a session with its state."""
        return reply(_view(_find(store, session_id, kind)))

    def change_session(session_id: SessionId, body: SessionChange, store: SessionsDep) -> Response:
        """Rename a session, or keep its state."""
        session = _find(store, session_id, kind)
        if body.title is not None:
            session = store.rename(session_id, body.title)
        if body.state is not None:
            session = store.keep_state(session_id, body.state)
        return reply(_view(session))

    def delete_session(session_id: SessionId, store: SessionsDep) -> Response:
        """Put a session away; its pictures stay, and it can be restored."""
        _find(store, session_id, kind)
        return reply(_view(store.delete(session_id)))

    def restore_session(session_id: SessionId, store: SessionsDep) -> Response:
        """Bring a deleted session back."""
        _find(store, session_id, kind)
        return reply(_view(store.restore(session_id)))

    prefix = "" if kind == "image" else "video_"
    for method, end, call, answer, status in (
        ("GET", "", list_sessions, SessionList, 200),
        ("POST", "", create_session, SessionView, 201),
        ("GET", "/{session_id}", get_session, SessionView, 200),
        ("PATCH", "/{session_id}", change_session, SessionView, 200),
        ("DELETE", "/{session_id}", delete_session, SessionView, 200),
        ("POST", "/{session_id}/restore", restore_session, SessionView, 200),
    ):
        router.add_api_route(
            path + end,
            call,
            methods=[method],
            response_model=answer,
            status_code=status,
            name=prefix + call.__name__,
        )


def _find(store: Any, session_id: str, kind: Kind) -> Session:
    session: Session = store.get(session_id)
    if session.kind != kind:
        raise NotFound(
            "There is no such session in this list.", field="session_id", fix="Use the other list."
        )
    return session


def _view(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "kind": session.kind,
        "title": session.title,
        "state": dict(session.state),
        "created_at": iso_time(session.created_at),
        "updated_at": iso_time(session.updated_at),
        "deleted_at": iso_time(session.deleted_at),
    }


_add_routes("image")
_add_routes("video")
