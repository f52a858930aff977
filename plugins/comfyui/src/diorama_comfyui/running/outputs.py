"""From what a server made to the results of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from diorama.contract import Artifact, BackendError, JobContext

from diorama_comfyui.running.plan import RunPlan
from diorama_comfyui.server.client import ComfyClient
from diorama_comfyui.server.errors import ServerError, ServerOffline

if TYPE_CHECKING:
    import numpy as np

Medium = Literal["image", "video", "audio"]
MEDIA: tuple[Medium, ...] = ("image", "video", "audio")
_EXTENSIONS: dict[str, Medium] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "apng", "bmp", "tif", "tiff", "avif"), "image"),
    **dict.fromkeys(("mp4", "m4v", "webm", "mov", "mkv", "avi"), "video"),
    **dict.fromkeys(("flac", "wav", "mp3", "ogg", "opus", "m4a", "aac"), "audio"),
}
_FRAME_MS, _MAX_REPEATS = 125.0, 500
_ANIMATION_BYTES = 2 * 1024**3
"""Most that the frames of an animation may take."""
_ANIMATED = frozenset({"gif", "webp", "png", "apng"})


class OutputGone(Exception):
    """The server reported a file from its cache that is not there any more."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a prompt left on the server."""

    node_id: str
    item: Mapping[str, Any]
    medium: Medium

    @property
    def name(self) -> str:
        """File name without folders."""
        return str(self.item["filename"])

    @property
    def extension(self) -> str:
        """Lower case, without the dot."""
        return self.name.rpartition(".")[2].lower()


def result_files(entry: Mapping[str, Any], plan: RunPlan) -> tuple[list[OutputFile], list[str]]:
    """The files that are results, and the names of saved files that are none.

    Results are of the medium and of the nodes that the plan names, and sounds saved beside them; saved files go before
    previews.
    """
    files = list(_files(entry))
    saved = [file for file in files if file.item.get("type") != "temp"] or files
    files = [file for file in saved if file.node_id in plan.outputs] or saved
    wanted = [file for file in files if file.medium == plan.media]
    if not wanted and plan.media == "video":
        wanted = [file for file in files if file.medium == "image" and file.extension in _ANIMATED]
    if wanted and plan.media != "audio":
        wanted += [file for file in files if file.medium == "audio" and file.item.get("type") != "temp"]
    others = [file.name for file in saved if file not in wanted and file.item.get("type") != "temp"]
    return wanted, others


def result_texts(entry: Mapping[str, Any]) -> list[str]:
    """Texts that nodes showed."""
    found = []
    outputs = entry.get("outputs")
    for output in outputs.values() if isinstance(outputs, Mapping) else ():
        texts = output.get("text") if isinstance(output, Mapping) else None
        found += [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
    return found


def save_files(
    files: list[OutputFile], client: ComfyClient, plan: RunPlan, context: JobContext, first: int
) -> list[Artifact]:
    """Copy the files over and hand them to the engine, numbered from ``first`` on in the job's folder.

    Raises :class:`OutputGone` if a file is not on the server any more.
    """
    saved = []
    for index, file in enumerate(files):
        context.progress("saving", None, message="Fetching results", image=index + 1, images=len(files))
        path = context.work_dir / f"{first + index:03d}-{_safe(file.name)}"
        try:
            client.download(file.item, path)
        except ServerOffline as error:
            raise BackendError(
                "The ComfyUI server stopped answering while results were fetched.",
                retryable=not plan.paid,
            ) from error
        except ServerError as error:
            if error.status == 404:
                raise OutputGone(file.name) from error
            raise BackendError(f"ComfyUI did not hand over {file.name}: {error}.") from error
        saved.append(_hand_over(path, file, plan, context))
    return saved


def _hand_over(path: Path, file: OutputFile, plan: RunPlan, context: JobContext) -> Artifact:
    if plan.media == "video" and file.medium == "image" and file.extension != "gif":
        frames, fps = _animation(path)
        return context.save(frames, kind="video", fps=fps, seed=plan.seed)
    kind: Medium = "video" if plan.media == "video" and file.medium == "image" else file.medium
    return context.save(path, kind=kind, seed=plan.seed)


def _animation(path: Path) -> tuple[np.ndarray[Any, Any], float]:
    """The frames of an animated WebP or PNG at a steady pace, and frames per second.

    Encoders join equal frames into a longer one; these are taken apart again.
    Raises :class:`BackendError` if they would take more memory than an animation may.
    """
    import numpy as np
    from PIL import Image, ImageSequence

    frames, durations = [], []
    with Image.open(path) as image:
        frame_bytes = 3 * image.width * image.height
        _check_length(path, getattr(image, "n_frames", 1) * frame_bytes)
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGB")))
            durations.append(float(frame.info.get("duration") or 0))
    unit = min((duration for duration in durations if duration > 0), default=_FRAME_MS)
    counts = [min(_MAX_REPEATS, max(1, round(duration / unit))) for duration in durations]
    _check_length(path, sum(counts) * frame_bytes)
    return np.repeat(np.stack(frames), counts, axis=0), _pace(unit)


def _check_length(path: Path, size: int) -> None:
    if size > _ANIMATION_BYTES:
        raise BackendError(
            f"The animation {path.name} takes {size / 1024**3:.1f} GiB unpacked, which is too much. "
            "It is still in the output folder of the ComfyUI server; saved as a film it can be fetched."
        )


def _pace(milliseconds: float) -> float:
    """Frames per second. Files hold whole milliseconds, so what stands for 6 a second says 166."""
    whole = round(1000 / milliseconds)
    if whole and milliseconds in (1000 // whole, round(1000 / whole)):
        return float(whole)
    return round(1000 / milliseconds, 3)


def _files(entry: Mapping[str, Any]) -> Iterator[OutputFile]:
    outputs = entry.get("outputs")
    for node_id, output in outputs.items() if isinstance(outputs, Mapping) else ():
        for items in output.values() if isinstance(output, Mapping) else ():
            for item in items if isinstance(items, list) else ():
                if isinstance(item, Mapping) and isinstance(item.get("filename"), str):
                    medium = _medium(item)
                    if medium:
                        yield OutputFile(str(node_id), item, medium)


def _medium(item: Mapping[str, Any]) -> Medium | None:
    extension = item["filename"].rpartition(".")[2].lower()
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    mime = str(item.get("format") or "")
    for medium in MEDIA:
        if mime.startswith(medium + "/"):
            return medium
    return None


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)[-80:]
