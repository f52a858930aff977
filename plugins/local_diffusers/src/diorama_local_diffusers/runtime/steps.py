"""What happens after each denoising step: progress, preview, and cancelling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from diorama.contract import JobCancelled, JobContext

PREVIEW_SECONDS = 0.1
"""Least time between two previews; people see no more."""


class StepReporter:
    """The ``callback_on_step_end`` of one pipeline call.

    Args:
        context: The job.
        steps: Steps that this call really runs.
        image: Number of the output being made, from 0.
        images: Number of outputs of the job.
        preview: Turns latents into a small picture; ``None`` for none.

    Attributes:
        finished: Whether the last step is done, so that what remains is decoding.
    """

    def __init__(
        self,
        context: JobContext,
        steps: int,
        image: int = 0,
        images: int = 1,
        preview: Callable[[Any], Any] | None = None,
    ) -> None:
        self._context = context
        self._steps = max(steps, 1)
        self._image = image
        self._images = images
        self._preview = preview
        self._shown = 0.0
        self.finished = False

    def start(self) -> None:
        """Report step 0 of this output."""
        self.finished = False
        self._report(0)

    def __call__(self, pipe: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Report a finished step; raises :class:`JobCancelled`, which ends the pipeline's loop at once."""
        step = min(index + 1, self._steps)
        self.finished = step == self._steps
        self._report(step)
        now = time.monotonic()
        if self._preview is not None and step < self._steps and now - self._shown >= PREVIEW_SECONDS:
            self._shown = now
            picture = self._preview(values["latents"])
            if picture is not None:
                self._context.preview(picture)
        return values

    def _report(self, step: int) -> None:
        message = "Decoding" if step == self._steps else ""
        self._context.progress(
            "generating",
            (self._image + step / self._steps) / self._images,
            message,
            step=step,
            steps=self._steps,
            image=self._image + 1,
            images=self._images,
        )


@contextmanager
def cancellable_blocks(denoisers: list[Any], context: JobContext) -> Iterator[None]:
    """Look at the cancel flag before each block of the denoisers, so that long steps end early too."""

    def look(*_: Any) -> None:
        if context.cancelled:
            raise JobCancelled

    handles = [block.register_forward_pre_hook(look) for part in denoisers for block in _blocks(part)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _blocks(denoiser: Any) -> list[Any]:
    from torch.nn import ModuleList

    return [block for child in denoiser.children() if isinstance(child, ModuleList) for block in child]
