"""What people set in the page."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import EngineDep, PreferencesDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.system import PreferencesChange, PreferencesView

router = private_router(tag="settings")


@router.get("/settings", response_model=PreferencesView)
def get_settings(preferences: PreferencesDep) -> Response:
    """Return what is set, with defaults for the rest."""
    return reply(_view(preferences.cached))


@router.post("/settings", response_model=PreferencesView)
def change_settings(
    body: PreferencesChange, request: Request, engine: EngineDep, preferences: PreferencesDep
) -> Response:
    """Set some values; what is left out stays as it is, and ``null`` returns to the default."""
    changes = body.model_dump(exclude_unset=True)
    for model in (changes.get("default_models") or {}).values():
        engine.catalog.get(model)
    stored = preferences.update(changes)
    if "log_limit" in changes or "log_days" in changes:
        request.app.state.retention.apply()
    return reply(_view(stored))


def _view(stored: Any) -> dict[str, Any]:
    known = {name: value for name, value in stored.items() if name in PreferencesView.model_fields}
    return PreferencesView(**known).model_dump()
