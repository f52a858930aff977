"""A request put into a workflow's prompt."""

from __future__ import annotations

import copy
import io
import mimetypes
from pathlib import Path
from typing import Any

from diorama.contract import (
    AnyRequest,
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    MediaInput,
    UpscaleRequest,
    VideoRequest,
)

from diorama_comfyui.analysis import Parameter, check_value
from diorama_comfyui.models.alternatives import choose_alternatives
from diorama_comfyui.models.analysed import AnalysedWorkflow
from diorama_comfyui.models.controls import Controls, is_there
from diorama_comfyui.models.prefixes import expand_prefixes
from diorama_comfyui.running.plan import RunPlan, Upload, loader_nodes, node_weights

_DIRECT = (
    "negative_prompt",
    "num_inference_steps",
    "guidance_scale",
    "scheduler",
    "width",
    "height",
    "strength",
    "num_frames",
    "fps",
    "duration",
    "scale",
)


def fill(analysed: AnalysedWorkflow, request: AnyRequest, index: int = 0) -> RunPlan:
    """Return the plan for result ``index`` of a request. Raises ``InvalidRequest`` naming the field."""
    controls = analysed.controls()
    prompt = copy.deepcopy(analysed.conversion.prompt)
    for name, value in _direct_values(request, index).items():
        if value is not None and name in controls.direct:
            _put(prompt, controls.direct[name], value)
    for name, value in request.parameters.items():
        _put(prompt, _checked(controls, name, value), value)
    _put_defaults(prompt, analysed, controls, request)
    expand_prefixes(prompt)
    texts = choose_alternatives(prompt, analysed.info, request.seed_of(index))
    return RunPlan(
        prompt=prompt,
        uploads=tuple(_uploads(controls, request)),
        media=analysed.purpose.media,
        outputs=analysed.conversion.form_outputs,
        fields=_places(controls, lambda name, parameter: name),
        labels=_places(controls, lambda name, parameter: parameter.label),
        weights=node_weights(prompt, analysed.info),
        loaders=loader_nodes(prompt, analysed.info),
        paid=analysed.paid,
        seed=request.seed_of(index),
        texts=texts,
    )


def _direct_values(request: AnyRequest, index: int) -> dict[str, Any]:
    values = {name: getattr(request, name, None) for name in _DIRECT}
    return {**values, "prompt": request.prompt or None, "seed": request.seed_of(index)}


def _put_defaults(
    prompt: dict[str, dict[str, Any]], analysed: AnalysedWorkflow, controls: Controls, request: AnyRequest
) -> None:
    """Defaults that the user gave to a parameter count where the request says nothing."""
    asked = {name for name, value in _direct_values(request, 0).items() if value is not None}
    given = {*(asked & controls.direct.keys()), *request.parameters}
    for parameter in analysed.parameters:
        node_id, input_name = parameter.targets[0]
        changed = prompt[node_id]["inputs"].get(input_name) != parameter.default
        if changed and parameter.name not in given and not parameter.is_media:
            _put(prompt, parameter, parameter.default)


def _checked(controls: Controls, name: str, value: Any) -> Parameter:
    parameter = controls.extra.get(name)
    if parameter is None:
        raise InvalidRequest(f"The workflow has no parameter {name!r:.60}.", field=f"parameters.{name}")
    fault = check_value(parameter.spec, value, files=not parameter.is_media)
    if fault and value != parameter.default:
        raise InvalidRequest(f"{parameter.label} {fault[1]}.", field=f"parameters.{name}")
    return parameter


def _put(prompt: dict[str, dict[str, Any]], parameter: Parameter, value: Any) -> None:
    if parameter.spec.kind == "INT" and isinstance(value, float):
        value = round(value)
    for node_id, input_name in parameter.targets:
        prompt[node_id]["inputs"][input_name] = value


def _places(controls: Controls, text: Any) -> dict[tuple[str, str], str]:
    named = [
        *controls.direct.items(),
        *((f"parameters.{name}", parameter) for name, parameter in controls.extra.items()),
        *(("images", parameter) for parameter in controls.images),
        *(("mask", parameter) for parameter in controls.masks),
        *(("video", parameter) for parameter in controls.videos),
        *(("sounds", parameter) for parameter in controls.sounds),
    ]
    return {target: text(name, parameter) for name, parameter in named for target in parameter.targets}


