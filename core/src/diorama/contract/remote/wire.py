"""From a contract request to the provider's JSON, by the wire of the offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diorama.contract.remote.call import Call
from diorama.contract.remote.files import fitted
from diorama.contract.remote.loras import loras_of, place_loras
from diorama.contract.requests import EditRequest, GenerateRequest, UpscaleRequest, VideoRequest

_SIZE_NAMES = ("width", "height", "aspect_ratio", "size")
_IMPLIED = {"num_images": 1, "audio": False}


@dataclass(frozen=True, slots=True)
class Uploads:
    """Addresses of the inputs, as the provider can read them."""

    images: Sequence[str] = ()
    mask: str | None = None
    media: str | None = None


def build(call: Call, uploads: Uploads) -> dict[str, Any]:
    """Return the body of the submission. What has no place in it is reported as ignored.

    Raises:
        InvalidRequest: the request is strict and a value has no place.
    """
    body = dict(call.wire.fixed)
    values = values_of(call, uploads)
    for name, value in values.items():
        target = call.wire.send.get(name)
        if name == "loras" and target is not None:
            place_loras(body, target, value)
        elif target is not None:
            _place(body, target, value)
        elif name not in _SIZE_NAMES and value != _IMPLIED.get(name, object()):
            call.context.ignored(name, value, f"{call.offer.info.title} has no field for it.")
    body.update(call.request.parameters)
    return body


def values_of(call: Call, uploads: Uploads) -> dict[str, Any]:
    """Return everything the request says, by our names; what it leaves open is left out."""
    request = call.request
    values: dict[str, Any] = {
        "prompt": request.prompt or None,
        "negative_prompt": request.negative_prompt or None,
        "seed": request.seed,
        "num_inference_steps": request.num_inference_steps,
        "guidance_scale": request.guidance_scale,
        "scheduler": request.scheduler,
        "loras": loras_of(call) if "loras" in call.wire.send else [item.id for item in request.loras] or None,
        "images": list(uploads.images) or None,
        "mask": uploads.mask,
        "media": uploads.media,
    }
    if isinstance(request, GenerateRequest | EditRequest):
        values["num_images"] = request.num_images
        values["strength"] = request.strength if isinstance(request, EditRequest) else None
    if isinstance(request, VideoRequest):
        values |= {
            "num_frames": request.num_frames, "fps": _neat(request.fps), "duration": _neat(request.duration),
            "audio": request.audio if call.capabilities.audio else None,
        }  # fmt: skip
    if isinstance(request, UpscaleRequest):
        values |= _enlarged(request)
    else:
        values |= _sized(call, request)
    return {name: value for name, value in values.items() if value not in (None, [])}


def _sized(call: Call, request: GenerateRequest | EditRequest | VideoRequest) -> dict[str, Any]:
    width, height, ratio = request.width, request.height, request.aspect_ratio
    sizes = call.capabilities.sizes
    if ratio is None and sizes is not None and not sizes.match_input:
        ratio = next((name for name, size in sizes.ratios.items() if tuple(size) == (width, height)), None)
    size = (width, height) if width and height else None
    sides = call.wire.input_sides
    if size and sides and sizes is not None and sizes.match_input and isinstance(request, EditRequest):
        size = fitted(
            request.images[0], sides
        )  # the picture as it is sent; the result is brought to the asked size
    return {"width": width, "height": height, "aspect_ratio": ratio, "size": size}


def _enlarged(request: UpscaleRequest) -> dict[str, Any]:
    width, height = round(request.media.width * request.scale), round(request.media.height * request.scale)
    return {"scale": _neat(request.scale), "width": width or None, "height": height or None}


def _neat(value: float | None) -> float | int | None:
    """Whole numbers travel as integers: some providers refuse ``5.0``."""
    return int(value) if value is not None and float(value).is_integer() else value


def _place(body: dict[str, Any], target: Any, value: Any) -> None:
    if isinstance(target, list):
        body.update(zip(target, value, strict=False))
        return
    name = str(target)
    if name.endswith("[]"):
        body[name[:-2]] = list(value)
    elif name.endswith("{}"):
        body[name[:-2]] = {"width": value[0], "height": value[1]}
    elif name.endswith(":str"):
        body[name[:-4]] = str(value)
    elif name.endswith(":x"):
        body[name[:-2]] = f"{value[0]}x{value[1]}"
    else:
        body[name] = value[0] if isinstance(value, list) else value  # a single field takes the first picture


def allowed_only(body: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Split a body by a live schema: what it knows, and the names it does not."""
    return (
        {name: value for name, value in body.items() if name in properties},
        [name for name in body if name not in properties],
    )
