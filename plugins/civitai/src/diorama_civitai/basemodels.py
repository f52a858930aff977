"""Civitai's names of base models, and the families they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Base:
    """What a base model's name means.

    Attributes:
        family: Precise family, such as ``sd15``; empty when the name is not known.
        kind: Family that LoRA and ControlNet must fit, in the words of the local backend; empty when nothing here
            loads it from one file.
        video: Whether it makes videos.
        closed: Whether it is somebody's service, so that there is no file.
    """

    family: str = ""
    kind: str = ""
    video: bool = False
    closed: bool = False


_EXACT = {
    "sd 1.4": Base("sd15", "sd"),
    "sd 1.5": Base("sd15", "sd"),
    "pony v7": Base("auraflow"),
    "auraflow": Base("auraflow"),
    "playground v2": Base("playground"),
    "chroma": Base("chroma"),
    "lumina": Base("lumina2"),
    "hidream": Base("hidream"),
    "anima": Base("anima"),
    "stable cascade": Base("cascade"),
    "kolors": Base("kolors"),
    "mochi": Base("mochi", "mochi", video=True),
    "svd": Base("svd", "svd", video=True),
    "svd xt": Base("svd", "svd", video=True),
    "hunyuan 1": Base("hunyuan-dit"),
    "odor": Base("odor"),
}
_BEGINNINGS = (
    ("sd 1.5 ", Base("sd15", "sd")),
    ("sd 2", Base("sd2", "sd")),
    ("sdxl", Base("sdxl", "sdxl")),
    ("pony", Base("sdxl", "sdxl")),
    ("illustrious", Base("sdxl", "sdxl")),
    ("noobai", Base("sdxl", "sdxl")),
    ("sd 3", Base("sd3", "sd3")),
    ("flux.1 kontext", Base("flux", "flux")),
    ("flux.1", Base("flux", "flux")),
    ("flux.2", Base("flux2", "flux2")),
    ("pixart", Base("pixart")),
    ("qwen", Base("qwen-image", "qwen-image")),
    ("zimage", Base("z-image")),
    ("ltxv2", Base("ltx2", "ltx2", video=True)),
    ("ltxv 2", Base("ltx2", "ltx2", video=True)),
    ("ltxv", Base("ltx", video=True)),
    ("wan video 2.5", Base("wan", closed=True, video=True)),
    ("wan", Base("wan", "wan", video=True)),
    ("hunyuan video", Base("hunyuan-video", video=True)),
    ("cogvideo", Base("cogvideox", "cogvideox", video=True)),
    *(
        (name, Base(name.replace(" ", "-"), closed=True))
        for name in (
            "imagen4",
            "nano banana",
            "openai",
            "seedream",
            "sora",
            "veo",
            "kling",
            "vidu",
            "seedance",
        )
    ),
)
"""Beginnings of names, the more telling first: new variants of a family keep its beginning."""

_FAST = (
    ("lightning", {"num_inference_steps": 6, "guidance_scale": 1.5}),
    ("turbo", {"num_inference_steps": 6, "guidance_scale": 1.5}),
    ("hyper", {"num_inference_steps": 8, "guidance_scale": 1.5}),
    ("lcm", {"num_inference_steps": 6, "guidance_scale": 1.5}),
    ("flux.1 s", {"num_inference_steps": 4, "guidance_scale": 0.0}),
)
_USUAL: dict[str, dict[str, Any]] = {
    "sd15": {"num_inference_steps": 25, "guidance_scale": 7.0, "width": 512, "height": 512},
    "sd2": {"num_inference_steps": 25, "guidance_scale": 7.0, "width": 768, "height": 768},
    "sdxl": {"num_inference_steps": 28, "guidance_scale": 6.0, "width": 1024, "height": 1024},
    "sd3": {"num_inference_steps": 28, "guidance_scale": 4.5, "width": 1024, "height": 1024},
    "flux": {"num_inference_steps": 25, "guidance_scale": 3.5, "width": 1024, "height": 1024},
}
_CLIP_SKIP = ("pony", "illustrious")


def base_of(name: str) -> Base:
    """Return what Civitai's ``baseModel`` string means; an empty :class:`Base` when it is not known."""
    low = " ".join(name.casefold().split())
    if low in _EXACT:
        return _EXACT[low]
    return next((base for beginning, base in _BEGINNINGS if low.startswith(beginning)), Base())


def usual_settings(name: str) -> dict[str, Any]:
    """Return settings that suit a base model: steps, guidance, size, and ``clip_skip`` where it is customary."""
    low = name.casefold()
    found = dict(_USUAL.get(base_of(name).family, {}))
    found |= next((fast for word, fast in _FAST if word in low), {})
    if low.startswith(_CLIP_SKIP):
        found["clip_skip"] = 2
    return found
