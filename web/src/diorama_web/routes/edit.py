"""Pictures, or sounds, changed by words: as a form with files, or as JSON."""

from __future__ import annotations

import re
from typing import Any

from anyio import to_thread
from diorama.contract import InvalidRequest, MediaInput
from diorama.contract.plain import loads
from diorama.engine import Engine
from diorama.jobs.submission import Submission
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, private_router
from diorama_web.routes.generate import Key, finished
from diorama_web.schemas.jobs import GenerateReply
from diorama_web.schemas.submissions import MAX_REFERENCES, EditRequestBody
from diorama_web.security.keys import Caller
from diorama_web.security.limits import content_kind
from diorama_web.submitting import accept, build_submission, preferred_model, take_in

router = private_router(tag="generate")
_PICTURE = re.compile(r"image(?:s|s\[\]|(?P<number>[0-9]{1,4}))?")
"""Names under which pictures come in a form."""

_SOUND = re.compile(r"sound(?:s|s\[\]|(?P<number>[0-9]{1,4}))?")
"""Names under which sounds come in a form."""

_FORM = {
    "type": "object",
    "properties": {
        **{
            f"image{number}": {"type": "string", "format": "binary"}
            for number in range(1, MAX_REFERENCES + 1)
        },
        "mask": {"type": "string", "format": "binary"},
        "sound1": {"type": "string", "format": "binary", "description": "For models that take sound."},
        "config": {"type": "string", "description": "The other fields of EditRequestBody, as JSON."},
        "prompt": {"type": "string", "description": "Instead of config.prompt."},
    },
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/EditRequestBody"}},
        "multipart/form-data": {"schema": _FORM},
    },
}


@router.post("/edit", response_model=GenerateReply, openapi_extra={"requestBody": _BODY})
async def edit(request: Request, engine: EngineDep, caller: CallerDep, key: Key = None) -> Response:
    """Change pictures and answer when it is done; edit models keep the size of the first picture."""
    model = preferred_model(request, "edit")
    if content_kind(request.headers.get("content-type", "")) == "multipart":
        most = engine.settings.limits.upload_files
        async with request.form(max_files=most, max_fields=8, max_part_size=1024**2) as form:
            submission = await _from_form(form, engine, caller, key, model)
    else:
        body = _checked(await request.body())
        submission = await to_thread.run_sync(_build, body, engine, caller, key, model, (), (), None)
    if not (submission.images or submission.sounds):
        raise InvalidRequest(
            "There is no picture to edit.", field="image1", fix="Send image1, or reference_images in JSON."
        )
    return await finished(await accept(submission, request), request)


async def _from_form(
    form: FormData, engine: Engine, caller: Caller, key: str | None, model: str
) -> Submission:
    config = form.get("config", "{}")
    values = _object(config if isinstance(config, str) else "")
    if isinstance(form.get("prompt"), str):
        values["prompt"] = form["prompt"]
    body = _checked_values(values)
    pictures, sounds, mask = [], [], None
    for name, part in form.multi_items():
        if not isinstance(part, UploadFile):
            continue
        if name == "mask":
            mask = (name, await _read(part, name, engine))
        elif _PICTURE.fullmatch(name):
            pictures.append((name, await _read(part, name, engine)))
        elif _SOUND.fullmatch(name):
            sounds.append((name, await _read(part, name, engine)))
        else:
            raise InvalidRequest(
                f"The file field {name[:40]!r} is not known.",
                field=name[:40],
                fix="Use image1, image2 ..., sound1 and mask.",
            )
    for files in (pictures, sounds):
        files.sort(key=lambda item: _number_in(item[0]))
    return await to_thread.run_sync(
        _build, body, engine, caller, key, model, tuple(pictures), tuple(sounds), mask
    )


def _number_in(name: str) -> int:
    """Return the number of ``image7``, 0 for names without one."""
    found = _PICTURE.fullmatch(name) or _SOUND.fullmatch(name)
    return int(found["number"] or 0) if found else 0


async def _read(part: UploadFile, name: str, engine: Engine) -> bytes:
    limit = engine.settings.limits.upload_bytes
    if (part.size or 0) > limit:
        raise InvalidRequest(
            f"{name} is larger than {limit} bytes.",
            field=name,
            fix="Send a smaller file, or raise limits.upload_bytes.",
        )
    return await part.read()


def _build(
    body: EditRequestBody, engine: Engine, caller: Caller, key: str | None, model: str,
    pictures: tuple[tuple[str, bytes], ...], sounds: tuple[tuple[str, bytes], ...], mask: tuple[str, bytes] | None,
) -> Submission:  # fmt: skip
    from dataclasses import replace

    submission = build_submission(
        body, kind="edit", caller=caller, engine=engine, key=key, default_model=model
    )
    taken: tuple[MediaInput, ...] = tuple(take_in(engine, data, name) for name, data in pictures)
    heard: tuple[MediaInput, ...] = tuple(take_in(engine, data, name) for name, data in sounds)
    changes: dict[str, Any] = {
        "images": (*taken, *submission.images),
        "sounds": (*heard, *submission.sounds),
    }
    if mask is not None:
        changes["mask"] = take_in(engine, mask[1], mask[0])
    return replace(submission, **changes)


def _checked(raw: bytes) -> EditRequestBody:
    return _checked_values(_object(raw))


def _object(raw: bytes | str) -> dict[str, Any]:
    try:
        values = loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("It is not valid JSON.", field="config", fix="Send a JSON object.") from error
    if not isinstance(values, dict):
        raise InvalidRequest("It is not a JSON object.", field="config", fix="Send a JSON object.")
    return values


def _checked_values(values: dict[str, Any]) -> EditRequestBody:
    from fastapi.exceptions import RequestValidationError

    try:
        return EditRequestBody.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
