"""The smallest request that a model can be asked, made from its own capabilities."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diorama.contract import Capabilities, MediaInput, ModelInfo, Operation, Range
from diorama.jobs.submission import Submission

SEED = 7


def sample_image(
    folder: Path, *, size: tuple[int, int] = (96, 64), color: str = "seagreen", name: str = "sample"
) -> MediaInput:
    """Write a small PNG and return it as an input."""
    from PIL import Image

    path = folder / f"{name}-{size[0]}x{size[1]}.png"
    Image.new("RGB", size, color).save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return MediaInput(path=str(path), width=size[0], height=size[1], sha256=digest)


def sample_video(
    folder: Path, *, size: tuple[int, int] = (64, 48), frames: int = 6, fps: int = 6
) -> MediaInput:
    """Write a short MP4 and return it as an input."""
    import av
    import numpy as np

    path = folder / "sample.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        for index in range(frames):
            picture = np.full((size[1], size[0], 3), index * 20, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return MediaInput(
        path=str(path), kind="video", mime="video/mp4", width=size[0], height=size[1], sha256=digest
    )


def sample_sound(folder: Path, *, seconds: float = 0.5, name: str = "sample") -> MediaInput:
    """Write a short WAV with one tone and return it as an input."""
    import wave

    import numpy as np

    path = folder / f"{name}.wav"
    tone = np.sin(np.arange(int(16000 * seconds)) * (2 * np.pi * 440 / 16000)) * 0.5
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return MediaInput(path=str(path), kind="audio", mime="audio/wav", sha256=digest)


def smallest_submission(
    model: ModelInfo,
    operation: Operation,
    folder: Path,
    *,
    prompt: str,
    parameters: Mapping[str, Any] | None = None,
) -> Submission:
    """Return a valid submission with few steps, few frames and the fewest inputs."""
    can = model.operations[operation]
    images = tuple(
        sample_image(folder, name=f"input-{index}", size=_source_size(can))
        for index in range(_images_needed(can, operation))
    )
    return Submission(
        kind=operation.value,
        model=model.id,
        prompt=prompt if can.prompt != "none" else "",
        seed=SEED if can.seed else None,
        num_images=int(can.images_out.minimum) if operation in (Operation.GENERATE, Operation.EDIT) else None,
        num_inference_steps=_low(can.num_inference_steps, at_least=4),
        strength=0.6 if can.strength and operation is Operation.EDIT else None,
        images=() if operation is Operation.UPSCALE else images,
        sounds=tuple(
            sample_sound(folder, name=f"sound-{index}") for index in range(_sounds_needed(can, operation))
        ),
        media=_media(can, folder) if operation is Operation.UPSCALE else None,
        num_frames=_low(can.frames, at_least=5),
        duration=_low(can.duration, at_least=1) if can.produces == "audio" else None,
        parameters=dict(parameters or {}),
    )


def _images_needed(can: Capabilities, operation: Operation) -> int:
    if can.images_in is None or operation is Operation.UPSCALE:
        return 0
    return max(int(can.images_in.minimum), 1 if operation is Operation.EDIT and can.sounds_in is None else 0)


def _sounds_needed(can: Capabilities, operation: Operation) -> int:
    if can.sounds_in is None or operation is Operation.UPSCALE:
        return 0
    alone = operation is Operation.EDIT and can.images_in is None
    return max(int(can.sounds_in.minimum), int(alone))


def _source_size(can: Capabilities) -> tuple[int, int]:
    if can.sizes is None or can.sizes.minimum <= 64:
        return (96, 64)
    return (can.sizes.minimum, can.sizes.minimum)


def _media(can: Capabilities, folder: Path) -> MediaInput:
    return sample_image(folder, size=(24, 16)) if can.images_in is not None else sample_video(folder)


def _low(offered: Range | None, *, at_least: int) -> int | None:
    return None if offered is None else int(offered.nearest(max(offered.minimum, at_least)))
