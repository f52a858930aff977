"""ComfyUI as it is asked and answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import Body, CleanText, GroupId, View

Address = CleanText
Workflow = dict[str, Any]


class ComfyServer(View):
    """A ComfyUI server as it was seen just now."""

    url: str
    online: bool
    version: str
    queue: int
    devices: list[dict[str, Any]]
    error: str


class ComfyStatus(View):
    """All configured servers."""

    servers: list[ComfyServer]


class WorkflowLine(View):
    """A workflow in a list."""

    id: str
    model: str = Field(description="Its id in the catalog.")
    title: str
    description: str
    server: str | None
    operations: list[str]
    media: str = Field(description="What comes out: image, video, audio; empty if it is no model.")
    created_at: float
    updated_at: float


class WorkflowList(View):
    """The imported workflows by title."""

    workflows: list[WorkflowLine]


class WorkflowParameter(View):
    """A control of a workflow's form."""

    name: str
    label: str
    role: str
    group: Literal["main", "advanced"]
    section: str | None
    hidden: bool
    type: str
    default: Any
    minimum: float | None
    maximum: float | str | None
    step: float | None
    choices: list[Any] | None
    multiline: bool
    upload: str | None
    tooltip: str | None
    control: str | None
    targets: list[list[str]]


class WorkflowIssue(View):
    """A remark about a workflow."""

    code: str
    severity: str
    message: str
    node: str | None
    class_type: str | None
    input: str | None


class MissingNode(View):
    """A class of nodes that no server has."""

    class_type: str
    nodes: list[str]
    package: str | None


class MissingFile(View):
    """A model file that no server has."""

    name: str
    directory: str | None
    url: str | None
    sha256: str | None
    node: str
    input: str


class WorkflowReport(View):
    """What was found out about a workflow."""

    operation: str | None
    media: str
    reason: str | None = Field(description="Why it cannot run, where it cannot.")
    source: str
    paid: bool
    nodes: int
    parameters: list[WorkflowParameter]
    issues: list[WorkflowIssue]
    problems: list[WorkflowIssue]
    missing_nodes: list[MissingNode]
    missing_files: list[MissingFile]


class WorkflowView(WorkflowLine, WorkflowReport):
    """Everything about a workflow."""

    overrides: dict[str, dict[str, Any]]


class Conversion(WorkflowReport):
    """A workflow in the form that ComfyUI's API takes."""

    prompt: dict[str, Any]


class WorkflowSource(Body):
    """A workflow: exactly one of ``workflow`` and ``file``."""

    workflow: Workflow | CleanText | None = Field(
        None, description="In either format, as an object or as JSON text."
    )
    file: str | None = Field(
        None, min_length=1, description="A JSON, picture, video or sound file in base64."
    )
    server: Address | None = Field(
        None, max_length=512, description="Address of the server that must run it."
    )


class WorkflowImport(WorkflowSource):
    """A workflow to keep."""

    file_name: CleanText | None = Field(None, max_length=255)
    title: CleanText | None = Field(None, min_length=1, max_length=120)
    description: CleanText = Field("", max_length=2000)


class WorkflowChange(Body):
    """What to change; what is left out stays."""

    title: CleanText | None = Field(None, min_length=1, max_length=120)
    description: CleanText | None = Field(None, max_length=2000)
    server: Address | None = Field(None, max_length=512)
    overrides: dict[CleanText, dict[str, Any]] | None = Field(
        None, description="By parameter: label, group (main or advanced), hidden, default."
    )
    workflow: Workflow | None = None


class WorkflowRun(Body):
    """Values for one run."""

    workflow_id: CleanText = Field(min_length=1, max_length=80)
    parameters: dict[CleanText, Any] = Field(
        default={},
        description="By the names that the workflow's view lists; pictures as asset id, base64 or address.",
    )
    session_id: GroupId | None = None
    priority: int | None = Field(None, ge=-100, le=100)
    strict: bool | None = None
    output_format: CleanText | None = Field(None, max_length=8)
    idempotency_key: CleanText | None = Field(None, min_length=1, max_length=255)


class Interruption(Body):
    """What to stop."""

    server: Address | None = Field(None, max_length=512, description="The first one when left out.")
    prompt_id: CleanText | None = Field(None, max_length=64, description="Whatever runs there when left out.")


class Freeing(Body):
    """Whose memory to free."""

    server: Address | None = Field(None, max_length=512, description="The first one when left out.")
    unload_models: bool = True


class WorkflowDeleted(View):
    """A workflow was removed."""

    message: str
    freed_bytes: int
