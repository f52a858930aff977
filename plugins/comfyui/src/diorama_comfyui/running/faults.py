"""The server's complaints, translated: which control is wrong and what helps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diorama.contract import BackendError, BackendNotReady, DioramaError, InvalidRequest, OutOfMemory

from diorama_comfyui.convert.coerce import looks_like_file
from diorama_comfyui.running.plan import RunPlan
from diorama_comfyui.server.errors import PromptRefused

_PATH = re.compile(r"(?:[A-Za-z]:[\\/]|(?<![\w.])[\\/])(?:[^\s:'\"<>|]+[\\/])+")
_SHOWN = 3


def refusal(error: PromptRefused, plan: RunPlan) -> DioramaError:
    """The error of a job whose prompt the server did not take."""
    if error.error.get("type") == "missing_node_type":
        about = error.error.get("extra_info")
        name = about.get("class_type") if isinstance(about, Mapping) else None
        return BackendNotReady(
            f"The ComfyUI server has no node {name!r:.80}." if name else "The ComfyUI server misses a node.",
            fix="Install the custom nodes that the workflow needs, then restart ComfyUI.",
        )
    faults = list(_faults(error.node_errors))
    if not faults:
        return BackendError(f"ComfyUI refused the workflow: {clean(str(error))}.")
    files = [
        fault for fault in faults if fault.kind == "value_not_in_list" and looks_like_file(fault.received)
    ]
    if files:
        names = ", ".join(str(fault.received) for fault in files[:_SHOWN])
        return BackendNotReady(
            f"The ComfyUI server does not have {names}.",
            fix="Put the file into ComfyUI's models folder, or choose another one.",
        )
    sentences = [_sentence(fault, plan) for fault in faults[:_SHOWN]]
    message = " ".join(sentences) + (f" And {len(faults) - _SHOWN} more." if len(faults) > _SHOWN else "")
    for fault in faults:
        field = plan.fields.get((fault.node_id, fault.input_name))
        if field:
            return InvalidRequest(message, field=field, fix="Choose another value.")
    return BackendError(message, fix="The workflow itself needs mending; open it in ComfyUI.")


def failure(data: Mapping[str, Any], plan: RunPlan) -> DioramaError:
    """The error of a job whose prompt broke while it ran (``execution_error``)."""
    node_id = str(data.get("node_id") or "")
    text = clean(str(data.get("exception_message") or "it did not say why"))
    kind = str(data.get("exception_type") or "")
    if "OutOfMemory" in kind or "out of memory" in text.lower():
        return OutOfMemory(
            f"ComfyUI ran out of memory in {plan.title(node_id)}.",
            fix="Ask for a smaller size or fewer pictures, or free its memory first.",
        )
    message = f"{plan.title(node_id)} failed in ComfyUI: {text}"
    field = plan.field_of_node(node_id)
    return BackendError(message, field=field, fix="Check the value of this control." if field else None)


def clean(text: str, limit: int = 300) -> str:
    """Free a message of the host's folders, blank lines and excess length."""
    lines = [line.strip() for line in _PATH.sub("", text).splitlines() if line.strip(" *")]
    short = " ".join(lines).strip(" *")
    return short if len(short) <= limit else short[: limit - 1] + "…"


class _Fault:
    """One complaint about one node."""

    def __init__(self, node_id: str, raw: Mapping[str, Any]) -> None:
        extra = raw.get("extra_info")
        extra = extra if isinstance(extra, Mapping) else {}
        config = extra.get("input_config")
        options = (
            config[1]
            if isinstance(config, list) and len(config) > 1 and isinstance(config[1], Mapping)
            else {}
        )
        self.node_id = node_id
        self.kind = str(raw.get("type") or "")
        self.input_name = str(extra.get("input_name") or "")
        self.received = extra.get("received_value")
        self.limits = {key: options.get(key) for key in ("min", "max")}
        self.details = clean(str(raw.get("details") or raw.get("message") or ""), 160)


def _faults(node_errors: Mapping[str, Any]) -> list[_Fault]:
    found = []
    for node_id, entry in node_errors.items():
        errors = entry.get("errors") if isinstance(entry, Mapping) else None
        for raw in errors if isinstance(errors, list) else []:
            if isinstance(raw, Mapping):
                found.append(_Fault(str(node_id), raw))
    return found


def _sentence(fault: _Fault, plan: RunPlan) -> str:
    label = plan.labels.get((fault.node_id, fault.input_name)) or fault.input_name or "an input"
    where = f"{label} of {plan.title(fault.node_id)}"
    received = f"{fault.received!r:.60}"
    said = {
        "required_input_missing": "is not set",
        "value_smaller_than_min": f"is {received}, below {fault.limits['min']}",
        "value_bigger_than_max": f"is {received}, above {fault.limits['max']}",
        "value_not_in_list": f"is {received}, which is no choice",
        "invalid_input_type": f"is {received}, which is of the wrong type",
        "return_type_mismatch": "gets a link of the wrong type",
        "bad_linked_input": "has a damaged link",
        "dependency_cycle": "waits for itself",
        "custom_validation_failed": f"was refused ({fault.details})",
    }.get(fault.kind, f"was refused ({fault.details})")
    return f"{where} {said}."
