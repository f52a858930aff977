"""Whether the libraries that models need are installed, told without importing them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from diorama.contract import BackendNotReady

NEEDED = ("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors")
OPTIONAL = {
    "gguf": "GGUF files",
    "av": "upscaling videos",
    "spandrel": "upscalers of other architectures than Real-ESRGAN",
}
"""Package to what it is for."""


def describe_installation() -> str:
    """Return the versions of the libraries, and what is not possible for lack of one.

    Raises:
        BackendNotReady: a needed library is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BackendNotReady(
            f"Missing: {', '.join(missing)}.",
            fix=f"Run `pip install {' '.join(missing)}` in this environment.",
        )
    versions = ", ".join(f"{name} {_version(name)}" for name in NEEDED[:3])
    without = [f"{what} (install {name})" for name, what in OPTIONAL.items() if find_spec(name) is None]
    return f"{versions}." + (f" Not possible: {', '.join(without)}." if without else "")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"
