"""From what people ask to what a backend is called with; nothing is dropped silently on the way."""

from diorama.resolution.resolve import Resolved, resolve

__all__ = ["Resolved", "resolve"]
