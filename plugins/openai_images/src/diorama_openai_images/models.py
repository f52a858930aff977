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
PICTURES = {"response_format": "b64_json"}
"""Some servers answer with addresses that only they can open, or not at all, unless they are asked for the bytes."""
LOCALAI = {"num_inference_steps": "step"}
DIALECTS = ("", "localai")
STEPS = Range(minimum=1, maximum=200, integer=True)
GUIDANCE = Range(minimum=0, maximum=20)
COUNT = Range(minimum=1, maximum=10, default=1, integer=True)
PARAMETERS: Mapping[str, Any] = {
    "type": "object", "additionalProperties": False,
    "properties": {"true_cfg_scale": {"type": "number", "minimum": 0, "maximum": 20, "x-group": "advanced"}},
}  # fmt: skip


def kind_of(model: str) -> str | None:
    """Guess from a model's name what it makes; ``None`` for one that makes neither pictures nor films."""
    if VIDEO.search(model):
        return "video"
    if EDIT.search(model):
        return "edit"
    return "image" if IMAGE.search(model) else None


def checked_dialect(backend: str, dialect: Any) -> str:
    """Return the dialect of the settings.

    Raises:
        InvalidRequest: there is none of that name.
    """
    found = str(dialect or "")
    if found not in DIALECTS:
        raise InvalidRequest(
            f"Backend {backend!r} has the dialect {found[:40]!r}.",
            field="dialect",
            fix=f"Leave it out, or use one of: {', '.join(filter(None, DIALECTS))}.",
        )
    return found


def in_localai(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as LocalAI reads it: what follows a ``|`` in the prompt is the negative prompt.

    Raises:
        InvalidRequest: the prompt itself holds a ``|``, at which it would be cut.
    """
    body = dict(body)
    prompt, negative = str(body.get("prompt", "")), body.pop("negative_prompt", None)
    if "|" in prompt:
        raise InvalidRequest(
            "LocalAI takes what follows | for the negative prompt.", field="prompt", fix="Write another sign."
        )
    return {**body, "prompt": f"{prompt}|{negative}"} if negative else body


def named(backend: str, models: Any, dialect: str = "") -> dict[str, Offer]:
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
        offers[name] = offer(backend, name, kind, dialect)
    return offers


def listed(backend: str, ids: Iterable[str], dialect: str = "") -> dict[str, Offer]:
    """Return those of a server's models that make pictures or films. A server's only model is taken for one that does."""
    names = list(ids)
    kinds = {name: kind_of(name) or ("image" if len(names) == 1 else None) for name in names}
    return {name: offer(backend, name, kind, dialect) for name, kind in kinds.items() if kind}


def offer(backend: str, name: str, kind: str, dialect: str = "") -> Offer:
    """Return a model of an open server: it takes the diffusers names beside OpenAI's, LocalAI has its own."""
    operations: dict[Operation, Capabilities] = {}
    wires: dict[Operation, Wire] = {}
    shared: dict[str, Any] = {
        "negative_prompt": True, "num_inference_steps": STEPS, "guidance_scale": GUIDANCE,
        "parameters": PARAMETERS, "max_prompt_chars": 10_000,
    }  # fmt: skip
    common = COMMON
    if dialect == "localai":
        common = {**COMMON, **LOCALAI}
        shared |= {"guidance_scale": None, "parameters": {}}
    if kind in ("image", "hybrid"):
        operations[Operation.GENERATE] = Capabilities(sizes=SIZES, images_out=COUNT, **shared)
        wires[Operation.GENERATE] = Wire(send={**common, "num_images": "n"}, fixed=PICTURES)
    if kind in ("edit", "hybrid"):
        images = Range(minimum=1, maximum=16, default=1, integer=True)
        operations[Operation.EDIT] = Capabilities(
            sizes=SIZES, images_in=images, images_out=COUNT, mask=True, **shared
        )
        wires[Operation.EDIT] = Wire(
            send={**common, "images": "image[]", "mask": "mask", "num_images": "n"}, fixed=PICTURES
        )
    if kind == "video":
        operations[Operation.VIDEO] = Capabilities(
            sizes=FILM, images_in=Range(minimum=0, maximum=1, integer=True), frames=Range(minimum=1, maximum=481, integer=True),
            fps=Range(minimum=1, maximum=60, integer=True), resumable=True, **shared,
        )  # fmt: skip
        wires[Operation.VIDEO] = Wire(
            send={**common, "images": "input_reference", "num_frames": "num_frames", "fps": "fps"}
        )
    info = ModelInfo(
        id=f"{backend}:{name}", title=name.rpartition("/")[2], operations=operations, data_leaves_machine=True,
        author=name.rpartition("/")[0], category="video" if kind == "video" else "edit" if kind == "edit" else "other",
    )  # fmt: skip
    return Offer(info=info, wires=wires)
