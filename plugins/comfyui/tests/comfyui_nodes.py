"""A handful of node classes that really make pictures, for the stand-in."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import comfyui_sounds as sounds
from PIL import Image, ImageOps

Step = Callable[[int, int, Image.Image], None]


class NodeFailed(Exception):
    """What a node raises while it runs."""


@dataclass
class Folders:
    """Where the stand-in keeps files."""

    root: Path
    counter: int = 0
    made: list[str] = field(default_factory=list)

    def of(self, kind: str, subfolder: str = "") -> Path:
        folder = self.root / kind / subfolder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def new(self, prefix: str, extension: str, kind: str = "output") -> tuple[Path, dict[str, str]]:
        self.counter += 1
        subfolder, _, stem = prefix.rpartition("/")
        name = f"{stem}_{self.counter:05d}_.{extension}"
        self.made.append(name)
        return self.of(kind, subfolder) / name, {"filename": name, "subfolder": subfolder, "type": kind}

    def input(self, reference: str) -> Path:
        name, kind = reference, "input"
        for suffix in ("output", "temp", "input"):
            if reference.endswith(f" [{suffix}]"):
                name, kind = reference.removesuffix(f" [{suffix}]"), suffix
        return self.root / kind / name


@dataclass
class Latent:
    picture: Image.Image
    mask: Image.Image | None = None


@dataclass
class NodeResult:
    """Outputs of a node, and what it shows."""

    outputs: tuple[Any, ...] = ()
    ui: dict[str, Any] | None = None


def run_node(class_type: str, inputs: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    maker = _NODES.get(class_type)
    if maker is None:
        return NodeResult((inputs,) * 4)
    return maker(inputs, folders, step)


def colour(text: str, seed: int) -> tuple[int, int, int]:
    digest = hashlib.sha256(f"{text}|{seed}".encode()).digest()
    return digest[0], digest[1], digest[2]


def _empty_image(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    value = int(i.get("color", 0))
    picture = Image.new(
        "RGB", (int(i["width"]), int(i["height"])), ((value >> 16) & 255, (value >> 8) & 255, value & 255)
    )
    return NodeResult(([picture] * int(i.get("batch_size", 1)),))


def _sampler(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    if isinstance(i["latent_image"], sounds.SoundLatent):
        pitch = 110.0 + colour(str(i["positive"]), int(i["seed"]))[0]
        return NodeResult((sounds.SoundLatent(i["latent_image"].seconds, pitch),))
    latent: Latent = i["latent_image"]
    paint = Image.new("RGB", latent.picture.size, colour(str(i["positive"]), int(i["seed"])))
    for number in range(int(i["steps"])):
        step(number + 1, int(i["steps"]), paint)
    result = Image.blend(latent.picture, paint, float(i["denoise"]))
    if latent.mask is not None:
        result = Image.composite(result, latent.picture, latent.mask.resize(result.size))
    return NodeResult((Latent(result),))


def _load_image(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    with Image.open(folders.input(i["image"])) as opened:
        upright = ImageOps.exif_transpose(opened)
        mask = (
            ImageOps.invert(upright.getchannel("A"))
            if "A" in upright.getbands()
            else Image.new("L", (64, 64))
        )
        return NodeResult(([upright.convert("RGB")], mask))


def _load_mask(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    with Image.open(folders.input(i["image"])) as opened:
        channel = str(i.get("channel", "alpha"))[0].upper()
        picture = opened.convert("RGBA").getchannel(channel)
        return NodeResult((ImageOps.invert(picture) if channel == "A" else picture,))


def _save(kind: str) -> Callable[[dict[str, Any], Folders, Step], NodeResult]:
    def save(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
        prefix = str(i.get("filename_prefix", "ComfyUI_temp"))
        if ".." in prefix:
            reason = "**** ERROR: Saving image outside the output folder is not allowed."
            message = f"{reason}\n full_output_folder: {folders.root}/..\n"
            raise NodeFailed(message)
        items = []
        for picture in i["images"]:
            path, item = folders.new(prefix, "png", kind)
            picture.save(path)
            items.append(item)
        return NodeResult((), {"images": items})

    return save


def _save_video(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    import av
    import numpy as np

    pictures, rate = i["video"]
    path, item = folders.new(str(i["filename_prefix"]), "mp4")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=round(rate))
        stream.width, stream.height, stream.pix_fmt = *pictures[0].size, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        container.mux(stream.encode())
    return NodeResult((), {"images": [item], "animated": [True]})


def _save_webp(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    path, item = folders.new(str(i["filename_prefix"]), "webp")
    first, *rest = i["images"]
    shifted = [ImageOps.invert(picture) for picture in rest]
    first.save(
        path, save_all=True, append_images=shifted, duration=round(1000 / float(i["fps"])), lossless=True
    )
    return NodeResult((), {"images": [item], "animated": [True]})


def _save_audio(ending: str, kind: str = "output") -> Callable[[dict[str, Any], Folders, Step], NodeResult]:
    def save(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
        path, item = folders.new(str(i.get("filename_prefix", "ComfyUI_temp")), ending, kind)
        sounds.save(i["audio"], path, {"1": {"class_type": "SaveAudio", "inputs": {}}})
        return NodeResult((i["audio"],), {"audio": [item]})

    return save


def _composite(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    base, top = i["destination"][0], i["source"][0]
    return NodeResult(([Image.composite(top, base, i["mask"].resize(base.size))],))


def _scale(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    return NodeResult(([picture.resize((int(i["width"]), int(i["height"]))) for picture in i["image"]],))


def _double(i: dict[str, Any], folders: Folders, step: Step) -> NodeResult:
    return NodeResult(([picture.resize((2 * picture.width, 2 * picture.height)) for picture in i["image"]],))


_NODES: dict[str, Callable[[dict[str, Any], Folders, Step], NodeResult]] = {
    "EmptyImage": _empty_image,
    "EmptyLatentImage": lambda i, f, s: NodeResult(
        (Latent(Image.new("RGB", (int(i["width"]), int(i["height"])))),)
    ),
    "EmptySD3LatentImage": lambda i, f, s: NodeResult(
        (Latent(Image.new("RGB", (int(i["width"]), int(i["height"])))),)
    ),
    "CheckpointLoaderSimple": lambda i, f, s: NodeResult((i["ckpt_name"],) * 3),
    "LoraLoader": lambda i, f, s: NodeResult((f"{i['model']}+{i['lora_name']}", i["clip"])),
    "CLIPTextEncode": lambda i, f, s: NodeResult((str(i["text"]),)),
    "FluxGuidance": lambda i, f, s: NodeResult((i["conditioning"],)),
    "ConditioningZeroOut": lambda i, f, s: NodeResult(("",)),
    "KSampler": _sampler,
    "VAEDecode": lambda i, f, s: NodeResult(([i["samples"].picture],)),
    "VAEEncode": lambda i, f, s: NodeResult((Latent(i["pixels"][0]),)),
    "SetLatentNoiseMask": lambda i, f, s: NodeResult((Latent(i["samples"].picture, i["mask"]),)),
    "LoadImage": _load_image,
    "LoadImageMask": _load_mask,
    "ImageScale": _scale,
    "ImageInvert": lambda i, f, s: NodeResult(([ImageOps.invert(picture) for picture in i["image"]],)),
    "ImageCompositeMasked": _composite,
    "ImageUpscaleWithModel": _double,
    "RepeatImageBatch": lambda i, f, s: NodeResult((i["image"] * int(i["amount"]),)),
    "CreateVideo": lambda i, f, s: NodeResult(((i["images"], float(i["fps"])),)),
    "SaveVideo": _save_video,
    "SaveAnimatedWEBP": _save_webp,
    "EmptyAudio": lambda i, f, s: NodeResult((sounds.silence(i),)),
    "EmptyLatentAudio": lambda i, f, s: NodeResult((sounds.SoundLatent(float(i["seconds"])),)),
    "VAEDecodeAudio": lambda i, f, s: NodeResult((sounds.tone(i["samples"].pitch, i["samples"].seconds),)),
    "LoadAudio": lambda i, f, s: NodeResult((sounds.load(f.input(i["audio"])),)),
    "AudioAdjustVolume": lambda i, f, s: NodeResult((sounds.louder(i["audio"], float(i["volume"])),)),
    "SaveAudio": _save_audio("flac"),
    "SaveAudioMP3": _save_audio("mp3"),
    "SaveAudioOpus": _save_audio("opus"),
    "PreviewAudio": _save_audio("flac", "temp"),
    "SaveImage": _save("output"),
    "PreviewImage": _save("temp"),
    "PrimitiveInt": lambda i, f, s: NodeResult((i["value"],)),
    "PreviewAny": lambda i, f, s: NodeResult((), {"text": [str(i["source"])]}),
}


def jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").resize((16, 16)).save(buffer, "JPEG")
    return buffer.getvalue()
