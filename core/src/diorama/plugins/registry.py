"""Loading backends and extensions. A plugin that fails lands on the broken list and harms nobody else."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pluggy

from diorama.contract import (
    BACKENDS_GROUP,
    EXTENSIONS_GROUP,
    HOOK_API,
    Backend,
    BackendNotReady,
    BackendSettings,
    HookSpecs,
    UnknownModel,
)
from diorama.contract.hooks import PROJECT
from diorama.plugins.discovery import Discovered, discover, load_factory, split_duplicates
from diorama.settings import Settings

log = logging.getLogger(__name__)
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_EXTENSION_PREFIX = "extension "


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPlugin:
    """A plugin that could not be used.

    Attributes:
        name: Backend id or entry-point name.
        distribution: Package that provides it.
        version: Version of that package.
        reason: What went wrong, in one line.
    """

    name: str
    distribution: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """A backend or extension in use.

    Attributes:
        id: Backend id, or entry-point name of an extension.
        kind: ``backend`` or ``extension``.
        title: Name for people.
        distribution: Package that provides it.
        version: Version of that package.
        hooks: Hooks it implements.
        placement: Where a backend's jobs run.
    """

    id: str
    kind: str
    title: str
    distribution: str
    version: str
    hooks: tuple[str, ...]
    placement: str = ""


class PluginRegistry:
    """The backends of this process.

    Args:
        settings: The tables ``[backends.<id>]`` configure instances; ``plugins_allow`` restricts what is loaded.
        device: Device of the worker process this is, empty in the server.
        only: Load only these backend ids; ``None`` for all.
    """

    def __init__(self, settings: Settings, *, device: str = "", only: Collection[str] | None = None) -> None:
        self.settings = settings
        self.device = device
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(HookSpecs)
        self._only = only
        self._backends: dict[str, Backend] = {}
        self._loaded: dict[str, LoadedPlugin] = {}
        self._broken: list[BrokenPlugin] = []
        self._disabled: list[str] = []
        self._retired: list[Backend] = []

    def load(self) -> None:
        """Find, import and register everything; nothing is raised for a plugin's fault."""
        points = self._allowed(BACKENDS_GROUP)
        for backend_id, item, options in self._instances(points):
            if self._only is None or backend_id in self._only:
                self._guarded(backend_id, item, partial(self._add_backend, backend_id, item, options))
        for name, item in self._allowed(EXTENSIONS_GROUP).items():
            self._guarded(name, item, partial(self._add_extension, name, item))

    def reload(self, backend_id: str) -> None:
        """Make one instance anew from the settings as they are now, or take it away where they switch it off.

        Jobs that are running keep the old object; it is closed with the registry. A fault puts it on the broken list.
        """
        old = self._backends.pop(backend_id, None)
        if old is not None:
            self.manager.unregister(old)
            self._loaded.pop(backend_id, None)
            self._retired.append(old)
        self._broken = [item for item in self._broken if item.name != backend_id]
        for name, item, options in self._instances(self._allowed(BACKENDS_GROUP, quiet=True)):
            if name == backend_id:
                self._guarded(name, item, partial(self._add_backend, name, item, options))

    def backend(self, backend_id: str) -> Backend:
        """Return a backend.

        Raises:
            BackendNotReady: it is switched off, or installed but broken; the sentence says why.
            UnknownModel: there is no such backend.
        """
        if backend_id in self._backends:
            return self._backends[backend_id]
        if backend_id in self._disabled:
            raise BackendNotReady(
                f"The backend {backend_id!r} is switched off.",
                field="model",
                fix=f"Switch it on: `enabled = true` under [backends.{backend_id}], or in the settings of the page.",
            )
        for broken in self._broken:
            if broken.name == backend_id:
                raise BackendNotReady(
                    f"The backend {backend_id!r} could not be loaded: {broken.reason}",
                    fix=f"Update or remove the package {broken.distribution or backend_id!r}; `diorama plugins` shows it.",
                )
        known = ", ".join(sorted(self._backends)) or "none"
        raise UnknownModel(
            f"There is no backend {backend_id!r}.", field="model", fix=f"Installed backends: {known}."
        )

    @property
    def backends(self) -> Mapping[str, Backend]:
        """All usable backends by id."""
        return self._backends

    @property
    def loaded(self) -> tuple[LoadedPlugin, ...]:
        """Backends and extensions in use."""
        return tuple(self._loaded.values())

    @property
    def broken(self) -> tuple[BrokenPlugin, ...]:
        """What could not be used, and why."""
        return tuple(self._broken)

    @property
    def disabled(self) -> tuple[str, ...]:
        """Ids of instances that the settings switch off."""
        return tuple(self._disabled)

    def extensions(self) -> list[object]:
        """The registered hook wrappers."""
        return [
            plugin for name, plugin in self.manager.list_name_plugin() if name.startswith(_EXTENSION_PREFIX)
        ]

    def add(self, backend: Backend, *, distribution: str = "", version: str = "") -> None:
        """Register a backend object, as tests and embedding programs do.

        Raises:
            ValueError: it is not a usable backend; the sentence says why.
        """
        _check_backend(backend)
        self.manager.register(backend, name=backend.name)
        self._backends[backend.name] = backend
        hooks = tuple(caller.name for caller in self.manager.get_hookcallers(backend) or [])
        self._loaded[backend.name] = LoadedPlugin(
            id=backend.name,
            kind="backend",
            title=backend.title or backend.name,
            distribution=distribution,
            version=version,
            hooks=hooks,
            placement=backend.placement,
        )

    def close(self) -> None:
        """Close every backend; one that fails to close is logged."""
        for backend in (*self._backends.values(), *self._retired):
            try:
                backend.close()
            except Exception:
                log.exception("Backend %s failed to close", backend.name)

    def _allowed(self, group: str, *, quiet: bool = False) -> dict[str, Discovered]:
        kept, extra = split_duplicates(discover(group))
        for item in () if quiet else extra:
            first = kept[item.name]
            self._mark_broken(item.name, item, f"the name is taken by {first.distribution} {first.version}")
        allowed = self.settings.plugins_allow
        return {name: item for name, item in kept.items() if not allowed or name in allowed}

    def _instances(self, points: Mapping[str, Discovered]) -> list[tuple[str, Discovered, Mapping[str, Any]]]:
        """Every entry point once under its own name, and every configured table once under its id."""
        instances: list[tuple[str, Discovered, Mapping[str, Any]]] = []
        tables = self.settings.backends
        for backend_id, item in points.items():
            options = tables.get(backend_id, {})
            if "plugin" not in options:
                instances.append((backend_id, item, options))
        for backend_id, options in tables.items():
            if named := options.get("plugin"):
                point = points.get(named) or Discovered(name=backend_id, value=str(named))
                instances.append((backend_id, point, options))
        self._disabled = [name for name, _, options in instances if not is_enabled(options)]
        return [item for item in instances if is_enabled(item[2])]

    def _guarded(self, name: str, item: Discovered, action: Callable[[], None]) -> None:
        try:
            action()
        except (Exception, SystemExit) as error:
            log.warning("Plugin %s (%s %s) is broken", name, item.distribution, item.version, exc_info=True)
            self._mark_broken(name, item, f"{type(error).__name__}: {error}")

    def _mark_broken(self, name: str, item: Discovered, reason: str) -> None:
        line = " ".join(reason.split())[:400]
        self._broken.append(
            BrokenPlugin(name=name, distribution=item.distribution, version=item.version, reason=line)
        )

    def backend_settings(self, name: str, options: Mapping[str, Any]) -> BackendSettings:
        """Return what the factory of instance ``name`` is called with."""
        return BackendSettings(
            id=name,
            options={key: value for key, value in options.items() if key not in ("plugin", "enabled")},
            data_dir=self.settings.data_dir / "backends" / name,
            cache_dir=self.settings.cache_dir / "backends" / name,
            models_dirs=self.settings.models_dirs,
            config_dir=self.settings.config_dir,
            device=self.device,
            offline=self.settings.offline,
        )

    def _add_backend(self, backend_id: str, item: Discovered, options: Mapping[str, Any]) -> None:
        if not _ID.fullmatch(backend_id):
            raise ValueError(f"{backend_id!r} is no backend id (lower-case letters, digits, '-' and '_')")
        factory = load_factory(item)
        if not callable(factory):
            raise TypeError(f"{item.value} is not callable")
        backend = factory(self.backend_settings(backend_id, options))
        if not isinstance(backend, Backend):
            raise TypeError(f"{item.value} returned {type(backend).__name__}, not a diorama.contract.Backend")
        if backend.name != backend_id:
            raise ValueError(f"it calls itself {backend.name!r}; the name must come from the settings")
        self.add(backend, distribution=item.distribution, version=item.version)

    def _add_extension(self, name: str, item: Discovered) -> None:
        factory = load_factory(item)
        if not callable(factory):
            raise TypeError(f"{item.value} is not callable")
        extension = factory(self.backend_settings(name, self.settings.backends.get(name, {})))
        self.manager.register(extension, name=_EXTENSION_PREFIX + name)
        hooks = tuple(caller.name for caller in self.manager.get_hookcallers(extension) or [])
        self._loaded[_EXTENSION_PREFIX + name] = LoadedPlugin(
            id=name,
            kind="extension",
            title=name,
            distribution=item.distribution,
            version=item.version,
            hooks=hooks,
        )


def is_enabled(options: Mapping[str, Any]) -> bool:
    """Tell whether a table ``[backends.<id>]`` leaves its backend switched on; variables give the value as text."""
    return str(options.get("enabled", True)).strip().lower() not in ("0", "false", "no", "off")


def _check_backend(backend: Backend) -> None:
    if backend.hook_api > HOOK_API:
        raise ValueError(
            f"it was written for contract version {backend.hook_api}, this Diorama offers {HOOK_API}; update Diorama"
        )
    if backend.placement not in ("thread", "worker"):
        raise ValueError(f"its placement is {backend.placement!r}, not 'thread' or 'worker'")
    if backend.concurrency < 1:
        raise ValueError("its concurrency is below 1")
