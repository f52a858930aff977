"""Checkpoints as models: their entries, and requests turned into built-in workflows."""

from __future__ import annotations

from dataclasses import dataclass

from diorama.contract import (
    Availability,
    Capabilities,
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    ModelInfo,
    Operation,
    Range,
    Sizes,
)

from diorama_comfyui.models.checkpoints import PREFIX, Checkpoint
from diorama_comfyui.models.filling import mask_picture, media_upload
from diorama_comfyui.models.graphs import MASK, SOURCE, Recipe, build
from diorama_comfyui.running.plan import RunPlan, Upload, loader_nodes, node_weights
from diorama_comfyui.schema import ObjectInfo


@dataclass(frozen=True, slots=True)
class _Kind:
    """Defaults of a kind of model. ``side`` is the side of the square it was trained on, in pixels."""

    side: int
    steps: int
    guidance: float
    scheduler: str
    negative: bool
    lora_kinds: tuple[str, ...]
    edit_strength: float = 0.6


KINDS = {
    "sd": _Kind(512, 25, 7.0, "normal", True, ("sd15", "sd")),
    "sdxl": _Kind(1024, 30, 6.0, "karras", True, ("sdxl",)),
    "flux": _Kind(1024, 20, 3.5, "simple", False, ("flux",), 0.8),
}
_SAMPLER = "euler"
_RATIOS = {"1:1": 1.0, "4:3": 4 / 3, "3:4": 3 / 4, "3:2": 3 / 2, "2:3": 2 / 3, "16:9": 16 / 9, "9:16": 9 / 16}


def checkpoint_entry(
    backend: str, checkpoint: Checkpoint, info: ObjectInfo, availability: Availability, *, previews: bool
) -> ModelInfo:
    """The catalog entry of a checkpoint."""
    kind = KINDS[checkpoint.kind]
    shared = {
        "max_prompt_chars": 20_000,
        "negative_prompt": kind.negative,
        "images_out": Range(minimum=1, maximum=8, default=1, integer=True),
        "num_inference_steps": Range(minimum=1, maximum=150, default=kind.steps, integer=True),
        "guidance_scale": Range(
            minimum=0 if checkpoint.kind == "flux" else 1, maximum=30, default=kind.guidance, step=None
        ),
        "schedulers": tuple(str(name) for name in info.choices("KSampler", "sampler_name")),
        "lora_kinds": kind.lora_kinds,
        "preview": previews,
        "resumable": True,
    }
    generate = Capabilities(sizes=_sizes(kind.side), **shared)  # type: ignore[arg-type]
    edit = Capabilities(
        sizes=Sizes(match_input=True, minimum=16, maximum=4096, multiple_of=1),
        images_in=Range(minimum=1, maximum=1, default=1, integer=True),
        mask=True,
        strength=Range(minimum=0.05, maximum=1.0, default=kind.edit_strength),
        **shared,  # type: ignore[arg-type]
    )
    return ModelInfo(
        id=f"{backend}:{PREFIX}{checkpoint.name}",
        title=checkpoint.title,
        operations={Operation.GENERATE: generate, Operation.EDIT: edit},
        kind={"sd": "sd15"}.get(checkpoint.kind, checkpoint.kind),
        category="quality",
        tags=("checkpoint", "comfyui"),
        availability=availability,
        disk_gb=round(checkpoint.size / 1e9, 2) if checkpoint.size else None,
    )


def _sizes(side: int) -> Sizes:
    ratios = {}
    for name, ratio in _RATIOS.items():
        width, height = side * ratio**0.5, side / ratio**0.5
        ratios[name] = (round(width / 64) * 64, round(height / 64) * 64)
    # Multiples of 8 are what the latents allow.
    return Sizes(
        default=(side, side),
        minimum=64,
        maximum=4 * side,
        multiple_of=8,
        max_pixels=4 * side * side,
        ratios=ratios,
    )


def plan_checkpoint(
    checkpoint: Checkpoint, request: GenerateRequest | EditRequest, info: ObjectInfo, index: int
) -> RunPlan:
    """The plan for result ``index`` of a request. Raises ``InvalidRequest``."""
    kind = KINDS[checkpoint.kind]
    known = set(info.choices("LoraLoader", "lora_name"))
    for lora in request.loras:
        if lora.id not in known:
            raise InvalidRequest(f"The ComfyUI server has no LoRA {lora.id!r:.80}.", field="loras")
    final = _final_size(request, kind)
    recipe = Recipe(
        checkpoint=checkpoint.name,
        kind=checkpoint.kind,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt or "",
        seed=request.seed_of(index) or 0,
        steps=request.num_inference_steps or kind.steps,
        guidance=kind.guidance if request.guidance_scale is None else request.guidance_scale,
        sampler=request.scheduler or _SAMPLER,
        scheduler=kind.scheduler,
        size=_round(final),
        final=final,
        loras=request.loras,
        source=isinstance(request, EditRequest),
        mask=isinstance(request, EditRequest) and request.mask is not None,
        strength=(request.strength or kind.edit_strength) if isinstance(request, EditRequest) else 1.0,
    )
    prompt = build(recipe)
    return RunPlan(
        prompt=prompt,
        uploads=_uploads(request),
        outputs=("result",),
        fields=_FIELDS,
        labels={},
        weights=node_weights(prompt, info),
        loaders=loader_nodes(prompt, info),
        seed=request.seed_of(index),
    )


_FIELDS = {
    ("positive", "text"): "prompt",
    ("negative", "text"): "negative_prompt",
    ("sampler", "seed"): "seed",
    ("sampler", "steps"): "num_inference_steps",
    ("sampler", "cfg"): "guidance_scale",
    ("guidance", "guidance"): "guidance_scale",
    ("sampler", "sampler_name"): "scheduler",
    ("sampler", "denoise"): "strength",
    ("empty", "width"): "width",
    ("empty", "height"): "height",
    (SOURCE, "image"): "images",
    (MASK, "image"): "mask",
}


def _final_size(request: GenerateRequest | EditRequest, kind: _Kind) -> tuple[int, int]:
    if isinstance(request, EditRequest):
        return request.images[0].width, request.images[0].height
    return request.width or kind.side, request.height or kind.side


def _round(size: tuple[int, int]) -> tuple[int, int]:
    """The nearest multiples of 8, at least 64."""
    return max(64, round(size[0] / 8) * 8), max(64, round(size[1] / 8) * 8)


def _uploads(request: GenerateRequest | EditRequest) -> tuple[Upload, ...]:
    if not isinstance(request, EditRequest):
        return ()
    uploads = [media_upload(request.images[0], ((SOURCE, "image"),))]
    if request.mask is not None:
        name = f"{request.mask.sha256[:16] or 'mask'}-mask.png"
        uploads.append(Upload(mask_picture(request.mask), name, ((MASK, "image"),)))
    return tuple(uploads)
