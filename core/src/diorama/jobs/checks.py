"""What the engine itself verifies about outputs."""

from __future__ import annotations

from collections.abc import Sequence

from diorama.assets.staged import StagedOutput
from diorama.contract import BackendError, ModelInfo, Operation
from diorama.jobs.records import Job, JobKind


def check_outputs(job: Job, model: ModelInfo, outputs: Sequence[StagedOutput]) -> None:
    """Check the promise of edit models: the output has exactly the size of the input.

    Raises:
        BackendError: an output has another size.
    """
    images = job.request.get("images")
    if job.kind is not JobKind.EDIT or not images:
        return
    capabilities = model.operations.get(Operation.EDIT)
    if capabilities is None or capabilities.sizes is None or not capabilities.sizes.match_input:
        return
    wanted = (images[0].get("width"), images[0].get("height"))
    for output in outputs:
        if output.kind == "image" and all(wanted) and (output.width, output.height) != wanted:
            raise BackendError(
                f"{model.title} returned {output.width}x{output.height} pixels for an input of {wanted[0]}x{wanted[1]}.",
                fix="This is a fault of the backend; please report it to its author.",
            )
