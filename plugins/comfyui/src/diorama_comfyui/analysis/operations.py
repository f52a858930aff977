"""What a workflow does, from what goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from diorama_comfyui.convert.report import Conversion
from diorama_comfyui.schema import ObjectInfo

from .links import OutputTypes, linked_inputs, output_nodes, upstream
from .parameters import Parameter
from .roles import Role

_VIDEO_WORDS = ("video", "webm", "animated", "gif", "movie")


@dataclass(frozen=True, slots=True)
class Purpose:
    """``operation`` is generate, edit, video, upscale, or empty with the ``reason`` why it is none of them."""

    operation: str
    media: str
    """What comes out: image, video, audio, 3d, svg, text or nothing."""
    reason: str = ""


def infer_purpose(conversion: Conversion, parameters: tuple[Parameter, ...], info: ObjectInfo) -> Purpose:
    """Tell text-to-image, image-to-image, video and upscale workflows apart."""
    media = output_media(conversion, info)
    roles = {parameter.role for parameter in parameters}
    has_prompt = Role.PROMPT in roles
    upscales = _upscales(conversion, info)
    if media == "video":
        if Role.VIDEO in roles and upscales and not has_prompt:
            return Purpose("upscale", media)
        return Purpose("video", media)
    if media == "image":
        if Role.IMAGE in roles and upscales and not has_prompt:
            return Purpose("upscale", media)
        return Purpose("edit" if Role.IMAGE in roles else "generate", media)
    if media == "audio":
        return Purpose("edit" if roles & {Role.AUDIO, Role.IMAGE} else "generate", media)
    what = {"3d": "3D models", "svg": "vector graphics", "text": "text"}.get(media)
    reason = (
        f"it makes {what}, not images, videos or sound" if what else "nothing in it saves or shows a result"
    )
    return Purpose("", media, reason)


def output_media(conversion: Conversion, info: ObjectInfo) -> str:
    """The most telling kind of result: video before image before sound, saved before previewed."""
    prompt = conversion.prompt
    types = OutputTypes(prompt, info)
    kinds: list[tuple[bool, str]] = []
    for node_id in output_nodes(prompt, info) or _unknown_ends(conversion, info):
        node = prompt[node_id]
        name = node["class_type"].lower()
        cls = info.get(node["class_type"])
        received: set[str] = set()
        for input_name, source, slot in linked_inputs(node):
            brought = types.of(source, slot) or "*"
            spec = cls.by_name.get(input_name) if cls else None
            received.update(spec.types if brought == "*" and spec else (brought,))
        kinds.append(("preview" not in name, _medium(name, received)))
    saved = {kind for keeps, kind in kinds if keeps} or {kind for _, kind in kinds}
    return next((kind for kind in ("video", "image", "audio", "3d", "svg", "text") if kind in saved), "")


def _unknown_ends(conversion: Conversion, info: ObjectInfo) -> list[str]:
    """Nodes of unknown class that nothing reads from: what would be outputs if their package were there."""
    prompt = conversion.prompt
    read = {source for node in prompt.values() for _, source, _ in linked_inputs(node)}
    return [key for key, node in prompt.items() if key not in read and node["class_type"] not in info]


def _medium(class_name: str, received: set[str]) -> str:
    if "VIDEO" in received or ("IMAGE" in received and any(word in class_name for word in _VIDEO_WORDS)):
        return "video"
    if received & {"IMAGE", "MASK"}:
        return "image"
    if "AUDIO" in received:
        return "audio"
    if any(kind.startswith(("FILE_3D", "MESH", "SPLAT", "VOXEL")) for kind in received):
        return "3d"
    if "SVG" in received:
        return "svg"
    if "LATENT" in received or not received:
        return ""
    return "text" if received & {"STRING", "INT", "FLOAT", "BOOLEAN", "*"} else ""


def _upscales(conversion: Conversion, info: ObjectInfo) -> bool:
    prompt = conversion.prompt
    reached = upstream(prompt, output_nodes(prompt, info))
    return any(
        "upscale" in prompt[key]["class_type"].lower() or "seedvr" in prompt[key]["class_type"].lower()
        for key in reached
    )
