"""The two kinds of schema, and words that many of them share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_PROMPT = 2000
"""Characters of a prompt."""


class Body(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


class View(BaseModel):
    """What we answer. Routes encode plain values themselves; these types describe them, and tests compare.

    They are built when the OpenAPI document is asked for, so that a server with many routes starts quickly.
    """

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        protected_namespaces=(),
    )


def _clean(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds a NUL character.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("it is not valid Unicode text.") from error
    return text


CleanText = Annotated[str, AfterValidator(_clean)]
GroupId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""An id that callers may choose themselves: sessions and batches."""


class ErrorDetail(View):
    """What went wrong. What does not apply is left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    code: str = Field(description="Stable word for programs.")
    message: str = Field(description="Sentence for people.")
    field: str | None = Field(None, description="Request field that caused it.")
    fix: str | None = Field(None, description="What to do about it.")
    retry_after: float | None = Field(None, description="Seconds to wait before trying again.")
    job_id: str | None = Field(None, description="Job that failed.")
    retryable: bool | None = None
    unsure: bool | None = None


class ErrorReply(View):
    """The one shape of all errors."""

    error: ErrorDetail


class Message(View):
    """A plain acknowledgement."""

    message: str


class NoteView(View):
    """A value that was changed or has no effect."""

    field: str
    before: Any = None
    after: Any = None
    why: str = ""
