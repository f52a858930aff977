"""Pytest fixtures: one stand-in each, and the loopback guard. A conftest imports the ones it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import FalStandin, HiggsfieldStandin, KreaStandin, OpenAIStandin, ReplicateStandin, loopback_guard


@pytest.fixture
def loopback_only() -> Iterator[list[str]]:
    """Fail the test when anything in this process connects to, or looks up, another machine."""
    with loopback_guard() as attempts:
        yield attempts


@pytest.fixture
def replicate_server(loopback_only: list[str]) -> Iterator[ReplicateStandin]:
    """Replicate."""
    with ReplicateStandin() as server:
        yield server


@pytest.fixture
def fal_server(loopback_only: list[str]) -> Iterator[FalStandin]:
    """fal."""
    with FalStandin() as server:
        yield server


@pytest.fixture
def krea_server(loopback_only: list[str]) -> Iterator[KreaStandin]:
    """KREA."""
    with KreaStandin() as server:
        yield server


@pytest.fixture
def higgsfield_server(loopback_only: list[str]) -> Iterator[HiggsfieldStandin]:
    """Higgsfield."""
    with HiggsfieldStandin() as server:
        yield server


@pytest.fixture
def openai_server(loopback_only: list[str]) -> Iterator[OpenAIStandin]:
    """A server that speaks the OpenAI Images and Videos shapes."""
    with OpenAIStandin() as server:
        yield server
