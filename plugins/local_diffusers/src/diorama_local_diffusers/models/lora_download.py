"""LoRA files of the hub as things that a download job fetches, by the same way as models."""

from __future__ import annotations

import re
from typing import Any

from diorama.contract import (
    Availability,
    AvailabilityState,
    BackendSettings,
    Capabilities,
    InvalidRequest,
    JobContext,
    ModelInfo,
    Operation,
)

from diorama_local_diffusers.models.adapters import holds_lora, hub_lora
from diorama_local_diffusers.models.download import Transfer, check_room
from diorama_local_diffusers.models.hub import hub_errors, refuse_offline, repository_files
from diorama_local_diffusers.models.presets import missing, presets
from diorama_local_diffusers.models.wanted import RemoteFile

LORA_ID = re.compile(
    r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)/(?P<name>[\w./ -]+\.safetensors)"
)
"""``owner/name/path.safetensors``: one file of a hub repository."""
_VIDEO = frozenset({"wan", "ltx2", "cogvideox", "mochi"})


def lora_entry(native_id: str, settings: BackendSettings) -> ModelInfo | None:
    """Return the entry of a hub file under which a download job fetches it, ``None`` when the id names none."""
    if not is_lora_id(native_id):
        return None
    page = f"https://huggingface.co/{LORA_ID.fullmatch(native_id)['repository']}"  # type: ignore[index]
    preset = next((preset for preset in presets() if preset.info.id == native_id), None)
    kind = preset.info.kind if preset else ""
    state = Availability(
        state=AvailabilityState.NEEDS_DOWNLOAD, fix=f"Run `diorama loras download {native_id}`.", url=page
    )
    if hub_lora(native_id) is not None:
        state = Availability()
    elif preset is not None:
        state = missing(preset, settings)
    return ModelInfo(
        id=f"{settings.id}:{native_id}",
        title=preset.info.title if preset else native_id.rpartition("/")[2],
        operations={Operation.VIDEO if kind in _VIDEO else Operation.GENERATE: Capabilities()},
        kind=kind,
        description=preset.info.description if preset else "A LoRA file of the hub.",
        category="lora",
        tags=("lora",),
        availability=state,
        disk_gb=preset.info.size_bytes / 1e9 if preset else None,
        downloadable=True,
        links={"homepage": page},
    )


def is_lora_id(native_id: str) -> bool:
    """Whether an id names one safetensors file of a hub repository."""
    return bool(LORA_ID.fullmatch(native_id)) and ".." not in native_id


def download_lora(native_id: str, settings: BackendSettings, context: JobContext) -> None:
    """Bring a LoRA file of the hub into its cache; what is there already is not fetched again.

    Raises:
        BackendNotReady: offline, or gated.
        InvalidRequest: the repository lacks the file, or it holds no LoRA.
        InsufficientStorage: the disk is too small.
        JobCancelled: what was fetched so far is kept and continued next time.
    """
    found: Any = LORA_ID.fullmatch(native_id)
    repository, name = found["repository"], found["name"]
    refuse_offline(repository, settings.offline)
    token = context.secret("hf_token")
    context.progress("downloading", 0.0, f"Asking the hub about {repository}")
    commit, sizes = repository_files(repository, "", token)
    if name not in sizes:
        raise InvalidRequest(
            f"{repository} has no file {name}.",
            field="model",
            fix=f"Look at https://huggingface.co/{repository}/tree/main for its files.",
        )
    _refuse_other(repository, name, commit, token)
    files = [RemoteFile(repository, commit, name, sizes[name])]
    check_room(files)
    Transfer(files, context, token).run()


def _refuse_other(repository: str, name: str, commit: str, token: str | None) -> None:
    """Refuse a file without LoRA tensors before it is fetched; only its header is read."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import SafetensorsParsingError

    with hub_errors(repository):
        try:
            header = HfApi(token=token).parse_safetensors_file_metadata(repository, name, revision=commit)
        except SafetensorsParsingError as error:
            raise InvalidRequest(f"{name} is no safetensors file: {error}.", field="model") from error
    if not holds_lora(header.tensors):
        raise InvalidRequest(
            f"{name} of {repository} holds no LoRA.",
            field="model",
            fix="`diorama models add` takes whole models.",
        )
