"""ComfyUI: servers, the library of workflows, running one."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from diorama.contract import InvalidRequest
from diorama.engine import Engine
from diorama.services import comfyui
from fastapi import Path
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, JobId, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.comfyui import (
    ComfyStatus,
    Conversion,
    Freeing,
    Interruption,
    WorkflowChange,
    WorkflowDeleted,
    WorkflowImport,
    WorkflowList,
    WorkflowRun,
    WorkflowSource,
    WorkflowView,
)
from diorama_web.schemas.jobs import JobAccepted, JobView
from diorama_web.security.limits import content_kind
from diorama_web.views.jobs import accepted, job_view

router = private_router(tag="comfyui")
WorkflowId = Annotated[str, Path(min_length=1, max_length=80)]


@router.get("/comfyui/status", response_model=ComfyStatus)
def comfyui_status(engine: EngineDep) -> Response:
    """Ask every configured server how it is."""
    return reply(comfyui.status(engine))


@router.get("/comfyui/workflows", response_model=WorkflowList)
def list_workflows(engine: EngineDep) -> Response:
    """Return the imported workflows."""
    return reply(comfyui.workflows(engine))


def _body_of(schema: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that may be JSON or a form with a file."""
    form = {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
    content = {
        "application/json": {"schema": schema.model_json_schema(ref_template="#/components/schemas/{model}")},
        "multipart/form-data": {"schema": form},
    }
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/comfyui/workflows", response_model=WorkflowView, status_code=201, openapi_extra=_body_of(WorkflowImport)
)
async def import_workflow(request: Request, engine: EngineDep) -> Response:
    """Take in a workflow: JSON in either format, or a picture or video that carries one. It is a model from then on."""
    values = await _values(request, engine, WorkflowImport)
    return reply(await to_thread.run_sync(lambda: comfyui.import_workflow(engine, **values)), 201)


@router.post("/comfyui/convert", response_model=Conversion, openapi_extra=_body_of(WorkflowSource))
async def convert_workflow(request: Request, engine: EngineDep) -> Response:
    """Convert a workflow to the form of ComfyUI's API and say what could not be placed; nothing is stored."""
    values = await _values(request, engine, WorkflowSource)
    return reply(await to_thread.run_sync(lambda: comfyui.convert(engine, **values)))


@router.get("/comfyui/workflows/{workflow_id}", response_model=WorkflowView)
def get_workflow(workflow_id: WorkflowId, engine: EngineDep) -> Response:
    """Return everything about a workflow: its parameters, and what is missing on the servers."""
    return reply(comfyui.show(engine, workflow_id))


@router.put("/comfyui/workflows/{workflow_id}", response_model=WorkflowView)
def change_workflow(workflow_id: WorkflowId, body: WorkflowChange, engine: EngineDep) -> Response:
    """Rename a workflow, choose which parameters its form shows, or replace it."""
    return reply(comfyui.update(engine, workflow_id, **body.model_dump(exclude_unset=True)))


@router.delete("/comfyui/workflows/{workflow_id}", response_model=WorkflowDeleted)
def delete_workflow(workflow_id: WorkflowId, engine: EngineDep) -> Response:
    """Remove a workflow; what it made stays."""
    return reply(comfyui.delete(engine, workflow_id))


@router.post("/comfyui/jobs", response_model=JobAccepted, status_code=202)
def run_workflow(body: WorkflowRun, engine: EngineDep, caller: CallerDep) -> Response:
    """Run a workflow with named values as a job."""
    return reply(accepted(comfyui.run(engine, owner=caller.owner, **body.model_dump(exclude_none=True))), 202)


@router.get("/comfyui/jobs/{job_id}", response_model=JobView)
def get_workflow_job(job_id: JobId, engine: EngineDep) -> Response:
    """Return a job of ComfyUI with its live progress and its results."""
    return reply(job_view(comfyui.job(engine, job_id), engine))


@router.post("/comfyui/interrupt", response_model=Message)
def interrupt_comfyui(body: Interruption, engine: EngineDep) -> Response:
    """Stop one prompt, or whatever runs on a server, whoever sent it."""
    return reply(comfyui.interrupt(engine, body.server, body.prompt_id))


@router.post("/comfyui/free", response_model=Message)
def free_comfyui(body: Freeing, engine: EngineDep) -> Response:
    """Ask a server to free its memory."""
    return reply(comfyui.free(engine, body.server, body.unload_models))


async def _values(request: Request, engine: Engine, schema: type[BaseModel]) -> dict[str, Any]:
    """Return the checked fields of a JSON body, or of a form whose file is named ``file``."""
    if content_kind(request.headers.get("content-type", "")) == "multipart":
        async with request.form(max_files=1, max_fields=8, max_part_size=1024**2) as form:
            return await _from_form(form, engine, schema)
    from diorama.contract.plain import loads

    try:
        raw = loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("It is not valid JSON.", field="body", fix="Send a JSON object.") from error
    return _checked(raw, schema)


async def _from_form(form: FormData, engine: Engine, schema: type[BaseModel]) -> dict[str, Any]:
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise InvalidRequest("There is no file.", field="file", fix="Send it as the form field `file`.")
    limit = engine.settings.limits.upload_bytes
    if (upload.size or 0) > limit:
        raise InvalidRequest(
            f"file is larger than {limit} bytes.",
            field="file",
            fix="Send a smaller file, or raise limits.upload_bytes.",
        )
    words = {name: value for name, value in form.items() if isinstance(value, str)}
    if "file_name" in schema.model_fields and upload.filename:
        words.setdefault("file_name", upload.filename[-255:])
    values = _checked({**words, "file": "x"}, schema)
    return {**values, "file": await upload.read()}


def _checked(raw: Any, schema: type[BaseModel]) -> dict[str, Any]:
    from fastapi.exceptions import RequestValidationError

    try:
        return schema.model_validate(raw).model_dump(exclude_none=True)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
