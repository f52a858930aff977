"""The GGUF file of one quantisation, fetched when a job needs it."""

from __future__ import annotations

from pathlib import Path

from diorama.contract import BackendNotReady, BackendSettings, InvalidRequest, JobContext

from diorama_local_diffusers.models.download import Transfer
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.quantized import local_file
from diorama_local_diffusers.models.wanted import quantized_remote


def quantized_file(entry: ModelEntry, kind: str, settings: BackendSettings, context: JobContext) -> Path:
    """Return the GGUF file of one quantisation, fetching it when it is not here.

    Raises:
        InvalidRequest: the model has no such quantisation.
        BackendNotReady: it is not here, and offline mode is on.
    """
    if kind not in entry.quantizations:
        raise InvalidRequest(
            f"{entry.name} has no quantisation {kind!r}.",
            field="quantization",
            fix=f"It has {', '.join(entry.quantizations)}.",
        )
    found = local_file(entry, kind, settings)
    if found is not None:
        return found
    if settings.offline:
        raise BackendNotReady(
            f"The {kind} file of {entry.name} is not on this machine, and offline mode is on.",
            fix="Go online once, or choose another quantisation.",
        )
    token = context.secret("hf_token")
    Transfer([quantized_remote(entry, kind, token)], context, token).run()
    found = local_file(entry, kind, settings)
    if found is None:
        raise BackendNotReady(f"The {kind} file of {entry.name} did not arrive.", fix="Try again.")
    return found
