"""ComfyUI: its servers, the library of imported workflows, running one with named values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from diorama.contract import InvalidRequest, LoraRef, NotFound, OperationNotSupported
from diorama.jobs.records import Job
from diorama.jobs.submission import Submission
from diorama.services.backends import backend_with

if TYPE_CHECKING:
    from diorama.engine import Engine

BACKEND = "comfyui"
_KINDS: dict[str, tuple[type, ...]] = {
    "prompt": (str,), "negative_prompt": (str,), "seed": (int,), "width": (int,), "height": (int,),
    "num_inference_steps": (int,), "guidance_scale": (int, float), "scheduler": (str,), "strength": (int, float),
    "num_images": (int,), "num_frames": (int,), "fps": (int, float), "duration": (int, float), "scale": (int, float),
}  # fmt: skip
"""Parameters of workflows that are fields of every request, with what they hold."""
_FIELDS = {name: name for name in (*_KINDS, "images", "sounds", "mask", "loras")} | {
    "media": "image",
    "reference_images": "images",
}
"""What fields of a request are called among the parameters of a workflow."""


def status(engine: Engine) -> dict[str, Any]:
    """Return every server: address, version, devices, queue, or why it does not answer."""
    return {"servers": list(backend_with(engine, BACKEND, "status").status())}


def workflows(engine: Engine) -> dict[str, Any]:
    """Return the imported workflows by title."""
    return {"workflows": _library(engine).list()}


def import_workflow(
    engine: Engine,
    workflow: Mapping[str, Any] | str | None = None,
    file: bytes | str | None = None,
    file_name: str | None = None,
    title: str | None = None,
    description: str = "",
    server: str | None = None,
) -> dict[str, Any]:
    """Store a workflow and return what is known of it; it is a model from then on.

    Args:
        engine: The engine.
        workflow: A workflow in either format, as an object or as JSON text.
        file: Instead of it, a file that holds or carries one: bytes, or base64.
        file_name: Name of the file, for the title.
        title: Name for people.
        description: Free text.
        server: Address of the server that must run it; any when left out.

    Raises:
        InvalidRequest: there is no usable workflow in it.
        BackendNotReady: no server was ever seen, so its node classes are not known.
    """
    data = _data(workflow, file)
    told = _library(engine).import_workflow(
        data, title=title, file_name=file_name, description=description, server=server
    )
    engine.catalog.refresh(BACKEND, force=False)
    return dict(told)


def show(engine: Engine, workflow_id: str) -> dict[str, Any]:
    """Return everything about a workflow: its parameters, what is missing, remarks."""
    return dict(_library(engine).show(workflow_id))


def update(engine: Engine, workflow_id: str, **changes: Any) -> dict[str, Any]:
    """Change ``title``, ``description``, ``server``, ``overrides`` or the ``workflow`` itself."""
    told = _library(engine).update(workflow_id, changes)
    engine.catalog.refresh(BACKEND, force=False)
    return dict(told)


def delete(engine: Engine, workflow_id: str) -> dict[str, Any]:
    """Remove a workflow; pictures that it made stay."""
    freed = _library(engine).delete(workflow_id)
    engine.catalog.refresh(BACKEND, force=False)
    return {"message": f"The workflow {workflow_id} is removed.", "freed_bytes": freed}


def convert(
    engine: Engine,
    workflow: Mapping[str, Any] | str | None = None,
    file: bytes | str | None = None,
    server: str | None = None,
) -> dict[str, Any]:
    """Convert a workflow to the form that ComfyUI's API takes, and say what could not be placed; nothing is stored."""
    return dict(_library(engine).convert(_data(workflow, file), server=server))


def run(
    engine: Engine,
    workflow_id: str,
    parameters: Mapping[str, Any] | None = None,
    owner: str = "",
    **more: Any,
) -> Job:
    """Run a workflow as a job.

    Args:
        engine: The engine.
        workflow_id: Of an imported workflow.
        parameters: Values by the names that :func:`show` lists; the workflow's own where none is given. ``image``,
            ``images``, ``mask``, ``video`` and the workflow's sounds (``audio``) take an asset id, a data URL, base64, or
            an https address; a sound may also be one that the server has, by its name.
        owner: Who asks.
        more: ``session_id``, ``priority``, ``strict``, ``output_format``, ``idempotency_key`` of the job.

    Raises:
        NotFound: there is no such workflow.
        OperationNotSupported: it makes neither pictures nor videos nor sound.
        InvalidRequest: a value does not fit; ``field`` is ``parameters.<name>``.
    """
    told = _library(engine).show(workflow_id)
    if not told["operation"]:
        raise OperationNotSupported(
            f"The workflow {told['title']!r:.60} cannot be run: {told['reason']}.", field="workflow_id"
        )
    model_id = f"{BACKEND}:{workflow_id}"
    operation = next(iter(engine.catalog.get(model_id).operations))
    own = {item["name"]: item["default"] for item in told["parameters"] if item["name"] == "prompt"}
    given = {**own, **(parameters or {})}
    sounds = _sounds(engine, given, told["parameters"])
    values = {**_values(engine, given, upscales=operation == "upscale"), "sounds": sounds}
    wishes = {name: value for name, value in more.items() if value is not None}
    submission = Submission(kind=operation.value, model=model_id, owner=owner, **values, **wishes)
    try:
        return engine.submit(submission)
    except InvalidRequest as error:
        if error.field in _FIELDS:
            error.field = f"parameters.{_FIELDS[error.field]}"
        raise


