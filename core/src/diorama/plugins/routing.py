"""The one place where a hook is called: the owner of the model only, inside the installed extensions."""

from __future__ import annotations

from typing import Any

from diorama.contract import OperationNotSupported
from diorama.plugins.registry import PluginRegistry


def implements(registry: PluginRegistry, backend_id: str, hook: str) -> bool:
    """Tell whether a backend implements ``hook``."""
    backend = registry.backend(backend_id)
    return any(caller.name == hook for caller in registry.manager.get_hookcallers(backend) or [])


def call(registry: PluginRegistry, backend_id: str, hook: str, **arguments: Any) -> Any:
    """Call ``hook`` of one backend and return its answer.

    A broadcast would be wrong twice: a raising plugin would end it for all, and any generator-shaped implementation
    would answer for models that are not its own. So every other backend is left out of the call, while the wrappers
    of extensions stay in.

    Raises:
        OperationNotSupported: the backend does not implement the hook, or answered ``None``.
        Exception: whatever the backend raises.
    """
    if not implements(registry, backend_id, hook):
        raise OperationNotSupported(f"The backend {backend_id!r} does not offer {hook}.")
    others = [backend for name, backend in registry.backends.items() if name != backend_id]
    answer = registry.manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)
    if answer is None:
        raise OperationNotSupported(f"The backend {backend_id!r} gave no answer to {hook}.")
    return answer
