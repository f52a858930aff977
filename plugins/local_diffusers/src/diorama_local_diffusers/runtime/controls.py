"""ControlNet maps and reference pictures on an open model, for one job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract import BackendNotReady, BackendSettings, InvalidRequest, JobContext, MediaInput

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.models.controls import ReferenceAdapter, control_sources, reference_adapter
from diorama_local_diffusers.models.locate import locate_path
from diorama_local_diffusers.runtime.edges import canny
from diorama_local_diffusers.runtime.residency import Loaded

if TYPE_CHECKING:
    from PIL.Image import Image


class Controls:
    """The ControlNets of one job.

    Args:
        loaded: The open model; networks stay with it for the next job.
        wanted: Maps by kind.
        settings: Of the backend.
        context: The job.
    """

    def __init__(
        self, loaded: Loaded, wanted: Mapping[str, MediaInput], settings: BackendSettings, context: JobContext
    ) -> None:
        self._loaded = loaded
        self._wanted = dict(wanted)
        self._networks = [_network(loaded, kind, settings, context) for kind in self._wanted]

    def view(self, task: Task) -> Any:
        """Return the pipeline that obeys the maps, over the same weights."""
        classes = self._loaded.family.control_classes
        if task not in classes:
            raise InvalidRequest(
                f"{self._loaded.family.title} takes no control maps for this operation.", field="control"
            )
        networks = self._networks[0] if len(self._networks) == 1 else self._networks
        if isinstance(networks, list) and self._loaded.family.control_union_class:
            networks = self._union()
        return self._loaded.view(classes[task], controlnet=networks)

    def _union(self) -> Any:
        """Return the one network that reads all maps, in the form in which it takes several.

        Raises:
            InvalidRequest: the maps belong to different networks.
        """
        import diffusers

        first = self._networks[0]
        if any(network is not first for network in self._networks):
            raise InvalidRequest(
                f"Maps for {self._loaded.family.title} go together only when one ControlNet reads them all.",
                field="control",
                fix="Give one map, or name a union ControlNet for all kinds.",
            )
        kind = self._loaded.family.control_union_class
        if kind not in self._loaded.networks:
            self._loaded.networks[kind] = getattr(diffusers, kind)([first])
        return self._loaded.networks[kind]

    def arguments(self, task: Task, size: tuple[int, int], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the maps at the work size, by the pipeline's names, and how strongly they count."""
        from PIL import Image

        maps = []
        for kind, given in self._wanted.items():
            image = given.load_image().resize(size, Image.Resampling.LANCZOS)
            maps.append(canny(image) if kind == "canny" and parameters.get("detect_edges") else image)
        scale = float(parameters.get("controlnet_conditioning_scale", 1.0))
        several = len(maps) > 1
        name = self._loaded.family.control_image_name if task == "text" else "control_image"
        return {
            name: maps if several else maps[0],
            "controlnet_conditioning_scale": [scale] * len(maps) if several else scale,
        }


def _network(loaded: Loaded, kind: str, settings: BackendSettings, context: JobContext) -> Any:
    import diffusers

    source = control_sources(loaded.entry, loaded.folder, settings).get(kind)
    if source is None:
        raise InvalidRequest(f"{loaded.entry.name} has no ControlNet for {kind!r}.", field="control")
    if source not in loaded.networks:
        place = _here(source, settings, "ControlNet")
        context.progress("loading_model", None, f"Loading the ControlNet for {kind}")
        kind_of = getattr(diffusers, loaded.family.control_class)
        network = kind_of.from_pretrained(
            str(place), dtype=loaded.pipe.dtype, local_files_only=True, use_safetensors=True
        )
        loaded.networks[source] = network.to(loaded.device).eval()
    return loaded.networks[source]


@contextmanager
def reference(
    loaded: Loaded,
    image: Image,
    settings: BackendSettings,
    parameters: Mapping[str, Any],
    context: JobContext,
) -> Iterator[dict[str, Any]]:
    """Put an IP-Adapter on the model while the block runs; gives the arguments of the pipeline call.

    Raises:
        BackendNotReady: the adapter is not on this machine.
    """
    adapter = reference_adapter(loaded.entry, loaded.folder, settings)
    if adapter is None:
        raise InvalidRequest(f"{loaded.entry.name} takes no reference pictures.", field="reference_images")
    place = _here(adapter.source, settings, "IP-Adapter")
    context.progress("loading_model", None, "Loading the reference adapter")
    pipe = loaded.pipe
    encoder, extractor = _vision(place, adapter, pipe)
    pipe.register_modules(image_encoder=encoder, feature_extractor=extractor)
    pipe.load_ip_adapter(
        str(place),
        subfolder=adapter.subfolder,
        weight_name=adapter.weights,
        image_encoder_folder=None,
        local_files_only=True,
    )
    try:
        pipe.set_ip_adapter_scale(float(parameters.get("ip_adapter_scale", 0.6)))
        yield {"ip_adapter_image": image}
    finally:
        pipe.unload_ip_adapter()
        pipe.register_modules(image_encoder=None, feature_extractor=None)


def _vision(place: Path, adapter: ReferenceAdapter, pipe: Any) -> tuple[Any, Any]:
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    encoder = CLIPVisionModelWithProjection.from_pretrained(
        str(place / adapter.encoder), dtype=pipe.dtype, local_files_only=True, use_safetensors=True
    )
    side = encoder.config.image_size
    extractor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    return encoder.to(pipe._execution_device).eval(), extractor


def _here(source: str, settings: BackendSettings, what: str) -> Path:
    place = locate_path(source, "", settings)
    if place is None:
        raise BackendNotReady(
            f"The {what} {source} is not on this machine.",
            fix=f"Run `hf download {source}`, or name a folder of your own in the backend's options.",
        )
    return place
