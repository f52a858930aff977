"""A workflow understood against one server's node classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from diorama.contract import Operation

from diorama_comfyui.analysis import (
    MissingClass,
    MissingFile,
    Parameter,
    Purpose,
    check,
    derive_parameters,
    infer_purpose,
    missing_classes,
    missing_files,
    output_nodes,
    upstream,
)
from diorama_comfyui.analysis.links import linked_inputs
from diorama_comfyui.convert import Conversion, Issue, convert
from diorama_comfyui.models.controls import Controls, is_there, sort_controls
from diorama_comfyui.models.store import WorkflowRecord
from diorama_comfyui.running.plan import is_paid
from diorama_comfyui.schema import ObjectInfo


@dataclass(frozen=True, slots=True)
class AnalysedWorkflow:
    """What there is to know about a workflow on a server."""

    conversion: Conversion
    parameters: tuple[Parameter, ...]
    purpose: Purpose
    problems: tuple[Issue, ...]
    missing_classes: tuple[MissingClass, ...]
    missing_files: tuple[MissingFile, ...]
    paid: bool
    info: ObjectInfo

    @property
    def operation(self) -> Operation | None:
        """Which hook runs it; None if it makes neither pictures nor videos nor sound."""
        return Operation(self.purpose.operation) if self.purpose.operation else None

    def controls(self) -> Controls:
        """The parameters by the way they are set. Only for workflows with an operation."""
        prompt = self.conversion.prompt
        reached = upstream(prompt, output_nodes(prompt, self.info))
        return sort_controls(
            self.parameters,
            Operation(self.purpose.operation),
            resizes=any("scale" in prompt[key]["class_type"].lower() for key in reached),
            mask_in_alpha=_mask_sources(prompt, reached),
            sound=self.makes_sound,
        )

    @property
    def makes_sound(self) -> bool:
        """Whether sound is the result, and not something beside pictures."""
        return self.purpose.media == "audio"

    def images_needed(self) -> int:
        """How many of the image inputs name a file that the server does not have."""
        images = [
            parameter for parameter in self.parameters if parameter.role == "image" and parameter.is_media
        ]
        return sum(not is_there(parameter) for parameter in images)


def analyse(record: WorkflowRecord, info: ObjectInfo) -> AnalysedWorkflow:
    """Convert a stored workflow and work out its form. Raises ``WorkflowError``."""
    return analyse_document(record.document, info, record.overrides)


def analyse_document(
    document: bytes | str | Mapping[str, Any],
    info: ObjectInfo,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> AnalysedWorkflow:
    """Convert a workflow and work out its form. Raises ``WorkflowError``."""
    conversion = convert(document, info)
    parameters = tuple(
        _override(parameter, overrides or {}) for parameter in derive_parameters(conversion, info)
    )
    return AnalysedWorkflow(
        conversion=conversion,
        parameters=parameters,
        purpose=infer_purpose(conversion, parameters, info),
        problems=tuple(check(conversion.prompt, info)),
        missing_classes=missing_classes(conversion, info),
        missing_files=missing_files(conversion, info),
        paid=is_paid(conversion.prompt, info),
        info=info,
    )


def _override(parameter: Parameter, overrides: Mapping[str, Mapping[str, Any]]) -> Parameter:
    change = overrides.get(parameter.name)
    return replace(parameter, **change) if change else parameter


def _mask_sources(prompt: Mapping[str, Mapping[str, Any]], reached: set[str]) -> frozenset[str]:
    """Image loaders whose second output, the mask in the transparency, is used."""
    return frozenset(
        source
        for key in reached
        for _, source, slot in linked_inputs(prompt[key])
        if slot == 1 and source in prompt and prompt[source]["class_type"] == "LoadImage"
    )
