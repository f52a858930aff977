"""Curated models from a TOML file: what users see of a model, and how each operation is said to the provider."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from diorama.contract.capabilities import Capabilities, Operation
from diorama.contract.models import Availability, ModelInfo, Price
from diorama.contract.plain import from_plain

_RANGE = re.compile(
    r"(?P<low>\d+(?:\.\d+)?)\.\.(?P<high>\d+(?:\.\d+)?)(?:=(?P<default>\d+(?:\.\d+)?))?(?:/(?P<step>\d+(?:\.\d+)?))?"
)
_WHOLE = ("images_in", "images_out", "num_inference_steps", "frames", "seed_range")
_RANGES = (*_WHOLE, "guidance_scale", "strength", "fps", "duration", "scale")
_WIRE = ("endpoint", "send", "fixed", "input_sides", "tools")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one operation of one model is said to the provider.

    Attributes:
        endpoint: The provider's name of it; empty for the model's native id.
        send: From our field to the provider's. A name may end in ``[]`` (a list), ``{}`` (an object with width and
            height), ``:str``, ``:x`` (``"1024x768"``); a list of names takes input images one each. For ``loras`` see
            ``diorama.contract.remote.loras``.
        fixed: Always sent; the user's own parameters go over it.
        input_sides: Smallest and largest side of an input image in pixels; others are resized before they are sent.
        tools: Further facts for the plugin itself.
    """

    endpoint: str = ""
    send: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    input_sides: tuple[int, int] | None = None
    tools: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model with the wire of each operation."""

    info: ModelInfo
    wires: Mapping[Operation, Wire]

    def with_availability(self, availability: Availability) -> ModelInfo:
        """Return the catalog entry in its present state."""
        return replace(self.info, availability=availability)


def load_offers(package: str, backend: str, prices: Mapping[str, Any] | None = None) -> dict[str, Offer]:
    """Read ``models.toml`` of a package.

    Args:
        package: Import name of the plugin.
        backend: Backend id, the prefix of the model ids.
        prices: The user's own prices by native id: an amount, or a table like in the file.

    Raises:
        ValueError: the file does not fit; the sentence names the model and the place.
    """
    folder = Path(str(import_module(package).__file__)).parent
    data = tomllib.loads((folder / "models.toml").read_text("utf-8"))
    offers = {}
    for entry in data["models"]:
        try:
            offers[entry["id"]] = _offer(entry, backend, data.get("sizes", {}))
        except (KeyError, ValueError) as error:
            raise ValueError(f"models.toml of {package}, model {entry.get('id')!r}: {error}") from error
    for native, price in (prices or {}).items():
        if native in offers:
            offers[native] = replace(offers[native], info=_priced(offers[native].info, price))
    return offers


def _offer(entry: Mapping[str, Any], backend: str, sizes: Mapping[str, Any]) -> Offer:
    operations, wires = {}, {}
    for name, table in entry["operations"].items():
        operations[name] = _capabilities(table, sizes)
        wire = {key: table[key] for key in _WIRE if key in table}
        wires[Operation(name)] = from_plain(Wire, wire)
    plain = {**entry, "id": f"{backend}:{entry['id']}", "operations": operations, "data_leaves_machine": True}
    return Offer(info=from_plain(ModelInfo, plain), wires=wires)


def _capabilities(table: Mapping[str, Any], sizes: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in table.items() if name not in _WIRE}
    unknown = set(plain) - set(Capabilities.__dataclass_fields__)
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    for name in _RANGES:
        if isinstance(plain.get(name), str):
            plain[name] = parse_range(plain[name], whole=name in _WHOLE)
    if isinstance(plain.get("sizes"), str):
        plain["sizes"] = sizes[plain["sizes"]]
    if "parameters" in plain:
        plain["parameters"] = {
            "type": "object",
            "additionalProperties": False,
            "properties": plain["parameters"],
        }
    return {"resumable": True, **plain}


def parse_range(text: str, *, whole: bool = False) -> dict[str, Any]:
    """Read ``"1..50=28"`` or ``"81..121=81/4"`` (minimum, maximum, default, step) as a plain ``Range``."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no range")
    number = int if whole else float
    plain = {"minimum": number(match["low"]), "maximum": number(match["high"]), "integer": whole}
    if match["default"]:
        plain["default"] = number(match["default"])
    if match["step"]:
        plain["step"] = number(match["step"])
    return plain


def _priced(info: ModelInfo, price: Any) -> ModelInfo:
    if isinstance(price, (int, float)):
        base = info.price or Price(amount=0.0)
        return replace(info, price=replace(base, amount=float(price), note="Set by the user."))
    return replace(info, price=from_plain(Price, price))
