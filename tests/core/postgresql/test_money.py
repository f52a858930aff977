"""Caps and costs: the very tests that SQLite passes."""

from __future__ import annotations

from core.conftest import ask, make_engine  # noqa: F401
from core.spending.test_caps import *  # noqa: F403
from core.spending.test_costs import *  # noqa: F403
