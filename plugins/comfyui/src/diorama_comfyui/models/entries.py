"""Catalog entries of workflows."""

from __future__ import annotations

from dataclasses import replace

from diorama.contract import Availability, AvailabilityState, ModelInfo

from diorama_comfyui.analysis import MissingFile
from diorama_comfyui.models.analysed import AnalysedWorkflow
from diorama_comfyui.models.controls import capabilities
from diorama_comfyui.models.store import WorkflowRecord

_CATEGORIES = {"generate": "workflow", "edit": "edit", "video": "video", "upscale": "upscale"}


def workflow_entry(
    backend: str,
    record: WorkflowRecord,
    analysed: AnalysedWorkflow,
    availability: Availability,
    *,
    previews: bool,
) -> ModelInfo | None:
    """The model that a workflow is; None if it makes neither pictures nor videos nor sound."""
    operation = analysed.operation
    if operation is None:
        return None
    can = capabilities(
        analysed.controls(),
        operation,
        images_needed=analysed.images_needed(),
        previews=previews,
        sound=analysed.makes_sound,
    )
    tags = ["workflow", "comfyui", *(["paid"] if analysed.paid else [])]
    return ModelInfo(
        id=f"{backend}:{record.id}",
        title=record.title,
        operations={operation: can},
        description=record.description,
        category="sound" if analysed.makes_sound else _CATEGORIES[operation.value],
        tags=tuple(tags),
        availability=availability,
        data_leaves_machine=analysed.paid,
        links=_download_links(analysed.missing_files),
    )


def availability_of(analysed: AnalysedWorkflow, *, has_key: bool) -> Availability:
    """Whether a workflow can run on a server that is up."""
    if analysed.missing_classes:
        names = ", ".join(missing.class_type for missing in analysed.missing_classes[:4])
        packages = sorted(
            {missing.package for missing in analysed.missing_classes if missing.package} - {"comfy-core"}
        )
        remedy = (
            f"Install {', '.join(packages)} in ComfyUI"
            if packages
            else "Install the custom nodes or update ComfyUI"
        )
        return Availability(
            state=AvailabilityState.NEEDS_INSTALL,
            fix=f"The server has no node {names}. {remedy}, then restart it.",
        )
    if analysed.missing_files:
        listed = "; ".join(_where(file) for file in analysed.missing_files[:4])
        more = len(analysed.missing_files) - 4
        rest = f"; and {more} more" if more > 0 else ""
        return Availability(
            state=AvailabilityState.NEEDS_DOWNLOAD,
            fix=f"Put these files into ComfyUI's models folder: {listed}{rest}.",
        )
    if analysed.paid and not has_key:
        return Availability(
            state=AvailabilityState.NEEDS_KEY,
            fix="It calls a paid service: set the secret comfy_org_api_key.",
            url="https://platform.comfy.org",
        )
    return Availability()


def offline(entry: ModelInfo, urls: str) -> ModelInfo:
    """The entry while no server answers."""
    state = Availability(state=AvailabilityState.OFFLINE, fix=f"No ComfyUI answers at {urls}; start it.")
    return replace(entry, availability=state)


def _where(file: MissingFile) -> str:
    place = f"{file.directory}/{file.name}" if file.directory else file.name
    return f"{place} ({file.url})" if file.url else place


def _download_links(files: tuple[MissingFile, ...]) -> dict[str, str]:
    return {f"download {file.name}": file.url for file in files if file.url}
