"""Where things lie and how the engine behaves: defaults, then ``config.toml``, then ``DIORAMA_*`` variables.

``DIORAMA_HOME`` puts configuration, data and cache under one folder. A nested key is named with double underscores:
``DIORAMA_SERVER__PORT=9000`` is ``port`` in the table ``[server]``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from diorama.contract.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Table ``[server]``.

    Attributes:
        host: Address to listen on; any but loopback demands ``api_keys``.
        port: TCP port; 0 picks a free one.
        api_keys: Keys that callers may present.
        allowed_hosts: Further names accepted in the ``Host`` header.
        allowed_origins: Further origins that may send requests which change something.
    """

    host: str = "127.0.0.1"
    port: int = 8031
    api_keys: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Table ``[limits]``: what a request may cost this machine.

    Attributes:
        upload_bytes: Largest uploaded file.
        upload_files: Most files in one request.
        image_pixels: Largest image, width times height, in and out.
        video_frames: Most frames of a video that comes in.
        audio_seconds: Longest sound that is kept or comes in.
        queued_jobs: Most unfinished jobs.
        min_free_bytes: Jobs are refused when the data disk has less room.
        cancel_grace_seconds: A worker that has not obeyed a cancel by then is killed.
        worker_idle_seconds: Models are unloaded after this long without a job; 0 keeps them.
    """

    upload_bytes: int = 50 * 1024**2
    upload_files: int = 16
    image_pixels: int = 64_000_000
    video_frames: int = 20_000
    audio_seconds: int = 3600
    queued_jobs: int = 100_000
    min_free_bytes: int = 200 * 1024**2
    cancel_grace_seconds: float = 10.0
    worker_idle_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingSettings:
    """Table ``[spending]``: the most that may be spent, by currency; empty for no limit.

    Written as a number for US dollars (``per_day = 5.0``) or as a table by currency
    (``per_day = { USD = 5.0, credits = 200 }``). Credits of providers are never converted.

    Attributes:
        per_job: Highest estimate of one job.
        per_day: Highest sum of a calendar day of this machine.
        per_session: Highest sum of one session.
    """

    per_job: Mapping[str, float] = field(default_factory=dict)
    per_day: Mapping[str, float] = field(default_factory=dict)
    per_session: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set.

    Attributes:
        config_dir: Holds ``config.toml``, ``prices.toml``, what the server keeps in ``providers.toml`` and
            ``spending.toml`` and, without a system keyring, ``secrets.toml``.
        data_dir: Database, assets, inputs.
        cache_dir: Things that can be made again.
        models_dirs: Folders with model files, most important first.
        database_url: SQLAlchemy URL; empty for SQLite in the data directory.
        default_model: Model used when none is named.
        output_format: ``png``, ``jpeg`` or ``webp``.
        offline: Try no network at all.
        keyring: Keep keys in the system's keyring where there is one.
        plugins_allow: When not empty, only these entry-point names are loaded.
        devices: Devices for worker backends; empty to detect them.
        worker_python: Interpreter of the workers; empty for this one.
        server: Table ``[server]``.
        limits: Table ``[limits]``.
        spending: Table ``[spending]``.
        backends: Tables ``[backends.<id>]``; key ``plugin`` names the entry point when it differs from the id.
        aliases: Names of the user's own for model ids.
        origins: Where each value that is not a default came from (``config.toml``, a variable, a flag).
    """

    config_dir: Path
    data_dir: Path
    cache_dir: Path
    models_dirs: tuple[Path, ...] = ()
    database_url: str = ""
    default_model: str = "local:pocket"
    output_format: str = "png"
    offline: bool = False
    keyring: bool = True
    plugins_allow: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    worker_python: str = ""
    server: ServerSettings = field(default_factory=ServerSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    spending: SpendingSettings = field(default_factory=SpendingSettings)
    backends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def config_file(self) -> Path:
        """The user's configuration file."""
        return self.config_dir / "config.toml"

    @property
    def prices_file(self) -> Path:
        """Prices of the user's own."""
        return self.config_dir / "prices.toml"

    @property
    def providers_file(self) -> Path:
        """Addresses and switches of backends that were set through the server; goes over ``config.toml``."""
        return self.config_dir / "providers.toml"

    @property
    def spending_file(self) -> Path:
        """Caps that were set through the server; each stands in place of the one in ``config.toml``."""
        return self.config_dir / "spending.toml"

    @property
    def assets_dir(self) -> Path:
        """Finished files."""
        return self.data_dir / "assets"

    @property
    def inputs_dir(self) -> Path:
        """Uploaded files, by content."""
        return self.data_dir / "inputs"

    @property
    def work_dir(self) -> Path:
        """One folder per running job."""
        return self.data_dir / "work"


def load_settings(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Read the settings in force.

    Args:
        environ: Variables; the process's own when ``None``.
        flags: Values from the command line, strongest; ``None`` values are skipped.

    Raises:
        InvalidRequest: the file is not TOML, or a key or value is not known; ``field`` names it.
    """
    env = os.environ if environ is None else environ
    settings = _default_places(env)
    origins: dict[str, str] = {}
    table = read_table(settings.config_file)
    settings = _apply(settings, table, str(settings.config_file), origins)
    kept = read_table(settings.providers_file)
    settings = _apply(settings, {"backends": kept} if kept else {}, str(settings.providers_file), origins)
    settings = _with_kept_caps(settings, origins)
    settings = _apply(settings, _from_environ(env), "environment", origins)
    given = {key: value for key, value in flags.items() if value is not None}
    settings = _apply(settings, given, "command line", origins)
    if not settings.models_dirs:
        settings = replace(settings, models_dirs=(settings.data_dir / "models",))
    if env.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        settings = replace(settings, offline=True)
        origins.setdefault("offline", "environment")
    done: Settings = replace(settings, origins=origins)
    return done


def _with_kept_caps(settings: Settings, origins: dict[str, str]) -> Settings:
    caps = read_table(settings.spending_file)
    if not caps:
        return settings
    none: Mapping[str, float] = {}  # an empty table lifts a cap of config.toml
    known = [item.name for item in fields(SpendingSettings) if item.name in caps]
    fresh = replace(settings.spending, **dict.fromkeys(known, none))
    settings = replace(settings, spending=fresh)
    done: Settings = _apply(settings, {"spending": caps}, str(settings.spending_file), origins)
    return done


def _default_places(env: Mapping[str, str]) -> Settings:
    home = env.get("DIORAMA_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Settings(config_dir=root / "config", data_dir=root / "data", cache_dir=root / "cache")
    import platformdirs

    return Settings(
        config_dir=platformdirs.user_config_path("diorama"),
        data_dir=platformdirs.user_data_path("diorama"),
        cache_dir=platformdirs.user_cache_path("diorama"),
    )


def read_table(path: Path) -> dict[str, Any]:
    """Return a TOML file as a dict; an absent file is empty.

    Raises:
        InvalidRequest: it is not TOML.
    """
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"{path} is not valid TOML: {error}.",
            field="config",
            fix="Correct that line, or rename the file to start anew.",
        ) from error


_CONTROL = ("HOME", "SERVER", "TOKEN", "API_KEY", "TRACE")
"""``DIORAMA_*`` names that are read elsewhere and are not settings."""


def _from_environ(env: Mapping[str, str]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, text in env.items():
        if not name.startswith("DIORAMA_") or name.removeprefix("DIORAMA_") in _CONTROL:
            continue
        *tables, key = name.removeprefix("DIORAMA_").lower().split("__")
        place = table
        for part in tables:
            inner = place.get(part)
            place[part] = (
                inner if isinstance(inner, dict) else {}
            )  # a table says more than a word of its name
            place = place[part]
        if not isinstance(place.get(key), dict):
            place[key] = text
    return table


def _apply(
    base: Any, table: Mapping[str, Any], origin: str, origins: dict[str, str], prefix: str = ""
) -> Any:
    known = {item.name: item for item in fields(base)}
    changes: dict[str, Any] = {}
    for key, value in table.items():
        name = prefix + key
        if key not in known or key == "origins":
            if origin == "environment":
                continue  # another program's variable with our prefix must not stop us
            raise InvalidRequest(
                f"Unknown setting {name!r} in {origin}.",
                field=name,
                fix=f"Known here: {', '.join(sorted(known))}.",
            )
        current = getattr(base, key)
        if isinstance(current, ServerSettings | LimitSettings | SpendingSettings):
            if not isinstance(value, Mapping):
                raise InvalidRequest(
                    f"Setting {name!r} must be a table.", field=name, fix=f"Write it as [{name}]."
                )
            changes[key] = _apply(current, value, origin, origins, name + ".")
        elif isinstance(base, SpendingSettings):
            changes[key] = {**current, **_amounts(name, value)}
            origins[name] = origin
        else:
            changes[key] = _convert(name, current, value)
            origins[name] = origin
    return replace(base, **changes) if changes else base


def _convert(name: str, current: Any, value: Any) -> Any:
    try:
        if isinstance(current, bool):
            return _as_bool(value)
        if isinstance(current, Path):
            return Path(str(value)).expanduser().absolute()
        if isinstance(current, tuple):
            items = (
                value.split(os.pathsep if name == "models_dirs" else ",")
                if isinstance(value, str)
                else list(value)
            )
            cleaned = [str(item).strip() for item in items if str(item).strip()]
            return (
                tuple(Path(item).expanduser().absolute() for item in cleaned)
                if name == "models_dirs"
                else tuple(cleaned)
            )
        if isinstance(current, Mapping):
            if name == "backends" and not all(isinstance(item, Mapping) for item in dict(value).values()):
                raise ValueError("a backend is a table")
            return _merged(current, value)
        made = type(current)(value)
        if isinstance(made, int | float) and not 0 <= made < float("inf"):
            raise ValueError("no amount")
        if name == "output_format" and made not in ("png", "jpeg", "webp"):
            raise ValueError("no format of pictures")
        return made
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"Setting {name!r} cannot be {value!r}.",
            field=name,
            fix=f"Give a {type(current).__name__}, such as {current!r}.",
        ) from error


def _merged(current: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """A stronger source changes single keys of a table such as ``[backends.fal]``; the others stay."""
    changed: dict[str, Any] = {
        key: {**current[key], **item}
        if isinstance(item, Mapping) and isinstance(current.get(key), Mapping)
        else item
        for key, item in dict(value).items()
    }
    return {**current, **changed}


def _amounts(name: str, value: Any) -> dict[str, float]:
    """Return amounts by currency: a bare number means US dollars; names of currencies are upper case, but ``credits``."""
    table = value if isinstance(value, Mapping) else {"USD": value}
    amounts = {}
    for currency, amount in table.items():
        word = "credits" if str(currency).lower() == "credits" else str(currency).upper()
        try:
            amounts[word] = float(amount)
        except (TypeError, ValueError):
            amounts[word] = -1.0
        if isinstance(amount, bool) or not 0 <= amounts[word] < float("inf"):
            raise InvalidRequest(
                f"Setting {name!r} cannot be {value!r}.",
                field=name,
                fix="Give an amount of 0 or more in US dollars, or a table such as { USD = 5.0, credits = 200 }.",
            )
    return amounts


def _as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(word)
