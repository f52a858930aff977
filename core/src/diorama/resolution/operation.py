"""Which operation a request means."""

from __future__ import annotations

from collections.abc import Mapping

from diorama.contract import Capabilities, InvalidRequest, ModelInfo, Operation, OperationNotSupported
from diorama.jobs.submission import Submission


def choose_operation(submission: Submission, model: ModelInfo) -> tuple[Operation, Capabilities]:
    """Return the operation and its capabilities.

    An explicit ``kind`` decides. Otherwise images mean an edit where the model offers one, then references while
    generating, then a video's start picture; no images mean generating.

    Raises:
        OperationNotSupported: the model cannot do what was asked.
        InvalidRequest: the kind is no operation, or an input is missing.
    """
    if submission.kind:
        operation = _named(submission.kind)
        if operation not in model.operations:
            raise _cannot(model, operation)
    else:
        operation = _inferred(submission, model)
    return operation, model.operations[operation]


def _named(kind: str) -> Operation:
    try:
        return Operation(kind)
    except ValueError as error:
        words = ", ".join(operation.value for operation in Operation)
        raise InvalidRequest(
            f"{kind!r} is no kind of job.", field="kind", fix=f"Use one of: {words}."
        ) from error


def _inferred(submission: Submission, model: ModelInfo) -> Operation:
    offered = model.operations
    order: tuple[Operation, ...]
    if submission.media is not None:
        order = (Operation.UPSCALE, Operation.VIDEO)
    elif submission.sounds and _taking_sounds(offered):
        order = _taking_sounds(offered)
    elif submission.images:
        order = (Operation.EDIT, Operation.GENERATE, Operation.VIDEO, Operation.UPSCALE)
    else:
        order = (Operation.GENERATE, Operation.VIDEO)
    for operation in order:
        if operation in offered and (
            operation is not Operation.GENERATE or _fits(submission, offered[operation])
        ):
            return operation
    if Operation.EDIT in offered and not submission.images:
        heard = offered[Operation.EDIT].sounds_in
        if heard is not None and heard.minimum == 0:
            return Operation.EDIT  # it has a sound of its own
        if heard is not None and offered[Operation.EDIT].images_in is None:
            raise InvalidRequest(
                f"{model.title} changes sound and needs one.", field="sounds", fix="Add a sound file."
            )
        raise InvalidRequest(
            f"{model.title} changes pictures and needs one.",
            field="reference_images",
            fix="Add an image, or choose a model that generates from text.",
        )
    raise _cannot(model, order[0])


def _taking_sounds(offered: Mapping[Operation, Capabilities]) -> tuple[Operation, ...]:
    usual = (Operation.EDIT, Operation.VIDEO, Operation.GENERATE)
    return tuple(name for name in usual if name in offered and offered[name].sounds_in is not None)


def _fits(submission: Submission, capabilities: Capabilities) -> bool:
    return not submission.images or capabilities.images_in is not None


def _cannot(model: ModelInfo, operation: Operation) -> OperationNotSupported:
    offered = ", ".join(name.value for name in model.operations)
    return OperationNotSupported(
        f"{model.title} ({model.id}) cannot {operation.value}; it offers: {offered}.",
        field="model",
        fix=f"`diorama models --operation {operation.value}` lists models that can.",
    )
