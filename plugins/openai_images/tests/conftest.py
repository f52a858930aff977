"""The loopback guard for all tests of this plugin."""

from __future__ import annotations

from standins.fixtures import loopback_only  # noqa: F401
