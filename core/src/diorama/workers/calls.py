"""One call of one backend from its start to its checked result; the same in a thread and in a worker."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diorama.contract import BackendError, JobCancelled, JobParked, Result
from diorama.plugins import routing
from diorama.plugins.registry import PluginRegistry
from diorama.workers.context import LocalJobContext
from diorama.workers.executor import Task
from diorama.workers.failures import translate

Observer = Callable[[BaseException], None]


def run_call(
    registry: PluginRegistry, task: Task, context: LocalJobContext, observe: Observer | None = None
) -> Result:
    """Call the backend, wait until its outputs are saved, and return its result.

    Args:
        registry: Holds the backend.
        task: The call.
        context: Its context; closed at the end.
        observe: Sees what was raised before it is translated.

    Raises:
        DioramaError: it failed, was cancelled or rests; nothing else is ever raised.
    """
    title = task.backend
    try:
        with context:
            context.check()
            backend = registry.backend(task.backend)
            title = backend.title or task.backend
            if task.call == "download":
                backend.download(task.model.native_id, context)
                result = Result()
            else:
                answer = routing.call(
                    registry, task.backend, task.call, request=task.request, context=context
                )
                result = _checked(answer, context, title)
            context.finish()
            return result
    except JobParked:
        raise
    except BaseException as error:
        if observe is not None:
            observe(error)
        if context.cancelled:  # what breaks while a job is being cancelled is part of the cancelling
            raise JobCancelled from error
        if isinstance(error, JobCancelled):
            raise BackendError(
                f"{title} gave the job up although nobody cancelled it.", retryable=True
            ) from error
        translated = translate(error, title, context.device)
        if translated is not error:
            context.log.error("The call %s of %s failed", task.call, task.model.id, exc_info=error)
        raise translated from error


def _checked(answer: Any, context: LocalJobContext, title: str) -> Result:
    if not isinstance(answer, Result):
        raise BackendError(f"{title} returned {type(answer).__name__} in place of a Result.")
    if not context.saved:
        raise BackendError(f"{title} ended without any output.")
    if answer.cost is not None and not _is_amount(answer.cost.amount):
        context.log.warning("%s told a cost that is no amount: %r", title, answer.cost.amount)
        return replace(answer, cost=None)  # the outputs are there, and perhaps paid: they are kept
    return answer


def _is_amount(value: Any) -> bool:
    """NaN would break the books, and a negative amount would make room under a cap."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
