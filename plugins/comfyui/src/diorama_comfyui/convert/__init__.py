"""Workflows of ComfyUI's web page turned into prompts for its server. Pure functions, no network."""

from .api import check_prompt, is_link
from .converter import convert
from .errors import WorkflowError
from .formats import is_api, is_ui, load_document
from .media import find_workflow
from .report import Code, Conversion, Issue, ModelFile, NodeFacts, Severity, SharedValue

__all__ = [
    "Code",
    "Conversion",
    "Issue",
    "ModelFile",
    "NodeFacts",
    "Severity",
    "SharedValue",
    "WorkflowError",
    "check_prompt",
    "convert",
    "find_workflow",
    "is_api",
    "is_link",
    "is_ui",
    "load_document",
]
