"""Upscalers of other architectures (SwinIR, HAT, DAT, SPAN ...), opened by the package spandrel where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from diorama.contract import BackendNotReady, InvalidRequest

from diorama_local_diffusers.upscale.networks import Shape

INSTALL = 'Run `pip install "diorama-local-diffusers[realesrgan]"`, with torchvision from the index that torch came from.'


def can_open_others() -> bool:
    """Whether spandrel is installed; it is not imported."""
    return find_spec("spandrel") is not None


def open_other(place: Path, device: str, dtype: Any) -> tuple[Any, Shape]:
    """Return a network of any architecture that spandrel knows, and what it is.

    The network fits pictures to its own size rules. How far its pixels reach is not known, so its tiles overlap as
    usual and never count as exact.

    Raises:
        BackendNotReady: spandrel is not installed, or cannot be imported.
        InvalidRequest: it does not know the weights, or they do not enlarge RGB pictures.
    """
    try:
        import spandrel
    except (ImportError, RuntimeError) as error:  # torchvision is missing or does not fit torch
        raise BackendNotReady(
            f"{place.name} is no network of Real-ESRGAN, and spandrel, which opens others, is not usable: {error}.",
            fix=INSTALL,
        ) from error
    from safetensors.torch import load_file

    try:
        found = spandrel.ModelLoader(device="cpu").load_from_state_dict(load_file(place))
    except spandrel.UnsupportedModelError as error:
        raise InvalidRequest(
            f"{place.name} is of no upscaling architecture that spandrel knows.", field="model"
        ) from error
    if not isinstance(found, spandrel.ImageModelDescriptor) or (
        found.input_channels,
        found.output_channels,
    ) != (3, 3):
        raise InvalidRequest(f"{place.name} does not make an RGB picture out of one.", field="model")
    shape = Shape(found.architecture.name, int(found.scale), 0, 0, reach=None)
    return found.to(device=device, dtype=_type_of(found, dtype)).eval(), shape


def _type_of(found: Any, dtype: Any) -> Any:
    import torch

    fits = {torch.float16: found.supports_half, torch.bfloat16: found.supports_bfloat16}
    return dtype if fits.get(dtype, True) else torch.float32
