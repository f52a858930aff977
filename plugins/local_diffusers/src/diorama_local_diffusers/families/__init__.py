"""All families that this backend knows, by type and by pipeline class."""

from __future__ import annotations

from functools import cache

from diorama.contract import InvalidRequest

from diorama_local_diffusers.families.base import Family


@cache
def families() -> dict[str, Family]:
    """Return every family by its type."""
    from diorama_local_diffusers.families import (
        cogvideox,
        flux,
        flux2,
        flux_kontext,
        ltx2,
        mochi,
        qwen_image,
        qwen_image_edit,
        sd,
        sd3,
        sdxl,
        svd,
        upscaler,
        wan,
    )

    kinds: tuple[type[Family], ...] = (
        sd.StableDiffusion,
        sdxl.StableDiffusionXL,
        sd3.StableDiffusion3,
        flux.Flux,
        flux_kontext.FluxKontext,
        flux2.Flux2,
        qwen_image.QwenImage,
        qwen_image_edit.QwenImageEdit,
        qwen_image_edit.QwenImageEditPlus,
        cogvideox.CogVideoX,
        cogvideox.CogVideoXImage,
        ltx2.LTX2,
        ltx2.LTX2Float8,
        wan.Wan,
        wan.WanImage,
        mochi.Mochi,
        svd.StableVideo,
        upscaler.UpscalerFamily,
    )
    return {kind.name: kind() for kind in kinds}


def family_named(name: str) -> Family:
    """Return the family of type ``name``.

    Raises:
        InvalidRequest: there is none.
    """
    known = families()
    if name not in known:
        raise InvalidRequest(
            f"Unknown model type {name!r}.", field="type", fix=f"Known types: {', '.join(sorted(known))}."
        )
    return known[name]
