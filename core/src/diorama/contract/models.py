"""The catalog entry that a backend returns for each model it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from diorama.contract.capabilities import Capabilities, Operation


class AvailabilityState(StrEnum):
    """Whether a model can run now, and if not, what is in the way."""

    READY = "ready"
    NEEDS_DOWNLOAD = "needs_download"
    NEEDS_KEY = "needs_key"
    NEEDS_INSTALL = "needs_install"
    NEEDS_APPROVAL = "needs_approval"
    TOO_LARGE = "too_large"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """State of a model with the sentence that mends it.

    Attributes:
        state: See :class:`AvailabilityState`.
        fix: What the user does to make it ready; required unless the state is ``ready``.
        url: A page that helps with it (licence approval, key page).
    """

    state: AvailabilityState = AvailabilityState.READY
    fix: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if self.state is not AvailabilityState.READY and not self.fix:
            raise ValueError(f"Availability {self.state.value!r} needs a `fix` sentence")


PriceUnit = Literal["image", "megapixel", "second", "video", "step", "compute_second", "job"]
"""What a price is counted by; ``second`` is a second of video or sound, ``compute_second`` a second of run time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one unit costs.

    Attributes:
        amount: Price of one unit, 0 or more.
        currency: ISO 4217 code, or ``credits`` where the provider counts its own.
        per: The unit.
        note: What the number leaves out, or where it comes from.
        as_of: ISO date at which the price was read.
    """

    amount: float
    currency: str = "USD"
    per: PriceUnit = "image"
    note: str | None = None
    as_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """Terms of a model's weights.

    Attributes:
        name: Short name, such as ``apache-2.0``.
        url: Where the text stands.
        commercial_use: True or false where known, ``None`` where not.
    """

    name: str
    url: str | None = None
    commercial_use: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One model of one backend.

    Attributes:
        id: ``backend:native-id``; split at the first colon. The native id may hold ``/`` and further colons.
        title: Name for people.
        operations: Capabilities by operation; at least one.
        family: The model behind the offer, equal across backends (``flux-schnell``), so that offers can be grouped.
        kind: Architecture family that LoRA and ControlNet must fit (``sdxl``, ``flux``); empty when none.
        description: One to three sentences.
        category: Shelf in a catalog (``fast``, ``quality``, ``edit``, ``video``, ``upscale``, ``workflow``).
        tags: Free words for search.
        author: Who made the model.
        price: ``None`` when running it costs nothing per use.
        license: Terms of the weights.
        availability: Whether it can run now.
        data_leaves_machine: True when prompts and images are sent to somebody else's computer.
        disk_gb: Size on disk in GB (10^9 bytes), real when present, else estimated.
        memory_gb: Memory needed to run it well, in GB.
        revision: Version or commit of the weights.
        downloadable: Whether ``download`` of the backend fetches it.
        links: Further pages by name (``homepage``, ``approval``).
        vocabulary: For models with a closed vocabulary: the words it understands, grouped by kind.
    """

    id: str
    title: str
    operations: Mapping[Operation, Capabilities]
    family: str = ""
    kind: str = ""
    description: str = ""
    category: str = "other"
    tags: tuple[str, ...] = ()
    author: str = ""
    price: Price | None = None
    license: License | None = None
    availability: Availability = field(default_factory=Availability)
    data_leaves_machine: bool = False
    disk_gb: float | None = None
    memory_gb: float | None = None
    revision: str | None = None
    downloadable: bool = False
    links: Mapping[str, str] = field(default_factory=dict)
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        backend, colon, native = self.id.partition(":")
        if not (backend and colon and native):
            raise ValueError(f"Model id {self.id!r} is not of the form backend:native-id")
        if not self.operations:
            raise ValueError(f"Model {self.id!r} names no operation")

    @property
    def backend(self) -> str:
        """Id of the backend that owns it."""
        return self.id.partition(":")[0]

    @property
    def native_id(self) -> str:
        """The id without the backend's prefix."""
        return self.id.partition(":")[2]

    @property
    def mode(self) -> Literal["edit", "generate", "hybrid", "video", "upscale", "sound"]:
        """How people sort it: *edit* keeps the input's size, *generate* lets you choose, *hybrid* does both.

        What makes nothing but sound is *sound*, whatever its operations.
        """
        if all(can.output_of(operation) == "audio" for operation, can in self.operations.items()):
            return "sound"
        generates, edits = Operation.GENERATE in self.operations, Operation.EDIT in self.operations
        if generates and edits:
            return "hybrid"
        if generates:
            return "generate"
        if edits:
            return "edit"
        return "video" if Operation.VIDEO in self.operations else "upscale"


def split_model_id(model_id: str) -> tuple[str, str]:
    """Split ``backend:native-id`` at the first colon; the backend is empty when there is no colon."""
    backend, colon, native = model_id.partition(":")
    return (backend, native) if colon else ("", model_id)
