"""GGUF: which quantisations a model offers, and where their files are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings, Request

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.locate import snapshot

FLOAT8 = "fp8"
"""Request parameter, and name of the weights that it asks for."""
BITS = {"Q2": 2.6, "Q3": 3.5, "Q4": 4.6, "Q5": 5.6, "Q6": 6.6, "Q8": 8.5, "BF": 16.0, "F1": 16.0}
"""About how many bits a weight takes, by the beginning of the type's name."""
_EIGHT_BITS: dict[str, Any] = {
    FLOAT8: {
        "type": "boolean",
        "default": False,
        "title": "Weights in 8 bits",
        "description": "Keeps the weights that each step uses in 8 bits: half the memory, and pixels differ. "
        "Changing it loads the model again.",
        "x-group": "advanced",
    }
}


def parameter_schema(entry: ModelEntry) -> dict[str, Any]:
    """Return the choice of quantisation as a JSON schema: of those there are, else whether weights are kept in 8 bits."""
    if not entry.quantizations:
        return {} if entry.path.lower().endswith(".gguf") else _EIGHT_BITS
    return {
        "quantization": {
            "type": "string",
            "enum": list(entry.quantizations),
            "default": default_type(entry),
            "title": "Quantisation",
            "description": _shown(entry) + " Changing it loads the model again.",
        }
    }  # fmt: skip


def _shown(entry: ModelEntry) -> str:
    """Return what each quantisation takes: bytes where the number of weights is known, else bits."""
    if not entry.denoiser_billions:
        return (
            "Bits per weight: " + ", ".join(f"{kind} {bits_of(kind):g}" for kind in entry.quantizations) + "."
        )
    sizes = (f"{kind} {entry.denoiser_billions * bits_of(kind) / 8:.1f}" for kind in entry.quantizations)
    return f"Memory of the denoiser in GB: {', '.join(sizes)}."


def variant_of(entry: ModelEntry, request: Request) -> str:
    """Return what a request asks the weights to be: a GGUF type, ``fp8``, or empty for the usual."""
    if entry.quantizations:
        return str(request.parameters.get("quantization", ""))
    return FLOAT8 if request.parameters.get(FLOAT8) else ""


def default_type(entry: ModelEntry) -> str:
    """Return the quantisation used when none is asked: four bits where there is one, the first otherwise."""
    return next((kind for kind in entry.quantizations if kind.startswith("Q4")), entry.quantizations[0])


def bits_of(kind: str) -> float:
    """Return about how many bits a weight takes."""
    return BITS.get(kind[:2], 8.0)


def local_file(entry: ModelEntry, kind: str, settings: BackendSettings) -> Path | None:
    """Return the file of one quantisation in a folder or in the hub's cache, or ``None``."""
    folder = Path(entry.gguf).expanduser()
    place = folder if folder.is_absolute() else snapshot(entry.gguf)
    if place is None:
        return None
    name = matching(kind, [file.name for file in place.rglob("*.gguf")])
    return next(place.rglob(name)) if name else None


def matching(kind: str, names: list[str]) -> str | None:
    """Return the file name that ends in a quantisation, which is how GGUF files are named."""
    pattern = re.compile(rf"(^|[-_.]){re.escape(kind)}\.gguf$", re.IGNORECASE)
    return next((name for name in sorted(names) if pattern.search(name)), None)
