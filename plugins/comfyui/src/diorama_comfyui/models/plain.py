"""What is known of a workflow as plain JSON values, for pages and commands."""

from __future__ import annotations

from typing import Any

from diorama_comfyui.analysis import Parameter
from diorama_comfyui.convert import Issue
from diorama_comfyui.convert.coerce import options_of
from diorama_comfyui.models.analysed import AnalysedWorkflow
from diorama_comfyui.models.store import WorkflowRecord

_SHOWN_CHOICES = 1000


def record_summary(record: WorkflowRecord, backend: str) -> dict[str, Any]:
    """The line of a workflow in a list."""
    return {
        "id": record.id,
        "model": f"{backend}:{record.id}",
        "title": record.title,
        "description": record.description,
        "server": record.server,
        "operations": list(_operations(record)),
        "media": _media(record),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def _operations(record: WorkflowRecord) -> dict[str, Any]:
    return dict((record.model or {}).get("operations", {}))


def _media(record: WorkflowRecord) -> str:
    """What comes out, by the model that it was when it was last understood; empty if it was none."""
    for operation, can in _operations(record).items():
        return str(can.get("produces") or ("video" if operation == "video" else "image"))
    return ""


def analysis_report(analysed: AnalysedWorkflow) -> dict[str, Any]:
    """Everything that was found out about a workflow."""
    return {
        "operation": analysed.purpose.operation or None,
        "media": analysed.purpose.media,
        "reason": analysed.purpose.reason or None,
        "source": analysed.conversion.source,
        "paid": analysed.paid,
        "nodes": len(analysed.conversion.prompt),
        "parameters": [parameter_facts(parameter) for parameter in analysed.parameters],
        "issues": [issue_facts(issue) for issue in analysed.conversion.issues],
        "problems": [issue_facts(issue) for issue in analysed.problems],
        "missing_nodes": [
            {"class_type": item.class_type, "nodes": list(item.node_ids), "package": item.package or None}
            for item in analysed.missing_classes
        ],
        "missing_files": [
            {
                "name": item.name,
                "directory": item.directory or None,
                "url": item.url or None,
                "sha256": item.sha256 or None,
                "node": item.node_id,
                "input": item.input_name,
            }
            for item in analysed.missing_files
        ],
    }


def parameter_facts(parameter: Parameter) -> dict[str, Any]:
    """A control of the form."""
    spec = parameter.spec
    return {
        "name": parameter.name,
        "label": parameter.label,
        "role": parameter.role.value,
        "group": parameter.group,
        "section": parameter.section,
        "hidden": parameter.hidden,
        "type": spec.kind.value.lower(),
        "default": _safe_number(parameter.default),
        "minimum": spec.minimum,
        "maximum": _safe_number(spec.maximum),
        "step": spec.step,
        "choices": list(options_of(spec)[:_SHOWN_CHOICES]) or None,
        "multiline": spec.multiline,
        "upload": spec.upload or None,
        "tooltip": spec.tooltip or None,
        "control": parameter.control or None,
        "targets": [list(target) for target in parameter.targets],
    }


def issue_facts(issue: Issue) -> dict[str, Any]:
    """A remark about a workflow."""
    return {
        "code": issue.code.value,
        "severity": issue.severity.value,
        "message": issue.message,
        "node": issue.node_id or None,
        "class_type": issue.class_type or None,
        "input": issue.input_name or None,
    }


def _safe_number(value: Any) -> Any:
    """Whole numbers beyond what JavaScript can hold travel as text."""
    return str(value) if isinstance(value, int) and abs(value) > 2**53 - 1 else value
