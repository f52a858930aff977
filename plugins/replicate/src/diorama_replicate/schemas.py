"""A model as Replicate describes it, and what can be offered of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from diorama.contract import ModelInfo
from diorama.contract.remote import Offer
from diorama.contract.remote.schema import operations_from


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is needed of ``GET /v1/models/{owner}/{name}``.

    Attributes:
        name: ``owner/name``.
        description: The model's own sentence.
        official: Runs by name; others run by version.
        version: Id of the newest version.
        document: Its OpenAPI document.
    """

    name: str
    description: str
    official: bool
    version: str | None
    document: Mapping[str, Any]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Read the answer of Replicate, with whatever it leaves out."""
        version = answer.get("latest_version") or {}
        return cls(
            name=f"{answer.get('owner')}/{answer.get('name')}",
            description=str(answer.get("description") or "")[:400],
            official=bool(answer.get("is_official", False)),
            version=version.get("id"),
            document=version.get("openapi_schema") or {},
        )

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The schema of the input object."""
        return dict(self.document.get("components", {}).get("schemas", {}).get("Input", {}))

    @property
    def properties(self) -> Mapping[str, Any]:
        """The input's fields."""
        return dict(self.inputs.get("properties", {}))


def offer_from(card: ModelCard, model_id: str) -> Offer | None:
    """Return what can be offered of a model by its schema; ``None`` for one that makes neither pictures nor films."""
    kind = kind_of(card)
    if kind is None or not card.properties:
        return None
    operations, wires = operations_from(card.inputs, kind, card.document, name=card.name)
    tools = {} if card.official else {"by_version": True}
    info = ModelInfo(
        id=model_id, title=card.name, operations=operations, description=card.description, author=card.name.split("/")[0],
        category={"video": "video", "upscale": "upscale"}.get(kind, "other"), revision=card.version,
        data_leaves_machine=True, links={"homepage": f"https://replicate.com/{card.name}"},
    )  # fmt: skip
    return Offer(
        info=info,
        wires={key: replace(wire, tools={**wire.tools, **tools}) for key, wire in wires.items()},
    )


def kind_of(card: ModelCard) -> Literal["image", "video", "upscale"] | None:
    """Guess what comes out, from the fields and the words: the output schema only says that it is an address."""
    output = card.document.get("components", {}).get("schemas", {}).get("Output", {})
    if output.get("type") == "string" and output.get("format") != "uri":
        return None  # text
    words, fields = f"{card.name} {card.description}".lower(), set(card.properties)
    if fields & {"num_frames", "fps", "frames_per_second", "duration", "video"} or "video" in words:
        return "upscale" if "upscal" in words else "video"
    if "prompt" not in fields and fields & {"scale", "upscale_factor", "image", "img"}:
        return "upscale"
    return "image"
