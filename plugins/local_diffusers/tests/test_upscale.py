"""Upscaling: networks, exact tiles, sizes, videos with sound, official files."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import (
    AvailabilityState,
    BackendError,
    FetchedFile,
    JobCancelled,
    MediaInput,
    Operation,
    UpscaleRequest,
)
from diorama_local_diffusers.models.user import add_model
from diorama_local_diffusers.upscale.networks import Shape, build, shape_of
from PIL import Image

pytestmark = pytest.mark.torch

COMPACT = Shape("compact", 4, 8, 2, reach=4)
RRDB4 = Shape("rrdb", 4, 8, 1, 4, 1, 19)
RRDB2 = Shape("rrdb", 2, 8, 1, 4, 2, 38)


def write_weights(shape: Shape, place: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    torch.set_num_threads(1)
    save_file(build(shape).state_dict(), place)
    return place


def write_picture(place: Path, size: tuple[int, int], mode: str = "RGB") -> MediaInput:
    random = np.random.default_rng(0)
    channels = len(mode)
    Image.fromarray(random.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8), mode).save(place)
    return MediaInput(path=str(place), width=size[0], height=size[1])


def write_clip(
    place: Path, seconds: float = 1.0, size: tuple[int, int] = (32, 24), audio: str = "aac"
) -> MediaInput:
    import av

    with av.open(str(place), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        sound = container.add_stream(audio, rate=44100, layout="mono")
        random = np.random.default_rng(0)
        for _ in range(round(10 * seconds)):
            frame = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
        wave = (np.sin(np.arange(round(44100 * seconds)) / 20) * 20_000).astype(np.int16)[None]
        layout = "s16" if audio == "flac" else "fltp"
        if audio == "aac":
            wave = (wave / 32768).astype(np.float32)
        for start in range(0, wave.shape[1], 1024):
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(wave[:, start : start + 1024]), layout, "mono"
            )
            block.sample_rate, block.pts = 44100, start
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    return MediaInput(path=str(place), kind="video", mime="video/mp4", width=size[0], height=size[1])


@pytest.mark.parametrize("shape", [COMPACT, RRDB4, RRDB2], ids=["compact", "rrdb4", "rrdb2"])
def test_the_shape_is_read_from_the_weights(shape: Shape, tmp_path: Path, settings: Any) -> None:
    network = build(shape)
    assert shape_of({key: tuple(value.shape) for key, value in network.state_dict().items()}) == shape
    info = add_model(settings, str(write_weights(shape, tmp_path / "net.safetensors")))
    scale = info.operations[Operation.UPSCALE].scale
    assert scale is not None
    assert scale.maximum == shape.scale
    assert info.availability.state is AvailabilityState.READY


@pytest.mark.parametrize("shape", [COMPACT, RRDB4, RRDB2], ids=["compact", "rrdb4", "rrdb2"])
def test_tiled_and_whole_agree_exactly(
    backend: Any, settings: Any, job: Any, tmp_path: Path, shape: Shape
) -> None:
    model = add_model(settings, str(write_weights(shape, tmp_path / "net.safetensors")))
    media = write_picture(tmp_path / "in.png", (150, 101))
    made = []
    for tile in (4096, 32):
        context = job(model)
        parameters = {"tile": tile, "exact": True}
        backend.upscale(
            UpscaleRequest(model=model.id, media=media, scale=shape.scale, parameters=parameters), context
        )
        made.append(np.asarray(context.saved[0][0]).astype(int))
    assert made[0].shape == (101 * shape.scale, 150 * shape.scale, 3)
    # Convolutions of other sizes may add in another order, so one grey level is the last bit and not a seam.
    assert np.abs(made[0] - made[1]).max() <= 1
    assert (made[0] != made[1]).mean() < 1e-3


@pytest.mark.parametrize(("size", "scale"), [((1, 1), 4.0), ((7, 9), 2.5), ((33, 20), 1.0), ((31, 5), 3.0)])
def test_any_size_and_any_scale(
    backend: Any, settings: Any, job: Any, tmp_path: Path, size: tuple[int, int], scale: float
) -> None:
    model = add_model(settings, str(write_weights(RRDB4, tmp_path / "net.safetensors")))
    context = job(model)
    media = write_picture(tmp_path / "in.png", size)
    backend.upscale(UpscaleRequest(model=model.id, media=media, scale=scale), context)
    assert context.saved[0][0].size == (round(size[0] * scale), round(size[1] * scale))


def test_transparency_is_kept(backend: Any, settings: Any, job: Any, tmp_path: Path) -> None:
    model = add_model(settings, str(write_weights(COMPACT, tmp_path / "net.safetensors")))
    context = job(model)
    media = write_picture(tmp_path / "in.png", (16, 16), "RGBA")
    backend.upscale(UpscaleRequest(model=model.id, media=media, scale=4.0), context)
    assert context.saved[0][0].mode == "RGBA"


class KeepingContext:
    """Mixed into a recording context: takes files too, and reads them while they are there."""

    def save(self, content: Any, *, kind: Any = "image", **more: Any) -> Any:
        import av
        from diorama.contract import Artifact

        with av.open(str(content)) as container:
            video, sound = container.streams.video[0], container.streams.audio[0]
            self.size = (video.width, video.height)  # type: ignore[attr-defined]
            self.rate = float(video.average_rate)  # type: ignore[attr-defined]
            self.codec = sound.codec_context.name  # type: ignore[attr-defined]
            self.seconds = float(sound.duration * sound.time_base)  # type: ignore[attr-defined]
        with av.open(str(content)) as container:
            self.frames = sum(1 for _ in container.decode(video=0))  # type: ignore[attr-defined]
        return Artifact(index=0, kind=kind)


@pytest.mark.parametrize(("name", "audio"), [("in.mp4", "aac"), ("in.mkv", "flac")])
def test_a_video_keeps_its_length_frames_and_sound(
    backend: Any, settings: Any, job: Any, tmp_path: Path, name: str, audio: str
) -> None:
    model = add_model(settings, str(write_weights(COMPACT, tmp_path / "net.safetensors")))
    plain = job(model)
    context = type("Both", (KeepingContext, type(plain)), {})(model, tmp_path)
    media = write_clip(tmp_path / name, 3.0, audio=audio)
    backend.upscale(UpscaleRequest(model=model.id, media=media, scale=2.0), context)
    assert context.frames == 30
    assert context.size == (64, 48)
    assert context.rate == 10
    assert context.codec == "aac"
    assert abs(context.seconds - 3.0) < 0.1
    assert context.reports[-1]["frame"] == 30


def test_cancel_ends_a_video_at_once(backend: Any, settings: Any, job: Any, tmp_path: Path) -> None:
    model = add_model(settings, str(write_weights(COMPACT, tmp_path / "net.safetensors")))
    context = job(model)

    def progress(stage: Any, fraction: Any = None, message: str = "", **numbers: Any) -> None:
        context.reports.append({"stage": stage, **numbers})
        if numbers.get("frame") == 3:
            context.is_cancelled = True
            raise JobCancelled

    context.progress = progress
    with pytest.raises(JobCancelled):
        backend.upscale(
            UpscaleRequest(model=model.id, media=write_clip(tmp_path / "in.mp4", 5.0), scale=2.0), context
        )
    assert not context.saved
    assert max(report.get("frame", 0) for report in context.reports) == 3


def test_official_files_are_checked_by_hash_before_they_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from diorama_local_diffusers.upscale.weights import convert_pickle, open_network

    torch.manual_seed(0)
    network = build(COMPACT)
    official = tmp_path / "official.pth"
    torch.save({"params_ema": network.state_dict()}, official)
    digest = hashlib.sha256(official.read_bytes()).hexdigest()
    with pytest.raises(BackendError, match="not opened"):
        convert_pickle(official, tmp_path / "out.safetensors", "0" * 64)
    with pytest.raises(BackendError, match="not opened"):
        convert_pickle(official, tmp_path / "out.safetensors", "")
    assert not (tmp_path / "out.safetensors").exists()
    (tmp_path / "torch.py").write_text("raise SystemExit('a module of the current folder')")
    monkeypatch.chdir(tmp_path)
    convert_pickle(Path("official.pth"), Path("out.safetensors"), digest)
    opened, shape = open_network(tmp_path / "out.safetensors", "cpu", torch.float32)
    assert shape == COMPACT
    picture = torch.rand(1, 3, 8, 8)
    assert torch.equal(opened(picture), network(picture))


def test_converting_does_not_bring_torch_into_the_server(tmp_path: Path) -> None:
    import torch

    official = tmp_path / "official.pth"
    torch.save({"params": build(COMPACT).state_dict()}, official)
    program = f"""
