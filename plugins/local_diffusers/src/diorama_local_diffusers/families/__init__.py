"""All families that this backend knows, by type and by pipeline class."""

from __future__ import annotations

from functools import cache

from diorama.contract import InvalidRequest

from diorama_local_diffusers.families.base import Family


@cache
def families() -> dict[str, Family]:
    """Return every family by its type."""
    from diorama_local_diffusers.families.sd import StableDiffusion

    return {family.name: family for family in (StableDiffusion(),)}


def family_named(name: str) -> Family:
    """Return the family of type ``name``.

    Raises:
        InvalidRequest: there is none.
    """
    known = families()
    if name not in known:
        raise InvalidRequest(
            f"Unknown model type {name!r}.", field="type", fix=f"Known types: {', '.join(sorted(known))}."
        )
    return known[name]
