"""The checkpoints of a server: which there are, and what kind of model each is."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from diorama_comfyui.schema import ObjectInfo
from diorama_comfyui.server.client import ComfyClient
from diorama_comfyui.server.errors import ServerError

PREFIX = "checkpoint/"
"""What the ids of checkpoints begin with, behind the backend's name."""
LOADER, LOADER_INPUT = "CheckpointLoaderSimple", "ckpt_name"
_FLUX = re.compile(r"flux", re.IGNORECASE)
_SDXL = re.compile(r"xl|pony|illustrious|noob|animagine", re.IGNORECASE)
_SD = re.compile(r"sd[_\-. ]?1|v1[-_.]|1[-_.]5|sd15|dreamshaper_8", re.IGNORECASE)
_OTHER = re.compile(
    r"sd[_\-. ]?3|sd[_\-. ]?2|v2[-_]|svd|video|ltx|wan|hunyuan|mochi|cosmos|audio|ace[_-]step"
    r"|cascade|aura|3d|zero123|lumina|chroma",
    re.IGNORECASE,
)
_GB = 10**9


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint file of a server. ``kind`` is ``sd``, ``sdxl``, ``flux``, or empty if it is none of them."""

    name: str
    kind: str
    size: int = 0

    @property
    def title(self) -> str:
        """The file's name without folders and extension."""
        return re.split(r"[\\/]", self.name)[-1].rpartition(".")[0] or self.name


class CheckpointReader:
    """Lists the checkpoints of one server; what a file is, is asked once."""

    def __init__(self, client: ComfyClient) -> None:
        self._client = client
        self._kinds: dict[tuple[str, int], str] = {}
        self._lock = threading.Lock()

    def read(self, info: ObjectInfo, *, online: bool) -> list[Checkpoint]:
        """The checkpoints whose kind has a built-in workflow."""
        names = [str(name) for name in info.choices(LOADER, LOADER_INPUT)]
        sizes = self._sizes() if online and names else {}
        found = []
        for name in names:
            size = sizes.get(name, 0)
            kind = self._kind(name, size, online)
            if kind:
                found.append(Checkpoint(name, kind, size))
        return found

    def _sizes(self) -> dict[str, int]:
        try:
            files = self._client.model_files("checkpoints")
        except ServerError:
            return {}
        return {str(file.get("name")): int(file.get("size") or 0) for file in files}

    def _kind(self, name: str, size: int, online: bool) -> str:
        with self._lock:
            known = self._kinds.get((name, size))
        if known is not None:
            return known
        metadata: dict[str, Any] = {}
        if online and name.lower().endswith((".safetensors", ".sft")):
            try:
                metadata = self._client.model_metadata("checkpoints", name)
            except ServerError:
                return kind_of(name, size, {})
        kind = kind_of(name, size, metadata)
        if online:
            with self._lock:
                self._kinds[(name, size)] = kind
        return kind


def kind_of(name: str, size: int, metadata: dict[str, Any]) -> str:
    """``sd``, ``sdxl``, ``flux`` or empty: by what the file says of itself, by its name, by its size."""
    architecture = str(metadata.get("modelspec.architecture") or "").lower()
    if architecture:
        for part, kind in (("flux-1", "flux"), ("xl-v1", "sdxl"), ("stable-diffusion-v1", "sd")):
            if part in architecture:
                return kind
        return ""
    if _FLUX.search(name):
        return "" if re.search(r"flux[_\-. ]?2|kontext|fill", name, re.IGNORECASE) else "flux"
    if _OTHER.search(name) and not _SDXL.search(name):
        return ""
    if _SDXL.search(name):
        return "sdxl"
    if _SD.search(name):
        return "sd"
    return "sdxl" if 5.5 * _GB < size < 8 * _GB else "sd" if 1.5 * _GB < size < 4.5 * _GB else ""
