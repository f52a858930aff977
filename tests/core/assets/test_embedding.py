"""Recipes put into files of every kind and read back, with every pixel as it was."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from diorama.assets.formats import BY_MIME
from diorama.assets.metadata import embed, read_metadata, strip
from diorama.assets.png import encode_png
from diorama.assets.staging import stage
from PIL import Image, ImageSequence

RECIPE = {
    "schema": 1, "diorama": "0.1.0", "operation": "generate", "model": "local:pocket", "prompt": "a red ball 🎈,\nbig & <b>",
    "negative_prompt": "blur", "seed": 2**32 - 1, "width": 96, "height": 64, "num_inference_steps": 20, "guidance_scale": 7.5,
    "scheduler": "dpm++", "loras": [{"id": "a,b", "weight": 0.5, "sha256": "ab" * 32}], "facts": {"nul": "\0\x1b[31m\ud800"},
}  # fmt: skip
KINDS = ["png", "jpeg", "webp", "gif", "mp4", "webm", "gif*", "webp*"]


def content(path: Path) -> list[Any]:
    if path.suffix in (".mp4", ".webm"):
        with av.open(str(path)) as container:
            video = [(frame.pts, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]
        with av.open(str(path)) as container:
            return video + [frame.to_ndarray().tobytes() for frame in container.decode(audio=0)]
    with Image.open(path) as opened:
        return [
            (frame.info.get("duration"), frame.convert("RGBA").tobytes())
            for frame in ImageSequence.Iterator(opened)
        ]


@pytest.fixture
def source(picture: Callable[..., Any], clip: Any, tmp_path: Path) -> Callable[[str], tuple[Path, str]]:
    def make(kind: str) -> tuple[Path, str]:
        from diorama.contract import Audio

        moving = kind in ("mp4", "webm") or kind.endswith("*")
        audio = Audio(samples=np.sin(np.arange(48000) / 9)[None].astype(np.float32), sample_rate=48000)
        found = stage(
            clip if moving else picture(), index=0, kind="video" if moving else "image", fps=8, format=kind.strip("*"),
            audio=audio if kind in ("mp4", "webm") else None, work_dir=tmp_path,
        )  # fmt: skip
        return found.path, found.mime

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_comes_back_and_no_pixel_changes(source: Any, tmp_path: Path, kind: str) -> None:
    path, mime = source(kind)
    target = tmp_path / f"marked.{BY_MIME[mime].extension}"
    embed(path, target, RECIPE, mime)
    info = read_metadata(target)
    assert info.recipe == RECIPE
    assert (info.source, info.seed, info.prompt) == ("diorama", 2**32 - 1, RECIPE["prompt"])
    assert info.source_type == "trainedAlgorithmicMedia"
    assert content(target) == content(path)
    assert read_metadata(target.read_bytes()) == info


@pytest.mark.parametrize("kind", KINDS)
def test_marking_twice_leaves_one_mark(source: Any, tmp_path: Path, kind: str) -> None:
    path, mime = source(kind)
    once, twice = (tmp_path / f"{name}.{BY_MIME[mime].extension}" for name in ("once", "twice"))
    embed(path, once, {**RECIPE, "prompt": "first words"}, mime)
    embed(once, twice, {**RECIPE, "parents": [{"role": "image"}]}, mime)
    info = read_metadata(twice)
    assert info.prompt == RECIPE["prompt"]
    assert info.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert b"first words" not in twice.read_bytes()
    assert content(twice) == content(path)


@pytest.mark.parametrize("kind", KINDS)
def test_stripping_leaves_nothing_but_the_picture(source: Any, tmp_path: Path, kind: str) -> None:
    path, mime = source(kind)
    marked, bare = (tmp_path / f"{name}.{BY_MIME[mime].extension}" for name in ("marked", "bare"))
    embed(path, marked, {**RECIPE, "prompt": "find-me"}, mime)
    strip(marked, bare, mime)
    info = read_metadata(bare)
    assert (info.source, info.prompt, info.source_type) == ("", "", None)
    assert b"find-me" not in bare.read_bytes()
    assert content(bare) == content(path)


def test_other_programs_find_the_line_where_they_look(source: Any, tmp_path: Path) -> None:
    path, mime = source("png")
    embed(path, tmp_path / "a.png", RECIPE, mime)
    with Image.open(tmp_path / "a.png") as opened:
        assert opened.info["parameters"].endswith('Lora weights: "a b: 0.5", Version: Diorama 0.1.0')
    path, mime = source("jpeg")
    embed(path, tmp_path / "a.jpg", RECIPE, mime)
    with Image.open(tmp_path / "a.jpg") as opened:
        comment = opened.getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    assert (
        comment[8:]
        .decode("utf-16-be")
        .startswith("a red ball 🎈,\nbig & <b>\nNegative prompt: blur\nSteps: 20,")
    )
    path, mime = source("mp4")
    embed(path, tmp_path / "a.mp4", RECIPE, mime)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert json.loads(container.metadata["comment"]) == RECIPE
        assert "Steps: 20" in container.metadata["description"]


def test_a_marked_mp4_still_starts_at_once(source: Any, tmp_path: Path) -> None:
    path, mime = source("mp4")
    embed(path, tmp_path / "a.mp4", RECIPE, mime)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_an_mp4_with_its_index_at_the_end(clip: Any, tmp_path: Path) -> None:
    path = tmp_path / "late.mp4"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=8)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for pixels in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    marked = tmp_path / "marked.mp4"
    embed(path, marked, RECIPE, "video/mp4")
    assert read_metadata(marked).recipe == RECIPE
    with av.open(str(path)) as one, av.open(str(marked)) as two:
        before = [frame.to_ndarray().tobytes() for frame in one.decode(video=0)]
        assert [frame.to_ndarray().tobytes() for frame in two.decode(video=0)] == before


def test_an_mp4_in_fragments_is_copied_stream_by_stream(clip: Any, tmp_path: Path) -> None:
    path = tmp_path / "fragments.mp4"
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        stream: Any = container.add_stream("libx264", rate=8)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for pixels in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode(None))
    assert b"moof" in path.read_bytes()
    embed(path, tmp_path / "marked.mp4", RECIPE, "video/mp4")
    assert read_metadata(tmp_path / "marked.mp4").recipe == RECIPE


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 80}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}]
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp(
    picture: Callable[..., Any], tmp_path: Path, options: dict[str, Any], mode: str
) -> None:
    path = tmp_path / "plain.webp"
    Image.fromarray(picture(61, 37, len(mode))).save(path, **options)
    embed(path, tmp_path / "marked.webp", RECIPE, "image/webp")
    assert content(tmp_path / "marked.webp") == content(path)
    assert read_metadata(tmp_path / "marked.webp").recipe == RECIPE
    with Image.open(tmp_path / "marked.webp") as opened:
        assert opened.mode == mode


@pytest.mark.parametrize(("format", "mime"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_the_orientation_stays(tmp_path: Path, format: str, mime: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    exif[0x010E] = "somebody's words"
    path, marked, bare = (tmp_path / name for name in ("plain", "marked", "bare"))
    Image.new("RGB", (20, 10), "red").save(path, format, exif=exif)
    embed(path, marked, RECIPE, mime)
    strip(marked, bare, mime)
    for file in (marked, bare):
        with Image.open(file) as opened:
            assert opened.getexif()[0x0112] == 8
        assert b"somebody" not in file.read_bytes()


def test_other_tools_texts_stay_beside_ours(picture: Callable[..., Any], tmp_path: Path) -> None:
    graph = '{"1": {"class_type": "KSampler", "inputs": {}}}'
    (tmp_path / "comfy.png").write_bytes(
        encode_png(picture(), text=(("prompt", graph), ("parameters", "old")))
    )
    embed(tmp_path / "comfy.png", tmp_path / "marked.png", RECIPE, "image/png")
    info = read_metadata(tmp_path / "marked.png")
    assert info.source == "diorama"
    assert info.raw["prompt"] == graph
    assert "old" not in info.raw["parameters"]


def test_a_recipe_too_large_for_a_jpeg_says_what_it_left_out(source: Any, tmp_path: Path) -> None:
    path, mime = source("jpeg")
    embed(path, tmp_path / "a.jpg", {**RECIPE, "facts": {"log": "x" * 100_000}}, mime)
    info = read_metadata(tmp_path / "a.jpg")
    assert info.recipe is not None
    assert info.recipe["left_out"] == ["facts"]
    assert info.recipe["seed"] == RECIPE["seed"]


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/webp", "image/gif"])
def test_a_file_of_another_type_is_an_error(tmp_path: Path, mime: str) -> None:
    (tmp_path / "x").write_bytes(b"something else entirely, long enough to be read")
    with pytest.raises(ValueError, match="not a"):
        embed(tmp_path / "x", tmp_path / "y", RECIPE, mime)


def test_the_xmp_packet_is_well_formed(source: Any, tmp_path: Path) -> None:
    from xml.dom.minidom import parseString

    path, mime = source("webp")
    embed(path, tmp_path / "a.webp", RECIPE, mime)
    with Image.open(tmp_path / "a.webp") as opened:
        packet = parseString(opened.info["xmp"])
    description = packet.getElementsByTagName("rdf:Description")[0]
    assert json.loads(description.getAttribute("diorama:recipe")) == RECIPE
    assert description.getAttribute("Iptc4xmpExt:DigitalSourceType").endswith("/trainedAlgorithmicMedia")


def test_gif_readers_find_the_end_of_the_packet(source: Any, tmp_path: Path) -> None:
    path, mime = source("gif*")
    embed(path, tmp_path / "a.gif", RECIPE, mime)
    with Image.open(io.BytesIO((tmp_path / "a.gif").read_bytes())) as opened:
        assert opened.info["loop"] == 0
        assert opened.n_frames == 12  # type: ignore[attr-defined]


def test_chunk_checksums_are_right(source: Any, tmp_path: Path) -> None:
    import zlib

    path, mime = source("png")
    embed(path, tmp_path / "a.png", RECIPE, mime)
    data, at = (tmp_path / "a.png").read_bytes(), 8
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        assert zlib.crc32(data[at + 4 : at + 8 + size]) == struct.unpack_from(">I", data, at + 8 + size)[0]
        at += 12 + size