import hashlib, sys
from pathlib import Path
from diorama_local_diffusers.upscale.weights import convert_pickle
source = Path({str(official)!r})
convert_pickle(source, source.with_suffix(".safetensors"), hashlib.sha256(source.read_bytes()).hexdigest())
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert official.with_suffix(".safetensors").exists()


def test_a_file_that_runs_code_is_never_run_even_with_the_right_hash(tmp_path: Path) -> None:
    import pickle

    from diorama_local_diffusers.upscale.weights import convert_pickle

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "it-ran",))

    bad = tmp_path / "bad.pth"
    bad.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(BackendError, match="cannot be converted"):
        convert_pickle(bad, tmp_path / "out.safetensors", hashlib.sha256(bad.read_bytes()).hexdigest())
    assert not (tmp_path / "it-ran").exists()


def test_an_official_upscaler_is_fetched_by_the_guarded_door(
    backend: Any, settings: Any, job: Any, tmp_path: Path
) -> None:
    from dataclasses import replace

    from diorama_local_diffusers.models.shelf import find

    entry = find("realesrgan-animevideo-v3", settings)
    assert entry is not None
    assert entry.scale == 4
    context = job(None)
    wrong = tmp_path / "wrong.pth"
    wrong.write_bytes(b"something else")
    context.fetch = lambda url, **_: FetchedFile(path=wrong, mime="", size=14)
    backend.settings = replace(backend.settings, offline=False)
    with pytest.raises(BackendError, match="not opened"):
        backend.download("realesrgan-animevideo-v3", context)


