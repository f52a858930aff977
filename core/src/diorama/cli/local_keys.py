"""Keys without a server and without an engine: setting one must not start the work that waits."""

from __future__ import annotations

from typing import Any

from diorama.access.secrets import Secrets
from diorama.catalog import Catalog
from diorama.contract import to_plain
from diorama.plugins.registry import PluginRegistry
from diorama.providers import Providers
from diorama.settings import load_settings


class LocalKeys:
    """The part of :class:`diorama.cli.client.Client` that is about keys."""

    def __init__(self) -> None:
        settings = load_settings()
        registry = PluginRegistry(settings)
        registry.load()
        secrets = Secrets(settings, registry.backends)
        catalog = Catalog(registry, settings, secret=secrets.get)
        self._providers = Providers(settings, registry, secrets, catalog)

    def providers(self) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [dict(to_plain(provider)) for provider in self._providers.all()]

    def set_secret(self, provider_id: str, name: str, value: str | None) -> dict[str, Any]:
        """See :class:`Client`."""
        return dict(to_plain(self._providers.change(provider_id, secrets={name: value})))
