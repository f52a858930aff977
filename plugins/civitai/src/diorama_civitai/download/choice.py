"""Which file of a version is fetched, and which never are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from diorama.contract import DioramaError, InvalidRequest, NotAllowed, NotFound

from diorama_civitai.api.shapes import FileInfo, VersionInfo
from diorama_civitai.basemodels import base_of
from diorama_civitai.download.formats import FORMATS

FOLDERS = {
    "Checkpoint": "checkpoints",
    "LORA": "loras",
    "LoCon": "loras",
    "DoRA": "loras",
    "TextualInversion": "embeddings",
    "VAE": "vae",
    "Controlnet": "controlnet",
    "Upscaler": "checkpoints",
}
"""Folder below the models folder, by the type of the model. Upscalers are found where checkpoints are."""
_FILE_FOLDERS = {
    "VAE": "vae",
    "Text Encoder": "text_encoders",
    "Negative": "embeddings",
    "ControlNet": "controlnet",
}
"""Files of these types go elsewhere, whatever the model is."""
_DENOISERS = ("Model", "Pruned Model", "UNet", "Diffusion Model")
_WEIGHTS = (*_DENOISERS, *_FILE_FOLDERS)
_PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle"})
_ARCHIVES = frozenset({".zip", ".7z", ".rar", ".tar", ".gz"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A file that may be fetched, and the folder below the models folder that it belongs in."""

    file: FileInfo
    folder: str


def choose(version: VersionInfo, model_type: str, file_id: int = 0) -> Choice:
    """Return the file to fetch: the named one, else the best one that is safe.

    Args:
        version: Its files.
        model_type: Type of the model that it belongs to.
        file_id: A file of the version; 0 leaves the choice to us.

    Raises:
        NotFound: the version has no such file, or none at all.
        NotAllowed: it is not given out.
        InvalidRequest: it is in a format that is never loaded, or failed Civitai's scans; the sentence says why.
    """
    if version.usage and version.usage != "Download":
        raise NotAllowed("Its creator offers this version for generation on Civitai only, not for download.")
    if base_of(version.base_model).closed:
        raise NotAllowed(f"{version.base_model} is a service; there is no file to download.")
    if not version.files:
        raise NotFound("This version has no files; it may be archived or taken down.", field="version_id")
    if file_id:
        file = next((item for item in version.files if item.id == file_id), None)
        if file is None:
            known = ", ".join(f"{item.id} ({item.name})" for item in version.files[:8])
            raise NotFound(f"The version has no file {file_id}.", field="file_id", fix=f"It has {known}.")
        refuse(file, model_type)
        return Choice(file, _folder(file, model_type))
    problems: list[DioramaError] = []
    for file in sorted(version.files, key=_rank):
        try:
            refuse(file, model_type)
        except DioramaError as error:
            problems.append(error)
            continue
        return Choice(file, _folder(file, model_type))
    raise problems[0]


def refuse(file: FileInfo, model_type: str) -> None:
    """Refuse a file that is never fetched.

    Raises:
        InvalidRequest: it is no safetensors or GGUF file of weights, or a scan did not pass.
    """
    ending = PurePosixPath(file.name.lower()).suffix
    if ending in _PICKLES or file.format == "PickleTensor":
        raise InvalidRequest(
            f"{file.name!r:.80} is a pickle: opening it can run any program hidden in it, so it is never fetched.",
            field="file_id",
            fix="Choose a version with a safetensors or GGUF file.",
        )
    if ending in _ARCHIVES or file.type in ("Archive", "Training Data"):
        raise InvalidRequest(
            f"{file.name!r:.80} is an archive, no model.", field="file_id", fix="Choose another file."
        )
    if ending not in FORMATS or file.format not in FORMATS[ending].labels:
        raise InvalidRequest(
            f"{file.name!r:.80} is of a format that is not fetched ({file.format or ending or 'unknown'}).",
            field="file_id",
            fix="Choose a safetensors or GGUF file.",
        )
    if ending == ".gguf" and (model_type != "Checkpoint" or file.type not in _DENOISERS):
        raise InvalidRequest(
            f"{file.name!r:.80} is a GGUF file; only checkpoints of that format can be loaded here.",
            field="file_id",
            fix="Choose a safetensors file.",
        )
    if file.type not in _WEIGHTS or (model_type not in FOLDERS and file.type not in _FILE_FOLDERS):
        raise InvalidRequest(
            f"{file.name!r:.80} ({model_type or 'unknown'}, {file.type}) is nothing that models here can use.",
            field="file_id",
            fix=f"These types can be used: {', '.join(FOLDERS)}.",
        )
    for name, result in (("pickle", file.pickle_scan), ("virus", file.virus_scan)):
        if result != "Success":
            state = {"": "has no result", "Pending": "is not finished", "Danger": "found a danger"}.get(
                result, "failed"
            )
            raise InvalidRequest(
                f"Civitai's {name} scan of {file.name!r:.80} {state}.",
                field="file_id",
                fix="Wait until it is scanned, or choose another file.",
            )


def early_access_until(version: VersionInfo) -> str:
    """Return the date until which a version is for buyers only, empty when it is open to all."""
    try:
        ends = datetime.fromisoformat(version.early_access_ends)
    except ValueError:
        return ""
    ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    return ends.date().isoformat() if ends > datetime.now(UTC) else ""


def _rank(file: FileInfo) -> tuple[bool, bool, bool, bool]:
    """Weights before parts, what every backend reads before GGUF, the primary file first, pruned before full."""
    return (
        file.type not in _DENOISERS,
        file.name.lower().endswith(".gguf"),
        not file.primary,
        file.variant == "full",
    )


def _folder(file: FileInfo, model_type: str) -> str:
    return _FILE_FOLDERS.get(file.type) or FOLDERS[model_type]
