"""What can go wrong on the way to a server, before it means anything to a job."""

from __future__ import annotations

from typing import Any


class ServerError(Exception):
    """A server answered, but not as it should. ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ServerOffline(ServerError):
    """Nothing answers at the address, or the connection broke."""


class PromptRefused(ServerError):
    """The server did not take a prompt. ``error`` and ``node_errors`` are its own words."""

    def __init__(self, error: dict[str, Any], node_errors: dict[str, Any], status: int) -> None:
        super().__init__(str(error.get("message") or "the prompt was refused"), status)
        self.error = error
        self.node_errors = node_errors
