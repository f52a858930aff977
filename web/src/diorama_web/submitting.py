"""From a checked body to an accepted job."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from diorama.contract import InvalidRequest, LoraRef, MediaInput, NotFound
from diorama.jobs.records import Job
from diorama.jobs.submission import Submission

from diorama_web.security.keys import Caller

if TYPE_CHECKING:
    from diorama.engine import Engine
    from starlette.requests import HTTPConnection

    from diorama_web.schemas.base import Body

_SAME = (
    "prompt", "negative_prompt", "width", "height", "aspect_ratio", "guidance_scale", "scheduler", "seed",
    "num_images", "strength", "num_frames", "fps", "duration", "audio", "scale", "strict", "output_format",
    "session_id", "batch_id", "priority", "idempotency_key", "failover",
)  # fmt: skip


def build_submission(
    body: Body, *, kind: str, caller: Caller, engine: Engine, key: str | None = None, default_model: str = ""
) -> Submission:
    """Turn a body into a submission, taking in its pictures. Blocks: call it in a thread.

    Args:
        body: One of the request schemas.
        kind: Operation, or empty to infer it.
        caller: Who asks.
        engine: Takes the pictures in.
        key: ``Idempotency-Key`` header.
        default_model: Model when none is named.

    Raises:
        InvalidRequest: a picture cannot be used.
    """
    values: dict[str, Any] = {name: getattr(body, name) for name in _SAME if hasattr(body, name)}
    values["idempotency_key"] = values.get("idempotency_key") or key
    loras = tuple(LoraRef(id=lora.id, weight=lora.weight) for lora in getattr(body, "loras", ()))
    return Submission(
        **values,
        kind=kind,
        model=getattr(body, "model", None) or default_model,
        policy=getattr(body, "policy", None) or "",
        num_inference_steps=getattr(body, "steps", None),
        loras=loras,
        parameters=_parameters(body),
        owner=caller.owner,
        **_pictures(body, engine),
    )


def _parameters(body: Body) -> dict[str, Any]:
    """Return the model's own parameters; unknown fields of the body count as such, so that nothing is lost."""
    named: Mapping[str, Any] = getattr(body, "parameters", {})
    extra = body.model_extra or {}
    own = {name: getattr(body, name, None) for name in ("motion_bucket_id", "noise_aug_strength")}
    return {**extra, **{key: value for key, value in own.items() if value is not None}, **named}


def _pictures(body: Body, engine: Engine) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    sources = list(getattr(body, "reference_images", ()))
    if getattr(body, "image", None):
        sources.insert(0, getattr(body, "image", ""))
    taken["images"] = tuple(
        take_in(engine, source, f"reference_images[{index}]") for index, source in enumerate(sources)
    )
    taken["sounds"] = tuple(
        take_in(engine, source, f"sounds[{index}]")
        for index, source in enumerate(getattr(body, "sounds", ()))
    )
    for name in ("mask", "media"):
        if getattr(body, name, None):
            taken[name] = take_in(engine, getattr(body, name), name)
    control: Mapping[str, str] = getattr(body, "control_images", {})
    taken["control"] = {
        kind: take_in(engine, source, f"control_images.{kind}") for kind, source in control.items()
    }
    return taken


def take_in(engine: Engine, source: bytes | str, name: str) -> MediaInput:
    """Take in a picture, a video or a sound that came with a request.

    Raises:
        InvalidRequest, NotFound: it cannot be used; ``field`` is ``name``, whatever part of the way refused it.
    """
    try:
        return engine.take_in(source, name=name)
    except (InvalidRequest, NotFound) as error:
        if error.field != name:
            error.field, error.fix = name, "Upload the file instead."
        raise


def upscale_source(body: Any, engine: Engine) -> MediaInput:
    """Take in what an upscale enlarges.

    Raises:
        InvalidRequest: neither or both sources were given.
    """
    if bool(body.image_asset_id) == bool(body.video_asset_id):
        raise InvalidRequest(
            "Give exactly one of image_asset_id and video_asset_id.", field="image_asset_id",
            fix="Name one picture or one video.",
        )  # fmt: skip
    name = "image_asset_id" if body.image_asset_id else "video_asset_id"
    return take_in(engine, body.image_asset_id or body.video_asset_id, name)


def preferred_model(connection: HTTPConnection, kind: str) -> str:
    """Return the user's default model for ``kind``, or an empty string."""
    chosen: Mapping[str, str] = connection.app.state.preferences.cached.get("default_models", {})
    return chosen.get(kind, "")


async def accept(submission: Submission, connection: HTTPConnection) -> Job:
    """Hand a submission to the engine and return when the job is on disk."""
    engine: Engine = connection.app.state.engine
    future = await to_thread.run_sync(engine.submit_future, submission)
    job = await asyncio.wrap_future(future)
    remember_session(connection, [submission])
    return job


def remember_session(connection: HTTPConnection, submissions: Sequence[Submission]) -> None:
    """Note that sessions were used; the first prompt names a new one. Does not wait for the disk."""
    for submission in {item.session_id: item for item in reversed(submissions)}.values():
        if submission.session_id:
            kind = "video" if submission.kind == "video" else "image"
            connection.app.state.sessions.touch(
                submission.session_id, kind, submission.prompt, submission.owner
            )
