"""Which ControlNets and reference adapters belong to a model, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.contract import BackendSettings

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder

CONTROLNETS: dict[str, dict[str, str]] = {
    "sd": {
        "canny": "lllyasviel/control_v11p_sd15_canny",
        "depth": "lllyasviel/control_v11f1p_sd15_depth",
        "pose": "lllyasviel/control_v11p_sd15_openpose",
        "scribble": "lllyasviel/control_v11p_sd15_scribble",
    },
    "sdxl": {
        "canny": "diffusers/controlnet-canny-sdxl-1.0",
        "depth": "diffusers/controlnet-depth-sdxl-1.0",
        "pose": "thibaud/controlnet-openpose-sdxl-1.0",
        "scribble": "xinsir/controlnet-scribble-sdxl-1.0",
    },
    "flux": {
        "canny": "InstantX/FLUX.1-dev-Controlnet-Canny",
        "depth": "Shakker-Labs/FLUX.1-dev-ControlNet-Depth",
    },
    "sd3": {
        "canny": "InstantX/SD3-Controlnet-Canny",
        "pose": "InstantX/SD3-Controlnet-Pose",
    },
    "qwen-image": dict.fromkeys(("canny", "depth", "pose"), "InstantX/Qwen-Image-ControlNet-Union"),
}
"""ControlNets of the hub by family and kind of map; option ``controlnets`` of the backend adds others."""
_MADE_FOR: dict[str, tuple[str, dict[str, int]]] = {
    "sd": ("unet", {"cross_attention_dim": 768}),
    "sdxl": ("unet", {"cross_attention_dim": 2048}),
    "sd3": ("transformer", {"caption_projection_dim": 1536, "pos_embed_max_size": 192}),
    "qwen-image": ("transformer", {"joint_attention_dim": 3584}),
}
"""What the denoiser's configuration says in the models that these were made for; others of the family take none."""


@dataclass(frozen=True, slots=True)
class ReferenceAdapter:
    """An IP-Adapter.

    Attributes:
        source: Hub id or folder.
        subfolder: Folder of the weights inside it.
        weights: File name.
        encoder: Folder of the vision encoder inside it.
    """

    source: str
    subfolder: str
    weights: str
    encoder: str


ADAPTERS = {
    "sd": ReferenceAdapter("h94/IP-Adapter", "models", "ip-adapter_sd15.safetensors", "models/image_encoder"),
    "sdxl": ReferenceAdapter(
        "h94/IP-Adapter", "sdxl_models", "ip-adapter_sdxl_vit-h.safetensors", "models/image_encoder"
    ),
}


def control_sources(
    entry: ModelEntry, folder: PipelineFolder | None, settings: BackendSettings
) -> dict[str, str]:
    """Return hub id or folder of each ControlNet that fits a model, by kind of map.

    The option ``controlnets`` is a table of tables: model name or family, then kind.
    """
    found = dict(CONTROLNETS.get(entry.type, {})) if _usual(entry, folder) else {}
    own: Any = settings.options.get("controlnets", {})
    for key in (entry.type, entry.name):
        if isinstance(own, Mapping) and isinstance(own.get(key), Mapping):
            found |= {str(kind): str(source) for kind, source in own[key].items()}
    return found


def reference_adapter(
    entry: ModelEntry, folder: PipelineFolder | None, settings: BackendSettings
) -> ReferenceAdapter | None:
    """Return the IP-Adapter that fits a model, ``None`` when none does.

    The option ``ip_adapters`` is a table: model name or family, then a folder that holds ``ip_adapter.safetensors``
    and ``image_encoder``.
    """
    own: Any = settings.options.get("ip_adapters", {})
    for key in (entry.name, entry.type):
        if isinstance(own, Mapping) and key in own:
            return ReferenceAdapter(str(own[key]), "", "ip_adapter.safetensors", "image_encoder")
    return ADAPTERS.get(entry.type) if _usual(entry, folder) else None


def _usual(entry: ModelEntry, folder: PipelineFolder | None) -> bool:
    component, wanted = _MADE_FOR.get(entry.type, ("", {}))
    if folder is None or not wanted:
        return True
    config = folder.config(component)
    return all(config.get(key) == value for key, value in wanted.items())
