"""Sessions as they come and go."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import MAX_PROMPT, Body, CleanText, GroupId, View


class SessionView(View):
    """A session."""

    id: str
    kind: Literal["image", "video"]
    title: str
    state: dict[str, Any] = Field(
        description="What the page wants back: draft prompt, chosen model and so on."
    )
    created_at: str
    updated_at: str
    deleted_at: str | None


class SessionList(View):
    """Sessions, last used first."""

    sessions: list[SessionView]


class NewSession(Body):
    """A session to make."""

    id: GroupId | None = Field(None, description="Chosen by the client; made by the server when left out.")
    title: CleanText = Field("", max_length=200)


class SessionChange(Body):
    """New values; what is left out stays."""

    title: CleanText | None = Field(None, min_length=1, max_length=200)
    state: dict[str, Any] | None = None


class TitleRequest(Body):
    """A prompt that needs a title."""

    prompt: CleanText = Field(min_length=1, max_length=MAX_PROMPT)


class TitleReply(View):
    """A short title."""

    title: str


class PromptUsed(Body):
    """A prompt that somebody used."""

    prompt: CleanText = Field(min_length=1, max_length=MAX_PROMPT)


class PromptList(View):
    """Prompts used last, newest first."""

    prompts: list[str]
