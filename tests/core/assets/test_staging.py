from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from diorama.assets.staging import encode_preview, stage
from diorama.contract import Audio, BackendError
from diorama.settings import LimitSettings
from PIL import Image

Make = Callable[..., np.ndarray[Any, Any]]


def encoded(pixels: np.ndarray[Any, Any], format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def decoded(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_become_a_png_with_thumbnail_and_placeholder(
    picture: Make, tmp_path: Path, channels: int
) -> None:
    pixels = picture(800, 500, channels)
    found = stage(pixels, index=3, work_dir=tmp_path, seed=9, facts={"a": 1})
    assert (found.index, found.kind, found.mime, found.width, found.height, found.seed) == (
        3,
        "image",
        "image/png",
        800,
        500,
        9,
    )
    assert np.array_equal(np.asarray(Image.open(found.path)), pixels.squeeze())
    assert found.thumbnail is not None
    with Image.open(found.thumbnail) as thumbnail:
        assert thumbnail.format == "WEBP"
        assert thumbnail.size == (320, 200)
    assert found.placeholder
    assert found.facts == {"a": 1}


def test_a_pillow_image_and_its_array_give_the_same_file(picture: Make, tmp_path: Path) -> None:
    one = stage(picture(), index=0, work_dir=tmp_path)
    two = stage(Image.fromarray(picture()), index=1, work_dir=tmp_path)
    assert one.path.read_bytes() == two.path.read_bytes()


@pytest.mark.parametrize("mode", ["P", "LA", "CMYK", "1", "I;16"])
def test_other_modes_are_brought_to_eight_bits(picture: Make, tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture(channels=1)[:, :, 0])
    image = (
        Image.fromarray(np.asarray(image).astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    )
    found = stage(image, index=0, work_dir=tmp_path)
    with Image.open(found.path) as opened:
        assert opened.mode in ("L", "RGB", "RGBA")
        if mode in ("I;16", "LA"):
            assert np.array_equal(np.asarray(opened.convert("L")), picture(channels=1)[:, :, 0])


@pytest.mark.parametrize(
    ("format", "mime"),
    [
        ("png", "image/png"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("webp", "image/webp"),
        ("gif", "image/gif"),
    ],
)
def test_a_format_can_be_chosen(picture: Make, tmp_path: Path, format: str, mime: str) -> None:
    found = stage(picture(), index=0, work_dir=tmp_path, format=format)
    assert found.mime == mime
    with Image.open(found.path) as opened:
        close = np.abs(np.asarray(opened.convert("RGB")).astype(int) - picture()).mean()
    assert close < (20 if format == "gif" else 6)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize(
    "wrap",
    [lambda data, _: data, lambda data, _: io.BytesIO(data), lambda data, folder: written(folder, data)],
)
def test_allowed_encoded_content_is_kept_byte_for_byte(
    picture: Make, tmp_path: Path, format: str, wrap: Any
) -> None:
    data = encoded(picture(), format)
    found = stage(wrap(data, tmp_path), index=0, work_dir=tmp_path)
    assert found.path.read_bytes() == data
    assert (found.width, found.height) == (96, 64)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "provider-result.bin"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("format", ["BMP", "TIFF"])
def test_rarer_formats_become_png(picture: Make, tmp_path: Path, format: str) -> None:
    found = stage(encoded(picture(), format), index=0, work_dir=tmp_path)
    assert found.mime == "image/png"
    assert np.array_equal(np.asarray(Image.open(found.path)), picture())


def test_avif_becomes_png(picture: Make, tmp_path: Path) -> None:
    assert stage(encoded(picture(), "AVIF"), index=0, work_dir=tmp_path).mime == "image/png"


def test_another_format_is_made_when_asked(picture: Make, tmp_path: Path) -> None:
    found = stage(encoded(picture(), "PNG"), index=0, work_dir=tmp_path, format="webp")
    assert (found.mime, found.path.suffix) == ("image/webp", ".webp")


def test_the_real_type_counts(picture: Make, clip: Any, tmp_path: Path) -> None:
    movie = stage(clip, index=0, kind="video", fps=8, work_dir=tmp_path).path.read_bytes()
    assert stage(movie, index=1, kind="image", work_dir=tmp_path).kind == "video"
    assert stage(encoded(picture(), "JPEG"), index=2, kind="video", work_dir=tmp_path).kind == "image"
    assert stage(encoded(picture(), "JPEG"), index=3, work_dir=tmp_path, format="mp4").mime == "image/jpeg"


def test_orientation_is_applied_to_size_and_thumbnail(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = stage(encoded(np.zeros((40, 80, 3), np.uint8), "JPEG", exif=exif), index=0, work_dir=tmp_path)
    assert (found.width, found.height) == (40, 80)
    with Image.open(found.thumbnail) as thumbnail:  # type: ignore[arg-type]
        assert thumbnail.size == (40, 80)


BAD: dict[str, Any] = {
    "html": b"<html><script>alert(1)</script>" * 10,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "empty": b"",
    "cut off": encoded(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), "PNG")[:600],
    "cut off jpeg": encoded(np.zeros((64, 64, 3), np.uint8), "JPEG")[:200],
    "floats": np.zeros((8, 8, 3), np.float32),
    "two channels": np.zeros((8, 8, 2), np.uint8),
    "nothing": np.zeros((0, 8, 3), np.uint8),
    "a word": "picture",
    "none": None,
    "playlist": b"#EXTM3U\nhttp://127.0.0.1/secret\n",
    "damaged video": b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0" * 500,
    "missing file": Path("/nonexistent/output.png"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_the_backends_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="output 4"):
        stage(BAD[name], index=4, work_dir=tmp_path)
    assert not list(tmp_path.glob("output-*"))


def test_limits_hold_for_pixels_and_for_frames(picture: Make, clip: Any, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="limit"):
        stage(picture(), index=0, work_dir=tmp_path, limits=LimitSettings(image_pixels=6000))
    with pytest.raises(BackendError, match="limit"):
        stage(encoded(picture(), "PNG"), index=0, work_dir=tmp_path, limits=LimitSettings(image_pixels=6000))
    with pytest.raises(BackendError, match="more than 5 frames"):
        stage(clip, index=0, kind="video", fps=8, work_dir=tmp_path, limits=LimitSettings(video_frames=5))
    movie = stage(clip, index=0, kind="video", fps=8, work_dir=tmp_path).path.read_bytes()
    with pytest.raises(BackendError, match="more than 5 frames"):
        stage(movie, index=1, kind="video", work_dir=tmp_path, limits=LimitSettings(video_frames=5))


def test_an_unknown_format_is_refused_with_the_list(picture: Make, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="webp"):
        stage(picture(), index=0, work_dir=tmp_path, format="psd")


@pytest.mark.parametrize(("format", "codec", "sound"), [("mp4", "h264", "aac"), ("webm", "vp9", "opus")])
def test_video_with_sound(clip: Any, tmp_path: Path, format: str, codec: str, sound: str) -> None:
    tone = np.sin(np.arange(66150) / 15).astype(np.float32)
    audio = Audio(samples=np.stack([tone, -tone]), sample_rate=44100)
    found = stage(clip, index=0, kind="video", fps=8, format=format, audio=audio, work_dir=tmp_path)
    assert (found.kind, found.mime, found.frames, found.fps, found.has_audio) == (
        "video",
        f"video/{format}",
        12,
        8,
        True,
    )
    assert found.duration == pytest.approx(1.5, abs=0.05)
    with av.open(str(found.path)) as container:
        video, track = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name.removeprefix("lib"), video.codec_context.pix_fmt) == (
            codec,
            "yuv420p",
        )
        assert track.codec_context.name.removeprefix("lib").startswith(sound)
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
        assert np.abs(heard).mean() > 0.3
    assert len(decoded(found.path)) == 12
    with Image.open(found.thumbnail) as poster:  # type: ignore[arg-type]
        shown = np.asarray(poster.convert("RGB")).astype(int)
    assert np.abs(shown - clip[0]).mean() < 8


def test_an_mp4_starts_playing_before_it_is_loaded(clip: Any, tmp_path: Path) -> None:
    data = stage(clip, index=0, kind="video", fps=8, work_dir=tmp_path).path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_odd_sizes_grow_to_even_ones_and_colours_stay(tmp_path: Path) -> None:
    red = np.zeros((4, 35, 51, 3), np.uint8)
    red[..., 0] = 220
    found = stage(red, index=0, kind="video", fps=5, work_dir=tmp_path)
    assert (found.width, found.height) == (52, 36)
    for frame in decoded(found.path):
        assert np.abs(frame.astype(int) - [220, 0, 0]).max() <= 6


def test_frames_are_taken_one_by_one(tmp_path: Path) -> None:
    alive, most = 0, 0

    class Frame(np.ndarray[Any, Any]):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def frames() -> Iterator[Any]:
        nonlocal alive, most
        for i in range(60):
            alive += 1
            most = max(most, alive)
            yield np.full((32, 32, 3), i * 4, np.uint8).view(Frame)

    assert stage(frames(), index=0, kind="video", fps=30, work_dir=tmp_path).frames == 60
    assert most <= 8


def test_frame_rates_that_are_fractions(clip: Any, tmp_path: Path) -> None:
    found = stage(clip, index=0, kind="video", fps=24000 / 1001, work_dir=tmp_path)
    with av.open(str(found.path)) as container:
        assert container.streams.video[0].average_rate == Fraction(24000, 1001)


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_animations(clip: Any, tmp_path: Path, format: str) -> None:
    found = stage(clip, index=0, kind="video", fps=10, format=format, work_dir=tmp_path)
    assert (found.kind, found.mime, found.frames, found.duration) == ("video", f"image/{format}", 12, 1.2)
    again = stage(found.path, index=1, kind="video", work_dir=tmp_path)
    assert (again.kind, again.frames) == ("video", 12)
    assert again.fps == pytest.approx(10)
    assert again.path.read_bytes() == found.path.read_bytes()
    movie = stage(found.path, index=2, kind="video", format="mp4", work_dir=tmp_path)
    assert (movie.mime, movie.frames) == ("video/mp4", 12)


def test_a_matroska_file_becomes_an_mp4(clip: Any, tmp_path: Path) -> None:
    source = stage(clip, index=0, kind="video", fps=8, work_dir=tmp_path).path
    other = tmp_path / "source.mkv"
    with av.open(str(source)) as old, av.open(str(other), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    found = stage(other, index=1, kind="video", work_dir=tmp_path)
    assert (found.mime, found.frames) == ("video/mp4", 12)
    for one, two in zip(decoded(found.path), decoded(source), strict=True):
        assert np.abs(one.astype(int) - two).mean() < 4


def test_a_webm_is_encoded_anew_when_an_mp4_is_asked_for_and_cannot_hold_it(
    clip: Any, tmp_path: Path
) -> None:
    source = stage(clip, index=0, kind="video", fps=8, format="webm", work_dir=tmp_path).path
    assert stage(source, index=1, kind="video", format="mp4", work_dir=tmp_path).mime == "video/mp4"


@pytest.mark.parametrize("fps", [None, 0, -1, float("nan"), 1e9])
def test_frames_need_a_frame_rate(clip: Any, tmp_path: Path, fps: float | None) -> None:
    with pytest.raises(BackendError, match="fps"):
        stage(clip, index=0, kind="video", fps=fps, work_dir=tmp_path)


def test_frames_of_different_sizes_are_refused(picture: Make, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="Frame 1"):
        stage([picture(), picture(64, 64)], index=0, kind="video", fps=8, work_dir=tmp_path)


def test_previews_are_small(picture: Make) -> None:
    data, mime = encode_preview(picture(900, 600))
    assert mime == "image/jpeg"
    assert Image.open(io.BytesIO(data)).size == (256, 171)
    assert encode_preview(picture(900, 600, 4))[1] == "image/webp"
    assert Image.open(io.BytesIO(encode_preview(encoded(picture(900, 600), "JPEG"))[0])).size == (256, 171)
    with pytest.raises(BackendError, match="preview"):
        encode_preview(b"nonsense")


def test_staging_stays_light() -> None:
    code = (
        "import sys, diorama.assets.staging as s\n"
        "early = {'numpy', 'PIL', 'av', 'isal', 'sqlalchemy', 'torch'} & set(sys.modules)\n"
        "import numpy, pathlib, tempfile\n"
        "s.stage(numpy.zeros((8, 8, 3), 'u1'), index=0, work_dir=pathlib.Path(tempfile.mkdtemp()))\n"
        "print(early, 'sqlalchemy' in sys.modules, 'av' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert shown.strip() == "set() False False"