def _uploads(controls: Controls, request: AnyRequest) -> list[Upload]:
    images, mask, video = _media(request)
    uploads = []
    for number, parameter in enumerate(controls.images):
        if number >= len(images):
            if parameter.default not in (parameter.spec.choices or ()):
                raise InvalidRequest(
                    f"The workflow needs {len(controls.images)} images.",
                    field="images",
                    fix="Give one for each.",
                )
            continue
        node_id = parameter.targets[0][0]
        cut = mask if node_id in controls.mask_in_alpha else None
        uploads.append(_image_upload(images[number], cut, parameter))
    for parameter in controls.masks:
        if mask is not None:
            uploads.append(
                Upload(mask_picture(mask), f"{mask.sha256[:16] or 'mask'}-mask.png", parameter.targets)
            )
    for parameter in controls.videos[:1]:
        if video is not None:
            uploads.append(media_upload(video, parameter.targets))
        elif parameter.default not in (parameter.spec.choices or ()):
            raise InvalidRequest("The workflow needs a video.", field="video")
    return [*uploads, *_sound_uploads(controls, request)]


def _sound_uploads(controls: Controls, request: AnyRequest) -> list[Upload]:
    """Sounds go to those inputs first whose own file is not on the server."""
    sounds = () if isinstance(request, UpscaleRequest) else request.sounds
    asked = {**{parameter.name: parameter.default for parameter in controls.sounds}, **request.parameters}
    free = [parameter for parameter in controls.sounds if asked[parameter.name] == parameter.default]
    free.sort(key=is_there)
    for parameter in free[len(sounds) :]:
        if not is_there(parameter):
            raise InvalidRequest(
                f"The workflow needs a sound for {parameter.label}.", field="sounds", fix="Give a sound file."
            )
    return [media_upload(sound, parameter.targets) for sound, parameter in zip(sounds, free, strict=False)]


def _media(request: AnyRequest) -> tuple[tuple[MediaInput, ...], MediaInput | None, MediaInput | None]:
    if isinstance(request, UpscaleRequest):
        media = request.media
        return ((), None, media) if media.kind == "video" else ((media,), None, None)
    if isinstance(request, VideoRequest):
        return request.images, None, request.video
    if isinstance(request, EditRequest):
        return request.images, request.mask, None
    return (request.images if isinstance(request, GenerateRequest) else ()), None, None


def _image_upload(image: MediaInput, mask: MediaInput | None, parameter: Parameter) -> Upload:
    if mask is None:
        return media_upload(image, parameter.targets)
    name = f"{image.sha256[:12] or 'image'}-{mask.sha256[:12] or 'mask'}.png"
    return Upload(cut_out(image, mask), name, parameter.targets)


def media_upload(media: MediaInput, targets: tuple[tuple[str, str], ...]) -> Upload:
    """The upload of a file as it is, for the given inputs of the prompt."""
    extension = mimetypes.guess_extension(media.mime) or Path(media.path).suffix or ".bin"
    # Named by content, so that the same file is sent to the same place and never twice.
    return Upload(Path(media.path), f"{media.sha256[:32] or Path(media.path).stem}{extension}", targets)


def cut_out(image: MediaInput, mask: MediaInput) -> bytes:
    """The image as PNG, transparent where the mask is white: how ComfyUI's image loader carries a mask."""
    from PIL import ImageOps

    picture = image.load_image("RGB")
    white = mask.load_image("L").resize(picture.size)
    picture.putalpha(ImageOps.invert(white))
    return _png(picture)


def mask_picture(mask: MediaInput) -> bytes:
    """The mask as PNG, readable from every channel: colours as they are, transparency the other way round."""
    from PIL import Image, ImageOps

    white = mask.load_image("L")
    return _png(Image.merge("RGBA", (white, white, white, ImageOps.invert(white))))


def _png(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
