"""Caches between steps: faster at the price of another picture, so only for those who ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diorama.contract import JobContext

FIRST_BLOCK = "first-block"
THRESHOLD = 0.08
"""Share by which a step's first block must differ from the last computed one before the others run again."""


@contextmanager
def cache_on(denoisers: list[Any], wanted: str, context: JobContext) -> Iterator[tuple[str, ...]]:
    """Run the block with a cache on the networks of each step, and take it off again.

    Args:
        denoisers: The networks.
        wanted: ``first-block``, or anything else for none.
        context: Told when a network takes none.

    Yields:
        What is on, for the recipe.
    """
    if wanted != FIRST_BLOCK:
        yield ()
        return
    from diffusers import FirstBlockCacheConfig

    active = []
    try:
        for denoiser in denoisers:
            denoiser.enable_cache(FirstBlockCacheConfig(threshold=THRESHOLD))
            active.append(denoiser)
    except (ValueError, AttributeError) as error:
        context.ignored("cache", wanted, f"This model takes no such cache: {str(error)[:200]}")
    try:
        yield (f"cache:{wanted}",) if active else ()
    finally:
        for denoiser in active:
            denoiser.disable_cache()