def test_the_upscaler_that_comes_inside_sharpens_drawings(
    backend: Any, settings: Any, job: Any, tmp_path: Path
) -> None:
    from diorama_local_diffusers.models.info import model_info
    from diorama_local_diffusers.models.shelf import find
    from PIL import ImageDraw

    entry = find("pocket-upscale", settings)
    assert entry is not None
    model = model_info(entry, settings)
    if model.availability.state is not AvailabilityState.READY:
        pytest.skip("the weights are not in this checkout")
    large = Image.new("RGB", (512, 512), (250, 250, 250))
    ImageDraw.Draw(large).ellipse((100, 120, 380, 400), fill=(200, 40, 40), outline=(90, 20, 20), width=12)
    wanted = large.reduce(2)
    wanted.reduce(4).save(tmp_path / "small.png")
    context = job(model)
    media = MediaInput(path=str(tmp_path / "small.png"), width=64, height=64)
    backend.upscale(UpscaleRequest(model=model.id, media=media, scale=4.0), context)
    made = context.saved[0][0]
    assert made.size == (256, 256)
    bicubic = media.load_image().resize((256, 256), Image.Resampling.BICUBIC)

    def error(image: Image.Image) -> float:
        return float(((np.asarray(image).astype(float) - np.asarray(wanted)) ** 2).mean())

    assert error(made) < 0.8 * error(bicubic)
