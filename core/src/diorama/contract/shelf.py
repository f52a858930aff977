"""What a backend keeps on this machine beside its catalog: LoRA files, disk space, and the memory a model takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diorama.contract.models import Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraInfo:
    """A LoRA that a backend has, or knows where to get.

    Attributes:
        id: Name by which requests ask for it (:attr:`LoraRef.id`).
        title: Name for people.
        kind: Family that it fits, as :attr:`ModelInfo.kind`; empty when its file does not tell.
        triggers: Words that call it up in a prompt; empty when it needs none or its file does not tell.
        description: One or two sentences.
        size_bytes: Bytes on disk, or of the download.
        weight: Weight that suits it, 0 to 1.5.
        defaults: Request fields that suit it, such as ``{"num_inference_steps": 4}`` for a distilled one.
        preset: True for those that come known with the backend.
        download: Id by which a download job fetches it, of this backend or another one; empty when none does.
        availability: Whether it can be used now.
    """

    id: str
    title: str
    kind: str = ""
    triggers: tuple[str, ...] = ()
    description: str = ""
    size_bytes: int = 0
    weight: float = 1.0
    defaults: Mapping[str, Any] = field(default_factory=dict)
    preset: bool = False
    download: str = ""
    availability: Availability = field(default_factory=Availability)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """What one model takes on this disk.

    Attributes:
        native_id: The model.
        path: Where its files lie.
        size_bytes: Bytes of its files; a file that several models share counts with each of them.
        freeable_bytes: Bytes that ``delete`` would free; 0 where the files are the user's own.
        shared_with: Models that use some of the same files, which therefore stay when this one is deleted.
    """

    native_id: str
    path: str
    size_bytes: int
    freeable_bytes: int = 0
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """One way of running a model, and the memory it takes.

    Attributes:
        plan: Name for people and recipes, such as ``full`` or ``model_offload``.
        device_bytes: Bytes needed on the device.
        ram_bytes: Bytes needed in main memory, beside the device; 0 where the device is the main memory.
        parameters: Request parameters that choose this way; empty when the backend chooses it by itself.
    """

    plan: str
    device_bytes: int
    ram_bytes: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
