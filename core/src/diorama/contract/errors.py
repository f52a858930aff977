"""The error tree that backends raise and every surface translates.

Each error carries a stable ``code`` (snake case, never renamed), a sentence for a person, and, where it
helps, the ``field`` that is wrong and the ``fix`` that mends it. HTTP statuses and exit codes are each
mapped in one table elsewhere; a backend author never deals with either.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DioramaError(Exception):
    """Base of everything that is reported to a user.

    Args:
        message: One or two plain sentences: what happened.
        field: Name of the request field that caused it, if one did.
        fix: What the user can do about it, as a sentence.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, field: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.fix = fix

    def describe(self) -> dict[str, Any]:
        """Return the public form: ``code``, ``message`` and, when set, ``field`` and ``fix``."""
        plain: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.field is not None:
            plain["field"] = self.field
        if self.fix is not None:
            plain["fix"] = self.fix
        return plain


class InvalidRequest(DioramaError):
    """A value in the request cannot be used; ``field`` names it."""

    code = "invalid_request"


class NotFound(DioramaError):
    """A job, asset, session or other record with that id does not exist."""

    code = "not_found"


class Conflict(DioramaError):
    """The request contradicts the present state, such as cancelling a finished job."""

    code = "conflict"


class UnknownModel(NotFound):
    """No backend offers a model with that id."""

    code = "unknown_model"


class OperationNotSupported(DioramaError):
    """The model exists but cannot do what was asked."""

    code = "operation_not_supported"


class NotAllowed(DioramaError):
    """The caller may not do this."""

    code = "not_allowed"


class BackendNotReady(DioramaError):
    """A key, a package, a download or an approval is missing; ``fix`` says which."""

    code = "backend_not_ready"


class RateLimited(DioramaError):
    """The provider asked us to slow down.

    Args:
        retry_after: Seconds to wait before the next attempt, when the provider said so.
    """

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float | None = None, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after

    def describe(self) -> dict[str, Any]:
        """Add ``retry_after`` in seconds when it is known."""
        plain = super().describe()
        if self.retry_after is not None:
            plain["retry_after"] = self.retry_after
        return plain


class ContentRefused(DioramaError):
    """The provider or a safety filter refused the prompt, an input or the output."""

    code = "content_refused"


class OutOfMemory(DioramaError):
    """The device ran out of memory; ``fix`` carries the advice (smaller size, other precision, offload)."""

    code = "out_of_memory"


class InsufficientStorage(DioramaError):
    """The disk is full or below the floor that the engine keeps free."""

    code = "insufficient_storage"


class BackendError(DioramaError):
    """The backend failed.

    Args:
        retryable: True when running the same request again may succeed and cannot be billed twice.
        unsure: True when a paid submission may have reached the provider and its outcome is unknown;
            the engine then waits for a person and never repeats it by itself. Together with ``retryable``: what was
            bought is remembered, and the engine may ask for it a few times before it waits for a person.
        retry_after: Seconds to wait before the next attempt, when that is known.
    """

    code = "backend_error"

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        unsure: bool = False,
        retry_after: float | None = None,
        field: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, field=field, fix=fix)
        self.retryable = retryable
        self.unsure = unsure
        self.retry_after = retry_after


class JobCancelled(DioramaError):
    """Raised inside a backend when its job was cancelled; let it pass through."""

    code = "cancelled"

    def __init__(self, message: str = "The job was cancelled.") -> None:
        super().__init__(message)


class JobParked(DioramaError):
    """Raised inside a backend by :meth:`JobContext.pause`; let it pass through.

    Attributes:
        seconds: After which the hook is called again.
    """

    code = "parked"

    def __init__(self, seconds: float) -> None:
        super().__init__("The job waits for somebody else's computer.")
        self.seconds = seconds


_BY_CODE: dict[str, type[DioramaError]] = {
    kind.code: kind
    for kind in (
        InvalidRequest, NotFound, Conflict, UnknownModel, OperationNotSupported, NotAllowed, BackendNotReady,
        RateLimited, ContentRefused, OutOfMemory, InsufficientStorage, BackendError, JobCancelled,
    )
}  # fmt: skip


def error_from_plain(plain: dict[str, Any]) -> DioramaError:
    """Rebuild an error from :meth:`DioramaError.describe`, as it travels between processes.

    An unknown code becomes a :class:`BackendError` with the same sentence.
    """
    kind = _BY_CODE.get(str(plain.get("code")), BackendError)
    error = kind.__new__(kind)
    DioramaError.__init__(
        error, str(plain.get("message", "Unknown error.")), field=plain.get("field"), fix=plain.get("fix")
    )
    if isinstance(error, RateLimited | BackendError):
        error.retry_after = plain.get("retry_after")
    if isinstance(error, BackendError):
        error.retryable = bool(plain.get("retryable", False))
        error.unsure = bool(plain.get("unsure", False))
    return error
