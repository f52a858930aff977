"""What a server's models can do, as far as its list and the settings tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from diorama.contract import Capabilities, InvalidRequest, ModelInfo, Operation, Range, Sizes
from diorama.contract.remote import Offer, Wire

VIDEO = re.compile(r"video|wan[-_.\d]|ltx|mochi|t2v|i2v|cogvideo|sora", re.IGNORECASE)
EDIT = re.compile(r"edit|kontext|inpaint|omnigen|seededit", re.IGNORECASE)
IMAGE = re.compile(
    r"image|flux|stable-?diffusion|sdxl|\bsd\d|sd[-_]?3|dall-e|pixart|sana|hidream|kolors|kandinsky|diffusion|seedream|lumina|dreamshaper",
    re.IGNORECASE,
)
KINDS = ("image", "edit", "hybrid", "video")
SIZES = Sizes(default=(1024, 1024), minimum=256, maximum=2048, multiple_of=16, ratios={
    "1:1": (1024, 1024), "16:9": (1344, 768), "9:16": (768, 1344), "4:3": (1152, 896), "3:4": (896, 1152),
})  # fmt: skip
FILM = Sizes(default=(832, 480), minimum=256, maximum=1920, multiple_of=16)
COMMON = {
    "prompt": "prompt", "negative_prompt": "negative_prompt", "seed": "seed", "num_inference_steps": "num_inference_steps",
    "guidance_scale": "guidance_scale", "size": "size:x",
}  # fmt: skip
STEPS = Range(minimum=1, maximum=150, integer=True)
GUIDANCE = Range(minimum=0, maximum=30)
COUNT = Range(minimum=1, maximum=10, default=1, integer=True)
PARAMETERS: Mapping[str, Any] = {
    "type": "object", "additionalProperties": False,
    "properties": {"true_cfg_scale": {"type": "number", "minimum": 0, "maximum": 30, "x-group": "advanced"}},
}  # fmt: skip


def kind_of(model: str) -> str | None:
    """Guess from a model's name what it makes; ``None`` for one that makes neither pictures nor films."""
    if VIDEO.search(model):
        return "video"
    if EDIT.search(model):
        return "edit"
    return "image" if IMAGE.search(model) else None


def named(backend: str, models: Any) -> dict[str, Offer]:
    """Return the models of the settings: a list of ids, or a table from id to kind.

    Raises:
        InvalidRequest: a kind is none of image, edit, hybrid, video.
    """
    table: Mapping[str, Any] = (
        models if isinstance(models, Mapping) else {str(name): None for name in models or ()}
    )
    offers = {}
    for name, given in table.items():
        kind = str(given) if given else kind_of(name) or "image"
        if kind not in KINDS:
            raise InvalidRequest(
                f"Model {name!r} of backend {backend!r} has the kind {kind!r}.",
                field="models",
                fix=f"Use one of: {', '.join(KINDS)}.",
            )
        offers[name] = offer(backend, name, kind)
    return offers


def listed(backend: str, ids: Iterable[str]) -> dict[str, Offer]:
    """Return those of a server's models that make pictures or films. A server's only model is taken for one that does."""
    names = list(ids)
    kinds = {name: kind_of(name) or ("image" if len(names) == 1 else None) for name in names}
    return {name: offer(backend, name, kind) for name, kind in kinds.items() if kind}


def offer(backend: str, name: str, kind: str) -> Offer:
    """Return a model of an open server: it takes the diffusers names beside OpenAI's."""
    operations: dict[Operation, Capabilities] = {}
    wires: dict[Operation, Wire] = {}
    shared: dict[str, Any] = {
        "negative_prompt": True, "num_inference_steps": STEPS, "guidance_scale": GUIDANCE,
        "parameters": PARAMETERS, "max_prompt_chars": 10_000,
    }  # fmt: skip
    if kind in ("image", "hybrid"):
        operations[Operation.GENERATE] = Capabilities(sizes=SIZES, images_out=COUNT, **shared)
        wires[Operation.GENERATE] = Wire(send={**COMMON, "num_images": "n"})
    if kind in ("edit", "hybrid"):
        images = Range(minimum=1, maximum=16, default=1, integer=True)
        operations[Operation.EDIT] = Capabilities(
            sizes=SIZES, images_in=images, images_out=COUNT, mask=True, **shared
        )
        wires[Operation.EDIT] = Wire(send={**COMMON, "images": "image[]", "mask": "mask", "num_images": "n"})
    if kind == "video":
        operations[Operation.VIDEO] = Capabilities(
            sizes=FILM, images_in=Range(minimum=0, maximum=1, integer=True), frames=Range(minimum=1, maximum=481, integer=True),
            fps=Range(minimum=1, maximum=60, integer=True), resumable=True, **shared,
        )  # fmt: skip
        wires[Operation.VIDEO] = Wire(
            send={**COMMON, "images": "input_reference", "num_frames": "num_frames", "fps": "fps"}
        )
    info = ModelInfo(
        id=f"{backend}:{name}", title=name.rpartition("/")[2], operations=operations, data_leaves_machine=True,
        author=name.rpartition("/")[0], category="video" if kind == "video" else "edit" if kind == "edit" else "other",
    )  # fmt: skip
    return Offer(info=info, wires=wires)
