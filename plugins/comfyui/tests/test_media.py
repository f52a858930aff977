"""Workflows inside pictures, videos and sound, as ComfyUI and its extensions write them."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from diorama_comfyui.convert import WorkflowError, find_workflow
from PIL import Image, PngImagePlugin

API = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}}}
UI = {"nodes": [{"id": 1, "type": "EmptyImage"}], "links": [], "version": 0.4}


def picture() -> Image.Image:
    return Image.new("RGB", (8, 8), "red")


def png(**texts: str) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    buffer = io.BytesIO()
    picture().save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def test_png_prefers_the_page_format() -> None:
    assert find_workflow(png(prompt=json.dumps(API), workflow=json.dumps(UI))) == UI
    assert find_workflow(png(prompt=json.dumps(API), parameters="a red ball")) == API


@pytest.mark.parametrize("compressed", [False, True])
def test_png_international_text(compressed: bool) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("workflow", json.dumps(UI) + "", zip=compressed)
    buffer = io.BytesIO()
    picture().save(buffer, "PNG", pnginfo=chunks)
    assert find_workflow(buffer.getvalue()) == UI


def test_animated_png_chunk() -> None:
    body = b"workflow\0" + json.dumps(UI).encode()
    chunk = struct.pack(">I", len(body)) + b"comf" + body + struct.pack(">I", zlib.crc32(b"comf" + body))
    plain = png()
    assert find_workflow(plain[:-12] + chunk + plain[-12:]) == UI


@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_exif(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(API)
    exif[0x010F] = "workflow:" + json.dumps(UI)
    buffer = io.BytesIO()
    picture().save(buffer, kind, exif=exif)
    assert find_workflow(buffer.getvalue()) == UI


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.mkv"])
def test_video(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    options = {"movflags": "use_metadata_tags"} if name.endswith("mp4") else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata["prompt"] = json.dumps(API)
        container.metadata["workflow"] = json.dumps(UI)
        stream = container.add_stream("libvpx-vp9" if name.endswith("webm") else "mpeg4", rate=8)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert find_workflow(path) == UI


def test_one_tag_with_both_forms(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = json.dumps({"prompt": json.dumps(API), "workflow": json.dumps(UI)})
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert find_workflow(path) in (UI, API)


def test_json_with_and_without_envelope() -> None:
    assert find_workflow(json.dumps(UI).encode()) == UI
    assert find_workflow(b"\xef\xbb\xbf" + json.dumps({"prompt": API}).encode()) == API
    assert find_workflow(json.dumps({"workflow": json.dumps(UI)}).encode()) == UI


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"{",
        b"[]",
        b"{}",
        b'{"a": 1}',
        b"[" * 100_000,
        b'{"nodes": 5}',
        png(),
        png(workflow="not json", prompt="{}"),
        png(workflow="{" * 5000),
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 64,
        b"\xff\xd8\xff" + b"\0" * 64,
        b"\0\0\0\x18ftypmp42" + b"\0" * 64,
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"\x1aE\xdf\xa3" + b"\x99" * 32,
        bytes(range(256)) * 20,
    ],
    ids=range(17),
)
def test_files_without_a_workflow(content: bytes) -> None:
    with pytest.raises(WorkflowError) as caught:
        find_workflow(content)
    assert len(str(caught.value)) < 400


def test_zip_bomb_in_a_text_chunk() -> None:
    packed = zlib.compress(b" " * 200_000_000, 9)
    body = b"workflow\0\0" + packed
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    plain = png()
    with pytest.raises(WorkflowError):
        find_workflow(plain[:33] + chunk + plain[33:])
