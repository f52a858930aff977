"""LoRA in a provider's body: each model has names of its own for where one lies and how strong it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diorama.contract.errors import InvalidRequest
from diorama.contract.loras import check_lora
from diorama.contract.remote.call import Call

Pair = tuple[str, float]
Target = str | Sequence[Sequence[str]]
"""``"loras{path,scale}"``: a list of objects; ``[["lora", "scale"], ["extras[]", "scales[]"]]``: fields for the first, the
second ...; a pair with ``[]`` takes all that are left."""


def loras_of(call: Call) -> list[Pair]:
    """Return where each LoRA of the request lies, as the model takes it, and its weight.

    Raises:
        InvalidRequest: the provider cannot fetch one of them.
    """
    return [(_named(call, item.id), item.weight) for item in call.request.loras]


def _named(call: Call, text: str) -> str:
    title = call.offer.info.title
    name = check_lora(text, call.capabilities.lora_sources, title)
    if name.source == "own":
        return name.text
    if name.address is not None:
        return name.address
    pattern = call.wire.tools.get("lora_repository")
    if pattern is None:
        raise InvalidRequest(
            f"{title} needs the file of the LoRA {text!r}.",
            field="loras",
            fix=f"Give {text}/FILE.safetensors.",
        )
    return str(pattern).format(name.repository)


def place_loras(body: dict[str, Any], target: Target, loras: Sequence[Pair]) -> None:
    """Put LoRA into a body."""
    if isinstance(target, str):
        name, _, keys = target.rstrip("}").partition("{")
        where, strength = keys.split(",")
        body[name] = [{where: address, strength: weight} for address, weight in loras]
        return
    left = list(loras)
    for where, strength in target:
        if not left:
            return
        if where.endswith("[]"):
            body[where[:-2]] = [address for address, _ in left]
            body[strength[:-2]] = [weight for _, weight in left]
            return
        body[where], body[strength] = left.pop(0)
