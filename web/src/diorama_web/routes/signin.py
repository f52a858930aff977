"""A browser shows its key once and gets a cookie, because pictures and event streams cannot carry headers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import EngineDep, public_router
from diorama_web.encoding import reply
from diorama_web.errors import Unauthenticated
from diorama_web.schemas.base import Message
from diorama_web.schemas.system import SignIn
from diorama_web.security.keys import COOKIE, browser_token, identify

router = public_router(tag="system")
_MONTH = 30 * 24 * 3600


@router.post("/sign-in", response_model=Message)
async def sign_in(body: SignIn, request: Request, engine: EngineDep) -> Response:
    """Exchange a key for a cookie that pages cannot read."""
    if identify(engine.settings.server, {"x-api-key": body.key}, {}) is None:
        raise Unauthenticated("That key is not known.", field="key", fix="Use a key from server.api_keys.")
    answer = reply({"message": "Signed in."})
    answer.set_cookie(
        COOKIE, browser_token(body.key), max_age=_MONTH, httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.post("/sign-out", response_model=Message)
async def sign_out() -> Response:
    """Forget the cookie."""
    answer = reply({"message": "Signed out."})
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer
