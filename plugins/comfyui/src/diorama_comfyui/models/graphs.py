"""The built-in workflows for checkpoints: text to image, image to image, inpainting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diorama.contract import LoraRef

Link = list[Any]
SOURCE, MASK = "source", "mask"
"""Ids of the nodes that load the input image and the mask."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The values of one run.

    ``size`` is what the model works in, a multiple of 8; ``final`` the size of the result.
    ``source`` and ``mask`` say that these inputs exist; ``strength`` counts with a source only.
    """

    checkpoint: str
    kind: str
    prompt: str
    negative_prompt: str
    seed: int
    steps: int
    guidance: float
    sampler: str
    scheduler: str
    size: tuple[int, int]
    final: tuple[int, int]
    loras: tuple[LoraRef, ...] = ()
    source: bool = False
    mask: bool = False
    strength: float = 1.0


class _Graph:
    def __init__(self) -> None:
        self.prompt: dict[str, dict[str, Any]] = {}

    def add(self, node_id: str, class_type: str, /, **inputs: Any) -> str:
        self.prompt[node_id] = {"class_type": class_type, "inputs": inputs}
        return node_id


def build(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """The prompt of a run, in API form."""
    graph = _Graph()
    graph.add("checkpoint", "CheckpointLoaderSimple", ckpt_name=recipe.checkpoint)
    model, clip = _loras(graph, recipe.loras)
    positive, negative = _texts(graph, recipe, clip)
    latent = _latent(graph, recipe)
    graph.add(
        "sampler",
        "KSampler",
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent,
        seed=recipe.seed,
        steps=recipe.steps,
        cfg=1.0 if recipe.kind == "flux" else recipe.guidance,
        sampler_name=recipe.sampler,
        scheduler=recipe.scheduler,
        denoise=recipe.strength if recipe.source else 1.0,
    )
    graph.add("decoder", "VAEDecode", samples=["sampler", 0], vae=["checkpoint", 2])
    graph.add("result", "SaveImage", images=_finish(graph, recipe), filename_prefix="diorama/image")
    return graph.prompt


def _loras(graph: _Graph, loras: Sequence[LoraRef]) -> tuple[Link, Link]:
    model, clip = ["checkpoint", 0], ["checkpoint", 1]
    for number, lora in enumerate(loras):
        weights = {"strength_model": lora.weight, "strength_clip": lora.weight}
        node = graph.add(f"lora{number}", "LoraLoader", lora_name=lora.id, model=model, clip=clip, **weights)
        model, clip = [node, 0], [node, 1]
    return model, clip


def _texts(graph: _Graph, recipe: Recipe, clip: Link) -> tuple[Link, Link]:
    graph.add("positive", "CLIPTextEncode", text=recipe.prompt, clip=clip)
    if (
        recipe.kind == "flux"
    ):  # guided by distillation: no negative side, the strength is an input of the model
        graph.add("guidance", "FluxGuidance", conditioning=["positive", 0], guidance=recipe.guidance)
        graph.add("negative", "ConditioningZeroOut", conditioning=["positive", 0])
        return ["guidance", 0], ["negative", 0]
    graph.add("negative", "CLIPTextEncode", text=recipe.negative_prompt, clip=clip)
    return ["positive", 0], ["negative", 0]


def _latent(graph: _Graph, recipe: Recipe) -> Link:
    width, height = recipe.size
    if not recipe.source:
        empty = "EmptySD3LatentImage" if recipe.kind == "flux" else "EmptyLatentImage"
        return [graph.add("empty", empty, width=width, height=height, batch_size=1), 0]
    graph.add(SOURCE, "LoadImage", image="")
    pixels: Link = [SOURCE, 0]
    if recipe.size != recipe.final:
        pixels = _scaled(graph, "fitted", pixels, recipe.size)
    graph.add("encoder", "VAEEncode", pixels=pixels, vae=["checkpoint", 2])
    if not recipe.mask:
        return ["encoder", 0]
    graph.add(MASK, "LoadImageMask", image="", channel="red")
    # The server scales a noise mask to the latent by itself.
    return [graph.add("masked", "SetLatentNoiseMask", samples=["encoder", 0], mask=[MASK, 0]), 0]


def _finish(graph: _Graph, recipe: Recipe) -> Link:
    """The decoded picture in its final size, and outside the mask exactly the source."""
    picture: Link = ["decoder", 0]
    if recipe.size != recipe.final:
        picture = _scaled(graph, "resized", picture, recipe.final)
    if recipe.mask:
        pasted = graph.add(
            "pasted",
            "ImageCompositeMasked",
            destination=[SOURCE, 0],
            source=picture,
            x=0,
            y=0,
            resize_source=False,
            mask=[MASK, 0],
        )
        picture = [pasted, 0]
    return picture


def _scaled(graph: _Graph, node_id: str, image: Link, size: tuple[int, int]) -> Link:
    scale = {"upscale_method": "lanczos", "width": size[0], "height": size[1], "crop": "disabled"}
    return [graph.add(node_id, "ImageScale", image=image, **scale), 0]
