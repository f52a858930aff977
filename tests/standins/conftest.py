"""Fixtures of the stand-ins' own tests."""

from __future__ import annotations

from standins.fixtures import (  # noqa: F401
    fal_server,
    higgsfield_server,
    krea_server,
    loopback_only,
    openai_server,
    replicate_server,
)
