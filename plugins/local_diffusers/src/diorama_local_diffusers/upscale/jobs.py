"""The upscale hook: open the network, enlarge, save."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from diorama.contract import BackendNotReady, BackendSettings, JobContext, Result, UpscaleRequest

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.runtime.device import pick_device, pick_dtype
from diorama_local_diffusers.upscale.pictures import TILE, Upscaler
from diorama_local_diffusers.upscale.videos import upscale_video
from diorama_local_diffusers.upscale.weights import open_network, weights_place


class UpscaleRoom:
    """Keeps the network used last; they are small and open in a moment."""

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings
        self._device = pick_device(settings.device or str(settings.options.get("device", "")))
        self._open: dict[Path, Any] = {}

    def run(self, entry: ModelEntry, request: UpscaleRequest, context: JobContext) -> Result:
        """Enlarge the picture or the video of a request.

        Raises:
            BackendNotReady: the weights are not here.
        """
        upscaler = self._upscaler(entry, request, context)
        if request.media.kind == "video":
            target = context.work_dir / "enlarged.mp4"
            frames = upscale_video(upscaler, Path(request.media.path), target, request.scale, context)
            artifact = context.save(target, kind="video", facts={"frames": frames})
        else:
            artifact = context.save(self._picture(upscaler, request, context))
        facts = {"device": self._device, "overlap": upscaler.overlap, "versions": {"torch": version("torch")}}
        return Result(artifacts=(artifact,), facts=facts)

    def forget(self) -> None:
        """Close the open network."""
        self._open.clear()

    def _upscaler(self, entry: ModelEntry, request: UpscaleRequest, context: JobContext) -> Upscaler:
        place = weights_place(entry, self._settings)
        if not place.exists():
            raise BackendNotReady(
                f"{entry.name} is not on this machine.",
                fix=f"Run `diorama models download {self._settings.id}:{entry.name}`.",
            )
        dtype = pick_dtype(self._device)
        if place not in self._open:
            context.progress("loading_model", 0.0, f"Loading {entry.name}")
            self._open = {place: open_network(place, self._device, dtype)}
        network, shape = self._open[place]
        tile, exact = int(request.parameters.get("tile", TILE)), bool(request.parameters.get("exact", False))
        if exact and shape.reach is None:
            why = "How far the pixels of this network reach is not known; its tiles overlap by 32 pixels."
            context.ignored("parameters.exact", True, why)
        return Upscaler(network, shape, self._device, dtype, tile, exact)

    def _picture(self, upscaler: Upscaler, request: UpscaleRequest, context: JobContext) -> Any:
        from PIL import Image, ImageOps

        def told(done: int, total: int) -> None:
            context.progress("generating", done / total, f"Tile {done} of {total}")

        with Image.open(request.media.path) as opened:
            upright = ImageOps.exif_transpose(opened)
            return upscaler.picture(upright, request.scale, told)
