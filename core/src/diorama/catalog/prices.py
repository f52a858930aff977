"""The user's own prices, laid over what backends say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.contract import InvalidRequest, ModelInfo, Operation, Price, from_plain
from diorama.settings import read_table

NOTE = "Set by the user in prices.toml."
"""Stands in the price's note, so that people see where the number comes from."""


class PriceBook:
    """Prices by model id, family or backend id; the most exact one counts.

    Args:
        path: ``prices.toml``; it may be absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: Mapping[str, Any] = {}

    def load(self) -> bool:
        """Read the file again; True when it has changed.

        Raises:
            InvalidRequest: it is not TOML, or an entry is no price; ``field`` names it.
        """
        table = read_table(self._path)
        for key, value in table.items():
            _price(key, value, Price(amount=0.0))
        changed = table != self._table
        self._table = table
        return changed

    def applied(self, model: ModelInfo) -> ModelInfo:
        """Return ``model`` with the user's price, where there is one."""
        for key in (model.id, model.family, model.backend):
            if key and key in self._table:
                base = model.price or Price(amount=0.0, per=_usual_unit(model))
                return replace(model, price=_price(key, self._table[key], base))
        return model


def _usual_unit(model: ModelInfo) -> Any:
    return "video" if Operation.VIDEO in model.operations else "image"


def _price(key: str, value: Any, base: Price) -> Price:
    """A number keeps the currency and unit that the backend gives; a table may change them."""
    changes = value if isinstance(value, Mapping) else {"amount": value}
    known = {"amount", "currency", "per", "note", "as_of"}
    plain = {"currency": base.currency, "per": base.per, "note": NOTE, **changes}
    try:
        price = from_plain(Price, plain)
        if set(changes) - known or isinstance(changes.get("amount"), bool | str):
            raise ValueError("it has other keys than amount, currency, per, note, as_of")
        if not 0 <= price.amount < math.inf:
            raise ValueError("the amount is below 0")
    except ValueError as error:
        raise InvalidRequest(
            f"The price of {key!r} in prices.toml cannot be used: {error}.",
            field=f"prices.{key}",
            fix='Write a number, or { amount = 0.04, currency = "USD", per = "image" }.',
        ) from error
    return price
