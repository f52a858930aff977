"""The server and its machine."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import Body, CleanText, ErrorDetail, View


class HealthView(View):
    """The server answers."""

    status: Literal["ok", "starting"]
    version: str


class SignIn(Body):
    """A key, once."""

    key: CleanText = Field(min_length=1, max_length=512)


class CardView(View):
    """A graphics card."""

    device: str
    name: str
    total_bytes: int
    free_bytes: int


class SystemStatus(View):
    """The machine and the engine."""

    version: str
    python: str
    platform: str
    devices: list[str] = Field(description="Devices that local models run on, best first.")
    cards: list[CardView] = Field(description="The CUDA cards among them, as far as their driver tells.")
    loaded_models: dict[str, list[str]] = Field(description="Models in memory, by device.")
    queue: dict[str, Any]
    libraries: dict[str, str] = Field(description="Versions of the libraries that matter.")
    memory: dict[str, int]
    disk: dict[str, int]
    offline: bool
    data_dir: str


class Room(View):
    """What something takes on disk."""

    files: int
    bytes: int


class StorageView(View):
    """Where the room on the data disk goes; models are told by ``/api/models/cache-status``."""

    library: Room
    trash: Room
    inputs: Room = Field(description="Pictures and videos that people sent in.")
    database: Room
    cache: Room = Field(description="What can be made again.")


class CanGenerate(View):
    """Whether a model can run now, and how it fits into memory."""

    model: str
    can_generate: bool
    availability: str
    verdict: Literal["yes", "with_offload", "no"]
    reason: str
    fix: str | None
    plan: str | None = Field(description="The way in which it fits.")
    parameters: dict[str, Any] = Field(description="Request parameters that choose this way.")
    device: str | None
    memory_gb: float | None
    needed_gb: float | None = Field(description="Needed on the device by that way, or by the leanest one.")
    free_gb: float | None = Field(description="Free on the device.")
    would_fit: list[str] = Field(description="Models for the same work that would fit instead.")


class PluginView(View):
    """A backend or an extension in use."""

    id: str
    kind: str
    title: str
    distribution: str
    version: str
    hooks: list[str]
    placement: str


class BrokenView(View):
    """A plugin that could not be used."""

    name: str
    distribution: str
    version: str
    reason: str


class PluginsView(View):
    """All plugins."""

    loaded: list[PluginView]
    broken: list[BrokenView]


class LimitsView(View):
    """What a request may cost."""

    upload_bytes: int
    upload_files: int
    image_pixels: int
    video_frames: int
    audio_seconds: int = Field(description="Longest sound that is kept or comes in.")
    queued_jobs: int
    min_free_bytes: int
    cancel_grace_seconds: float
    worker_idle_seconds: float


class SystemSettings(View):
    """How the server was started; changed in config.toml."""

    version: str
    host: str
    port: int
    needs_key: bool
    offline: bool
    default_model: str
    output_format: str
    config_file: str
    data_dir: str
    cache_dir: str
    models_dirs: list[str]
    devices: list[str]
    aliases: dict[str, str]
    limits: LimitsView
    origins: dict[str, str] = Field(description="Where each value that is no default came from.")


OperationWord = Literal["generate", "edit", "video", "upscale"]


class PreferencesView(View):
    """What people set in the page."""

    theme: Literal["system", "light", "dark"] = "system"
    default_models: dict[str, str] = Field(default={}, description="Model id by operation.")
    prompt_history: int = Field(20, description="How many prompts are kept at hand.")
    output_format: str | None = None
    log_limit: int = Field(0, description="How many finished requests are kept; 0 keeps all.")
    log_days: int = Field(
        0, description="For how many days finished requests are kept; 0 keeps them for good."
    )


class PreferencesChange(Body):
    """New values; what is left out stays as it is."""

    theme: Literal["system", "light", "dark"] | None = None
    default_models: dict[OperationWord, CleanText] | None = None
    prompt_history: int | None = Field(None, ge=0, le=1000)
    output_format: Literal["png", "jpeg", "webp"] | None = None
    log_limit: int | None = Field(None, ge=0, le=10_000_000)
    log_days: int | None = Field(None, ge=0, le=36_500)


class SecretView(View):
    """A secret, without its value."""

    name: str
    set: bool
    source: Literal["environment", "keyring", "file"] | None = None
    variables: list[str] = Field(description="Environment variables that are looked at first.")
    ending: str = Field(description="Last characters of a long value.")


class ConnectionView(View):
    """A provider and how it is reached."""

    id: str
    title: str
    is_enabled: bool
    api_url: str | None = Field(description="Address in use; null where there is none to choose.")
    api_url_changed: bool = Field(description="Whether the address was set here.")
    secrets: list[SecretView]
    models: int
    ready: int = Field(description="How many of the models can run now.")
    fetched_at: str | None
    error: str | None = Field(description="Why the last listing, or the plugin itself, failed.")


class ConnectionsView(View):
    """All providers."""

    providers: list[ConnectionView]


class ProbeReply(View):
    """What a provider answered to a test call."""

    ok: bool
    message: str
    error: ErrorDetail | None
