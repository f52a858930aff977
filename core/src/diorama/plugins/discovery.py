"""Which plugins are installed, read from the entry points without importing any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """One entry point.

    Attributes:
        name: Entry-point name; the usual backend id.
        value: ``module:attribute`` of the factory.
        distribution: Name of the installed package, empty for one named in the settings.
        version: Its version.
    """

    name: str
    value: str
    distribution: str = ""
    version: str = ""


def discover(group: str) -> list[Discovered]:
    """Return the entry points of ``group``, sorted by name, in the order of ``sys.path`` within a name."""
    found = []
    for point in metadata.entry_points(group=group):
        distribution = point.dist
        found.append(
            Discovered(
                name=point.name,
                value=point.value,
                distribution=distribution.name if distribution else "",
                version=distribution.version if distribution else "",
            )
        )
    return sorted(found, key=lambda item: item.name)


def split_duplicates(found: Iterable[Discovered]) -> tuple[dict[str, Discovered], list[Discovered]]:
    """Keep the first entry point of each name; return the others apart, so that they can be reported."""
    kept: dict[str, Discovered] = {}
    extra: list[Discovered] = []
    for item in found:
        if item.name in kept:
            extra.append(item)
        else:
            kept[item.name] = item
    return kept, extra


def load_factory(item: Discovered) -> object:
    """Import what the entry point names.

    Raises:
        Exception: whatever the plugin's module raises; the caller puts it on the broken list.
    """
    return metadata.EntryPoint(name=item.name, value=item.value, group="").load()
