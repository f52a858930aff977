"""Connections to providers: key, address, switch. What is set here is kept and takes effect at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.access import redaction
from diorama.access.provider_file import checked_address, origin, refuse_variables, write_providers
from diorama.access.secrets import Secrets, SecretStatus
from diorama.catalog import Catalog
from diorama.contract import BackendNotReady, DioramaError, InvalidRequest, UnknownModel
from diorama.plugins.registry import PluginRegistry
from diorama.settings import Settings, read_table


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """What may be told about a provider.

    Attributes:
        id: Backend id.
        title: Name for people.
        is_enabled: Whether it is switched on.
        api_url: Address in use; ``None`` where there is none to choose.
        api_url_changed: Whether the address was set here.
        secrets: Keys it reads, without values.
        models: How many models it lists.
        ready: How many of them can run now.
        fetched_at: Unix seconds of the list; 0 when there is none.
        error: Why the last listing, or the plugin itself, failed.
    """

    id: str
    title: str
    is_enabled: bool
    api_url: str | None
    api_url_changed: bool
    secrets: tuple[SecretStatus, ...]
    models: int
    ready: int
    fetched_at: float
    error: str | None


class Providers:
    """Backends that somebody else runs, and how they are reached.

    Args:
        settings: Settings in force; their table of backends follows what is changed here.
        registry: The backends.
        secrets: Their keys.
        catalog: Their models.
    """

    def __init__(
        self, settings: Settings, registry: PluginRegistry, secrets: Secrets, catalog: Catalog
    ) -> None:
        self._settings, self._registry, self._secrets, self._catalog = settings, registry, secrets, catalog
        self._lock = threading.Lock()

    def all(self) -> list[ProviderStatus]:
        """Return every provider: backends that read a key or have an address, also those switched off or broken."""
        kept = read_table(self._settings.providers_file)
        names = [
            name
            for name, backend in list(self._registry.backends.items())
            if backend.secrets or getattr(backend, "api_url", None)
        ]
        names += [name for name in (*self._registry.disabled, *kept) if name not in names]
        return [self._status(name, kept) for name in dict.fromkeys(names)]

    def get(self, provider_id: str) -> ProviderStatus:
        """Return one provider.

        Raises:
            UnknownModel: there is no such backend.
        """
        self._known(provider_id)
        return self._status(provider_id, read_table(self._settings.providers_file))

    def change(
        self,
        provider_id: str,
        *,
        secrets: Mapping[str, str | None] | None = None,
        api_url: str | None = None,
        is_enabled: bool | None = None,
    ) -> ProviderStatus:
        """Set keys, address or switch. Running jobs go on as they began.

        Args:
            provider_id: Backend id.
            secrets: Keys by name; ``None`` forgets one.
            api_url: New address, empty to return to the usual one; ``None`` leaves it. One of another server must come
                together with the keys.
            is_enabled: Switch; ``None`` leaves it.

        Raises:
            UnknownModel: there is no such backend.
            InvalidRequest: a value cannot be used; nothing of it is kept.
        """
        self._known(provider_id)
        changes: dict[str, Any] = {}
        backend = self._registry.backends.get(provider_id)
        if api_url and backend is not None and not hasattr(backend, "api_url"):
            raise InvalidRequest(
                f"{provider_id} has no single address.", field="api_url",
                fix=f"Set its servers under [backends.{provider_id}] in config.toml.",
            )  # fmt: skip
        if api_url:
            self._keep_keys_home(provider_id, checked_address(api_url), secrets or {})
        if api_url is not None:
            changes["api_url"] = checked_address(api_url) if api_url else None
        if is_enabled is not None:
            changes["enabled"] = is_enabled
        refuse_variables(provider_id, changes)
        for name, value in (secrets or {}).items():
            if value is None:
                self._secrets.delete(provider_id, name)
            else:
                self._secrets.set(provider_id, name, value)
        if changes:
            self._keep(provider_id, changes)
        self._relist(provider_id)
        return self.get(provider_id)

    def forget(self, provider_id: str) -> bool:
        """Remove keys, address and switch that were set here; True when there was something.

        Keys in variables, and what ``config.toml`` says, stay in force.

        Raises:
            UnknownModel: there is no such backend.
        """
        self._known(provider_id)
        backend = self._registry.backends.get(provider_id)
        names = list(backend.secrets) if backend else ["api_key"]
        gone = [self._secrets.delete(provider_id, name) for name in names]
        gone.append(self._keep(provider_id, {"api_url": None, "enabled": None}))
        self._relist(provider_id)
        return any(gone)

    def test(self, provider_id: str) -> str:
        """Make a real call with key and address; return a sentence about what answered.

        Raises:
            UnknownModel: there is no such backend.
            BackendNotReady: the key is missing or refused, or the backend is switched off.
            BackendError: the service does not answer.
        """
        backend = self._registry.backend(provider_id)
        try:
            return redaction.redact(backend.check(self._catalog.context(provider_id)))
        except DioramaError as error:
            redaction.scrub_error(error)
            raise

    def discover(self, provider_id: str) -> ProviderStatus:
        """Ask the provider for its models now, and keep the list.

        Raises:
            UnknownModel: there is no such backend.
            BackendNotReady: it is switched off or broken.
        """
        self._catalog.refresh(provider_id)
        return self.get(provider_id)

    def _known(self, provider_id: str) -> None:
        try:
            self._registry.backend(provider_id)
        except BackendNotReady:
            return  # broken or switched off: it can be mended here
        except UnknownModel as error:
            error.field = "provider_id"
            raise

    def _status(self, name: str, kept: Mapping[str, Any]) -> ProviderStatus:
        backend = self._registry.backends.get(name)
        listing = self._catalog.listings().get(name)
        models = listing.models if listing and backend else ()
        broken = next((item.reason for item in self._registry.broken if item.name == name), None)
        options = self._settings.backends.get(name, {})
        address = getattr(backend, "api_url", None) or options.get("api_url")
        return ProviderStatus(
            id=name,
            title=(backend.title if backend else "") or name,
            is_enabled=name not in self._registry.disabled,
            api_url=str(address) if address else None,
            api_url_changed="api_url" in kept.get(name, {}),
            secrets=self._secrets.status(name),
            models=len(models),
            ready=sum(model.availability.state == "ready" for model in models),
            fetched_at=listing.fetched_at if listing else 0.0,
            error=broken or (listing.error if listing else None),
        )

    def _keep_keys_home(self, provider_id: str, address: str, given: Mapping[str, str | None]) -> None:
        """Keys are write-only: nobody may read one by pointing its provider to a server of their own.

        Raises:
            InvalidRequest: a key that is set, and not given with the new address, would be sent there.
        """
        if provider_id not in self._registry.backends:  # then it cannot say which keys it reads
            raise InvalidRequest(
                f"{provider_id} is switched off or broken.", field="api_url", fix="Switch it on first."
            )
        if origin(address) == origin(self.get(provider_id).api_url or ""):
            return
        for secret in self._secrets.status(provider_id):
            if secret.source == "environment":
                raise InvalidRequest(
                    f"The key that is exported as {' or '.join(secret.variables)} would be sent to another server.",
                    field="api_url",
                    fix=f"Set api_url under [backends.{provider_id}] in config.toml, and restart.",
                )
            if secret.set and secret.name not in given:
                raise InvalidRequest(
                    "The key that is kept would be sent to another server.",
                    field=secret.name,
                    fix=f"Give {secret.name} again, together with the new address.",
                )

    def _keep(self, provider_id: str, changes: Mapping[str, Any]) -> bool:
        """Write changes, let the settings in force follow, and make the backend anew. ``None`` removes a value."""
        with self._lock:
            path = self._settings.providers_file
            kept = read_table(path)
            before = kept.pop(provider_id, {})
            if all(value is None and key not in before for key, value in changes.items()):
                return False
            after = {key: value for key, value in {**before, **changes}.items() if value is not None}
            write_providers(path, {**kept, provider_id: after} if after else kept)
            self._apply(provider_id, changes)
            self._registry.reload(provider_id)
        return True

    def _apply(self, provider_id: str, changes: Mapping[str, Any]) -> None:
        """Change the table of one backend where every part of the engine reads it."""
        tables = self._settings.backends
        written = read_table(self._settings.config_file).get("backends", {}).get(provider_id, {})
        options = {**tables.get(provider_id, {}), **changes}
        for key, value in changes.items():
            if value is None:
                options[key] = written.get(key)
        assert isinstance(tables, dict)
        tables[provider_id] = {key: value for key, value in options.items() if value is not None}

    def _relist(self, provider_id: str) -> None:
        """Show the models as they are with the new key or address, without keeping the caller waiting."""
        self._catalog.forget(provider_id)
        if provider_id in self._registry.backends:
            threading.Thread(target=self._list_again, args=(provider_id,), name="relist", daemon=True).start()

    def _list_again(self, provider_id: str) -> None:
        try:
            self._catalog.refresh(provider_id, force=False)
        except DioramaError:
            return  # switched off meanwhile
