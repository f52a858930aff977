"""The prompts that were used last, for every browser."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from diorama_web.access import PreferencesDep, PromptsDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.sessions import PromptList, PromptUsed
from diorama_web.schemas.system import PreferencesView

router = private_router(tag="settings")


@router.get("/settings/prompts", response_model=PromptList)
def list_prompts(prompts: PromptsDep, preferences: PreferencesDep) -> Response:
    """Return the prompts used last, newest first, each once; as many as the preferences say."""
    return reply({"prompts": prompts.last(_limit(preferences))})


@router.post("/settings/prompts", response_model=PromptList)
def remember_prompt(body: PromptUsed, prompts: PromptsDep, preferences: PreferencesDep) -> Response:
    """Put a prompt first."""
    return reply({"prompts": prompts.remember(body.prompt, _limit(preferences))})


@router.delete("/settings/prompts", response_model=Message)
def forget_prompts(prompts: PromptsDep) -> Response:
    """Forget them all; jobs and pictures keep theirs."""
    prompts.clear()
    return reply({"message": "The prompts are forgotten; pictures keep theirs."})


def _limit(preferences: Any) -> int:
    default = PreferencesView.model_fields["prompt_history"].default
    return int(preferences.cached.get("prompt_history", default))
