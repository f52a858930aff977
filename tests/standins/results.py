"""What a finished job returns: pictures and films of honest sizes, each recognisable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from .media import BLACK, Colour, Media, film, picture, ratio_size, size_of
from .script import Job

PRESETS = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "landscape_4_3": (1024, 768),
    "portrait_4_3": (768, 1024),
    "landscape_16_9": (1024, 576),
    "portrait_16_9": (576, 1024),
    "auto": (512, 512),
}


def size(content: bytes) -> tuple[int, int]:
    """The size of a file, (0, 0) when it is neither picture nor film."""
    return size_of(content) or (0, 0)


def make(job: Job, kind: str, inputs: Sequence[Media], count: int = 1) -> list[Media]:
    """The files of a successful job: `image`, `video` or `upscale`; `Script.outputs` overrides the count."""
    count = count if job.script.outputs is None else job.script.outputs
    if kind == "video":
        across, down = _size(job.arguments, ()) if "x" in str(job.arguments.get("size")) else (64, 64)
        return [film(across, down, frames=8 + index) for index in range(count)]
    width, height = _size(job.arguments, inputs)
    if job.script.size is not None:
        width, height = job.script.size
    elif kind == "upscale" and inputs:
        factor = _factor(job.arguments)
        width, height = round(inputs[0].width * factor), round(inputs[0].height * factor)
    extension = str(job.arguments.get("output_format") or "png")
    black = job.script.outcome == "black"
    return [
        picture(width, height, BLACK if black else _colour(job, index), extension) for index in range(count)
    ]


def _size(given: dict[str, Any], inputs: Sequence[Media]) -> tuple[int, int]:
    asked = given.get("image_size") if given.get("image_size") is not None else given.get("size")
    if isinstance(asked, dict):
        return int(asked["width"]), int(asked["height"])
    if isinstance(asked, str) and "x" in asked:
        width, height = asked.split("x")
        return int(width), int(height)
    if given.get("width") and given.get("height") and asked in (None, "custom"):
        return int(given["width"]), int(given["height"])
    ratio = given.get("aspect_ratio")
    if inputs and ratio in (None, "auto", "match_input_image") and asked not in PRESETS:
        return inputs[0].width, inputs[0].height
    if isinstance(ratio, str) and ":" in ratio:
        return ratio_size(ratio)
    return PRESETS.get(str(asked), (512, 512))


def _factor(given: dict[str, Any]) -> float:
    for name in ("scale", "upscale_factor", "image_scaling_factor"):
        if name in given:
            return float(given[name])
    return 2.0


def _colour(job: Job, index: int) -> Colour:
    """A colour that depends on the request, so that no two different results look alike; never black."""
    text = f"{job.arguments.get('prompt')}{job.arguments.get('seed')}{job.number}{index}"
    red, green, blue = hashlib.sha256(text.encode()).digest()[:3]
    return 40 + red % 200, 40 + green % 200, 40 + blue % 200
