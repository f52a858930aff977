"""The one error that reading a workflow can raise."""

from __future__ import annotations


class WorkflowError(ValueError):
    """A file or document can not be read as a ComfyUI workflow.

    The message says what is wrong and, where there is one, what to do about it. It never holds
    more than a short excerpt of the input.
    """


def excerpt(value: object, limit: int = 60) -> str:
    """Return a short printable form of ``value`` for use in a message."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