def job(engine: Engine, job_id: str) -> Job:
    """Return a job of this backend.

    Raises:
        NotFound: there is none with this id.
    """
    found = engine.job(job_id)
    if not found.model.startswith(f"{BACKEND}:"):
        raise NotFound("There is no such job of ComfyUI.", field="job_id", fix="Look under /api/jobs.")
    return found


def interrupt(engine: Engine, server: str | None = None, prompt_id: str | None = None) -> dict[str, Any]:
    """Stop one prompt, or whatever runs on a server (the first when none is named), whoever sent it."""
    backend_with(engine, BACKEND, "interrupt").interrupt(server, prompt_id)
    return {"message": "ComfyUI was told to stop."}


def free(engine: Engine, server: str | None = None, unload_models: bool = True) -> dict[str, Any]:
    """Ask a server (the first when none is named) to free its memory."""
    backend_with(engine, BACKEND, "free_memory").free_memory(server, unload_models=unload_models)
    return {"message": "ComfyUI was told to free its memory."}


def _library(engine: Engine) -> Any:
    return backend_with(engine, BACKEND, "library").library


def _data(workflow: Mapping[str, Any] | str | None, file: bytes | str | None) -> Any:
    if (workflow is None) == (file is None):
        raise InvalidRequest(
            "Give exactly one of workflow and file.", field="workflow", fix="Send a JSON object, or a file."
        )
    if not isinstance(file, str):
        return workflow if file is None else file
    text = file.partition(",")[2] if file.startswith("data:") else file
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            "file is not valid base64.", field="file", fix="Encode the whole file."
        ) from error


def _values(engine: Engine, parameters: dict[str, Any], *, upscales: bool) -> dict[str, Any]:
    """Sort named values into fields of a request and parameters that only this workflow has."""
    values: dict[str, Any] = {}
    sources = parameters.pop("images", None) or []
    if not isinstance(sources, list):
        raise InvalidRequest("images is a list.", field="parameters.images")
    for name in ("image", "video"):
        if parameters.get(name) is not None:
            sources.insert(0, parameters.pop(name))
    taken = [_take_in(engine, source, "image") for source in sources]
    if upscales and taken:
        values["media"] = taken.pop(0)
    videos = [item for item in taken if item.kind == "video"]
    if videos and "media" not in values:
        values["media"] = videos[0]
        taken.remove(videos[0])
    values["images"] = tuple(taken)
    if parameters.get("mask") is not None:
        values["mask"] = _take_in(engine, parameters.pop("mask"), "mask")
    if "loras" in parameters:
        values["loras"] = _loras(parameters.pop("loras"))
    for name, kinds in _KINDS.items():
        if parameters.get(name) is not None:
            value = parameters.pop(name)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise InvalidRequest(f"{name} cannot be {value!r:.60}.", field=f"parameters.{name}")
            values[name] = value
    values["parameters"] = {name: value for name, value in parameters.items() if value is not None}
    return values


def _sounds(engine: Engine, parameters: dict[str, Any], form: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Take the sounds out of the named values; names of files that the server has stay among these."""
    sources = parameters.pop("sounds", None) or []
    if not isinstance(sources, list):
        raise InvalidRequest("sounds is a list.", field="parameters.sounds")
    named = [("sounds", source) for source in sources]
    for item in form:
        value = parameters.get(item["name"])
        if item["role"] == "audio" and value is not None and value not in (item["choices"] or ()):
            named.append((item["name"], parameters.pop(item["name"])))
    return tuple(_take_in(engine, source, name) for name, source in named)


def _take_in(engine: Engine, source: Any, name: str) -> Any:
    if not isinstance(source, str) or not source:
        raise InvalidRequest(
            f"{name} is an asset id, a data URL, base64 or an address.", field=f"parameters.{name}"
        )
    return engine.take_in(source, name=f"parameters.{name}")


def _loras(items: Any) -> tuple[LoraRef, ...]:
    try:
        return tuple(LoraRef(id=str(item["id"]), weight=float(item.get("weight", 1.0))) for item in items)
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidRequest(
            "loras is a list of objects with id and weight.", field="parameters.loras"
        ) from error
