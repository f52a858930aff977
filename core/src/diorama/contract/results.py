"""What a backend gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MediaKind = Literal["image", "video", "audio"]
"""What a stored file is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One output, as :meth:`JobContext.save` returned it.

    Attributes:
        index: Position among the job's outputs, from 0.
        kind: What it is.
        width: Pixels; 0 for sound.
        height: Pixels; 0 for sound.
        seed: Seed that made it, when one did.
    """

    index: int
    kind: MediaKind = "image"
    width: int = 0
    height: int = 0
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a job did cost or will cost.

    Attributes:
        amount: 0 or more.
        currency: ISO 4217 code or ``credits``.
        estimated: False only when the provider reported the figure.
    """

    amount: float
    currency: str = "USD"
    estimated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end of a successful call.

    Attributes:
        artifacts: Outputs in order. They were handed over through ``context.save``.
        facts: Plain values worth keeping in the recipe: model revision, LoRA hashes, library versions, timings in
            seconds, the provider's request id. Never a secret.
        cost: What the provider charged, when it said so.
    """

    artifacts: tuple[Artifact, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost | None = None
