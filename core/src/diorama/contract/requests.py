"""What a backend is asked to do. Every value is already checked against the model's capabilities.

``None`` means "the model has no such control, or leaves the choice to you". Files are always local paths, so that
a request is plain data and travels unchanged between processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract.capabilities import Operation
from diorama.contract.models import split_model_id
from diorama.contract.results import MediaKind

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInput:
    """An image, a video or a sound given by the user, stored and checked by the engine.

    Attributes:
        path: Absolute path of a local file; read only.
        kind: ``image``, ``video`` or ``audio``.
        mime: Type found by decoding, never the one claimed.
        width: Pixels, after EXIF rotation; 0 for sound.
        height: Pixels, after EXIF rotation; 0 for sound.
        sha256: Hex digest of the file.
        asset_id: The asset it came from, when it was one of ours.
    """

    path: str
    kind: MediaKind = "image"
    mime: str = "image/png"
    width: int = 0
    height: int = 0
    sha256: str = ""
    asset_id: str | None = None

    def read_bytes(self) -> bytes:
        """Return the file's content."""
        return Path(self.path).read_bytes()

    def load_image(self, mode: str = "RGB") -> Image:
        """Return the picture, upright (EXIF rotation applied), converted to ``mode``. Needs Pillow."""
        from PIL import Image, ImageOps

        with Image.open(self.path) as opened:
            upright = ImageOps.exif_transpose(opened)
            return upright.convert(mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraRef:
    """A LoRA to apply.

    Attributes:
        id: Name or path as the backend knows it.
        weight: 0 (no effect) to 1.5.
    """

    id: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What all requests share.

    Attributes:
        model: Full model id, ``backend:native-id``.
        prompt: Text; empty where the operation takes none.
        negative_prompt: What should not appear.
        seed: Seed of the first result, 0 to 2^32 - 1; result ``i`` uses ``seed + i`` (modulo 2^32).
        num_inference_steps: Denoising steps.
        guidance_scale: Prompt guidance.
        scheduler: Sampler name out of the capabilities.
        loras: LoRAs to apply, in order.
        parameters: Further parameters, valid under the capabilities' JSON schema.
    """

    model: str
    prompt: str = ""
    negative_prompt: str | None = None
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    loras: tuple[LoraRef, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def native_id(self) -> str:
        """The model id without the backend's prefix."""
        return split_model_id(self.model)[1]

    def seed_of(self, index: int) -> int | None:
        """Return the seed of result ``index``, or ``None`` when the model takes no seed."""
        return None if self.seed is None else (self.seed + index) % 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest(Request):
    """Text to image(s), or to sound where the capabilities say so.

    Attributes:
        width: Output width in pixels.
        height: Output height in pixels.
        aspect_ratio: Name of a ratio, for models whose sizes are ratios only.
        num_images: How many pictures.
        images: Reference pictures, for models that take them while generating.
        sounds: Sounds, for models that take them.
        duration: Seconds of sound.
        control: ControlNet-like maps by kind.
    """

    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    num_images: int = 1
    images: tuple[MediaInput, ...] = ()
    sounds: tuple[MediaInput, ...] = ()
    duration: float | None = None
    control: Mapping[str, MediaInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest(Request):
    """Image(s) and text to image(s): image-to-image, inpainting, outpainting, instruction editing.

    Where the capabilities say so it makes sound instead, out of sounds or images.

    Attributes:
        images: Source first, then references; at least one, unless there are sounds.
        mask: Same size as the source; white is changed, black is kept.
        strength: 0 (nothing changes) to 1 (source ignored).
        width: Output width in pixels; equals the source's for models that match their input.
        height: Output height in pixels.
        aspect_ratio: Name of a ratio, for models whose sizes are ratios only.
        num_images: How many pictures.
        sounds: Sounds, for models that take them; the source first.
        duration: Seconds of sound.
        control: ControlNet-like maps by kind.
    """

    images: tuple[MediaInput, ...]
    mask: MediaInput | None = None
    strength: float | None = None
    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    num_images: int = 1
    sounds: tuple[MediaInput, ...] = ()
    duration: float | None = None
    control: Mapping[str, MediaInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest(Request):
    """Text, image(s) and/or a video to video.

    Attributes:
        images: Start picture first, then further references.
        video: Source video, for video-to-video models.
        strength: How far the result may leave the source video, 0 (nothing changes) to 1 (source ignored).
        sounds: Sounds, for models that take them (speech to move lips by).
        width: Frame width in pixels; ``None`` where a source video decides.
        height: Frame height in pixels; ``None`` where a source video decides.
        aspect_ratio: Name of a ratio, for models whose sizes are ratios only.
        num_frames: Number of frames.
        fps: Frames per second.
        duration: Seconds, for models that count seconds.
        audio: Whether sound is wanted, where the model can make it.
        num_videos: How many videos.
    """

    images: tuple[MediaInput, ...] = ()
    video: MediaInput | None = None
    strength: float | None = None
    sounds: tuple[MediaInput, ...] = ()
    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    num_frames: int | None = None
    fps: float | None = None
    duration: float | None = None
    audio: bool = False
    num_videos: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscaleRequest(Request):
    """Image or video to a larger one.

    Attributes:
        media: What is enlarged.
        scale: Factor, such as 2.0 or 4.0.
    """

    media: MediaInput
    scale: float = 2.0


AnyRequest = GenerateRequest | EditRequest | VideoRequest | UpscaleRequest
"""Any of the four requests."""

REQUEST_TYPES: dict[Operation, type[GenerateRequest | EditRequest | VideoRequest | UpscaleRequest]] = {
    Operation.GENERATE: GenerateRequest,
    Operation.EDIT: EditRequest,
    Operation.VIDEO: VideoRequest,
    Operation.UPSCALE: UpscaleRequest,
}
"""The request class of each operation."""
