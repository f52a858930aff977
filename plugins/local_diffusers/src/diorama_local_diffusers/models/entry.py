"""One known model: a row of ``models.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from diorama.contract import InvalidRequest

Origin = Literal["shipped", "user", "folder", "hub"]
"""Where a row came from: our list, the user's list, a watched folder, or a hub id named directly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model that can be opened.

    Attributes:
        name: Native id; unique in its backend.
        path: Hub id, folder, ``.safetensors`` or ``.gguf`` file, or ``package:<folder>`` for weights inside this package.
        type: Family, such as ``sdxl``.
        title: Name for people; the name itself when empty.
        family: The model behind the offer, equal across backends.
        description: One to three sentences.
        category: Shelf: ``fast``, ``quality``, ``edit``, ``video``, ``upscale``.
        tags: Words for search.
        author: Who made it.
        license: Short name of the licence of the weights.
        license_url: Where its text stands.
        commercial_use: Whether the licence allows it; ``None`` when not known.
        revision: Commit, tag or branch on the hub.
        size_gb: Size of the download in GB (10^9 bytes).
        memory_gb: Device memory needed with everything loaded, in GB.
        requires_approval: True for gated repositories.
        default_steps: Denoising steps that its makers recommend.
        default_guidance: Guidance that its makers recommend.
        default_num_frames: Frames of a video.
        default_fps: Frames per second of a video.
        default_width: Pixels; 0 leaves it to the family.
        default_height: Pixels; 0 leaves it to the family.
        default_strength: Strength of image-to-image; 0 leaves it to the family.
        scheduler: Sampler by our name; empty keeps the model's own.
        base: Hub id or folder with the remaining parts, for files that hold the denoiser only.
        lora: Hub file ``owner/name/file.safetensors`` that is always applied, for distilled LoRA models.
        gguf: Hub repository with GGUF files of the denoiser.
        quantizations: GGUF types offered there, such as ``Q4_K_M``.
        denoiser_billions: Weights of the denoiser in thousand millions, by which each quantisation's memory is shown.
        scale: Enlargement of an upscaler.
        sha256: Hash of the one official file, for those that are fetched by address.
        origin: Where the row came from.
    """

    name: str
    path: str
    type: str
    title: str = ""
    family: str = ""
    description: str = ""
    category: str = "other"
    tags: tuple[str, ...] = ()
    author: str = ""
    license: str = ""
    license_url: str = ""
    commercial_use: bool | None = None
    revision: str = ""
    size_gb: float = 0.0
    memory_gb: float = 0.0
    requires_approval: bool = False
    default_steps: int = 0
    default_guidance: float | None = None
    default_num_frames: int = 0
    default_fps: float = 0.0
    default_width: int = 0
    default_height: int = 0
    default_strength: float = 0.0
    scheduler: str = ""
    base: str = ""
    lora: str = ""
    gguf: str = ""
    quantizations: tuple[str, ...] = ()
    denoiser_billions: float = 0.0
    scale: int = 0
    sha256: str = ""
    origin: Origin = field(default="user")


_FIELDS = {item.name: item for item in fields(ModelEntry)}


def entry_from_table(table: Mapping[str, Any], origin: Origin, source: str) -> ModelEntry:
    """Read one ``[[models]]`` table.

    Raises:
        InvalidRequest: a key is unknown, has the wrong type, or ``name``, ``path`` or ``type`` is missing.
    """
    for needed in ("name", "path", "type"):
        if not table.get(needed):
            raise InvalidRequest(
                f"A model in {source} has no `{needed}`.", field=needed, fix=f"Add `{needed} = ...`."
            )
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _FIELDS or key == "origin":
            raise InvalidRequest(
                f"Model {table['name']!r} in {source} has an unknown key {key!r}.",
                field=key,
                fix=f"Known keys: {', '.join(sorted(set(_FIELDS) - {'origin'}))}.",
            )
        values[key] = _converted(key, value, str(table["name"]), source)
    return ModelEntry(**values, origin=origin)


def _converted(key: str, value: Any, name: str, source: str) -> Any:
    default = _FIELDS[key].default
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(str(item) for item in value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "commercial_use": isinstance(value, bool),
        "requires_approval": isinstance(value, bool),
        "default_guidance": number,
    }.get(
        key,
        number
        if isinstance(default, float)
        else type(value) is type(default)
        if default is not None
        else True,
    )
    if key in ("name", "path", "type"):
        fits = isinstance(value, str)
    if not fits:
        raise InvalidRequest(
            f"Model {name!r} in {source}: {key} cannot be {value!r}.",
            field=key,
            fix="See docs/models.md for its type.",
        )
    return value
