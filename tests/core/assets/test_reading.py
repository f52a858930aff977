"""Files as other tools write them; and noise, which must never raise."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diorama.assets.metadata import LoraUse, a1111, read_metadata
from diorama.assets.metadata.read import interpret
from diorama.assets.png import SIGNATURE, chunk, encode_png
from diorama.assets.staging import stage
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

A1111 = (
    "a castle, <lora:detail:0.7> on a hill\nsecond line\nNegative prompt: lowres, bad\nanatomy\n"
    "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 1234567890, Size: 512x768, "
    'Model hash: abcdef0123, Model: "a, b", Denoising strength: 0.4, Lora hashes: "detail: 1234567890ab", Version: v1.9.4'
)
COMFY = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 42, "steps": 20, "cfg": 8.0, "sampler_name": "euler",
          "denoise": 1.0, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 448, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["20", 0], "clip": ["10", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "watermark", "clip": ["10", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
    "10": {"class_type": "LoraLoader", "inputs": {
        "lora_name": "ink.safetensors", "strength_model": 0.6, "model": ["4", 0], "clip": ["4", 1]}},
    "20": {"class_type": "PrimitiveString", "inputs": {"value": "an ink drawing"}},
}  # fmt: skip
INVOKE = {
    "positive_prompt": "a fox", "negative_prompt": "dog", "seed": 5, "steps": 30, "cfg_scale": 7, "scheduler": "euler_a",
    "width": 1024, "height": 768, "model": {"name": "sdxl", "hash": "blake3:00"}, "strength": 0.55,
    "loras": [{"model": {"name": "fur", "hash": "h"}, "weight": 0.9}],
}  # fmt: skip
SWARM = {
    "sui_image_params": {
        "prompt": "a whale", "negativeprompt": "fish", "model": "flux-dev", "seed": 77, "steps": 12, "cfgscale": 1.5,
        "sampler": "euler", "width": 896, "height": 640, "loras": ["sea"], "loraweights": ["0.75"],
    }
}  # fmt: skip


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value, zip=len(value) > 200) if not value.isascii() else info.add_text(
            key, value, zip=len(value) > 400
        )
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def with_comment(format: str, comment: bytes) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, format, exif=exif)
    return buffer.getvalue()


def check_a1111(info: Any) -> None:
    assert info.source == "a1111"
    assert info.prompt == "a castle, <lora:detail:0.7> on a hill\nsecond line"
    assert info.negative_prompt == "lowres, bad\nanatomy"
    assert (info.num_inference_steps, info.sampler, info.guidance_scale, info.seed) == (
        28,
        "DPM++ 2M Karras",
        6.5,
        1234567890,
    )
    assert (info.width, info.height, info.model, info.model_hash, info.strength) == (
        512,
        768,
        "a, b",
        "abcdef0123",
        0.4,
    )
    assert info.loras == (LoraUse(name="detail", weight=0.7, hash="1234567890ab"),)


def test_a1111_in_png() -> None:
    check_a1111(read_metadata(png(parameters=A1111)))


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
@pytest.mark.parametrize("code", ["utf-16-be", "utf-16-le", "utf-8"])
def test_a1111_in_exif(format: str, code: str) -> None:
    head = b"ASCII\0\0\0" if code == "utf-8" else b"UNICODE\0"
    check_a1111(read_metadata(with_comment(format, head + A1111.encode(code))))


def test_a1111_without_negative_or_with_only_words() -> None:
    assert a1111.read("just words\nSteps: 3, Seed: 4").prompt == "just words"
    assert a1111.read("just words\nSteps: 3, Seed: 4").negative_prompt == ""
    assert read_metadata(png(parameters="only a caption")).source == ""


def test_what_we_write_for_a1111_reads_back() -> None:
    recipe = {
        "prompt": "x, y: z",
        "negative_prompt": "n",
        "seed": 3,
        "num_inference_steps": 9,
        "width": 64,
        "height": 32,
        "model": "a:b",
        "diorama": "1",
    }
    info = a1111.read(a1111.write(recipe))
    assert (info.source, info.prompt, info.negative_prompt, info.seed, info.model) == (
        "diorama",
        "x, y: z",
        "n",
        3,
        "a:b",
    )
    assert (info.num_inference_steps, info.width, info.height) == (9, 64, 32)


def check_comfy(info: Any) -> None:
    assert info.source == "comfyui"
    assert (info.prompt, info.negative_prompt) == ("an ink drawing", "watermark")
    assert (info.seed, info.num_inference_steps, info.guidance_scale, info.sampler, info.strength) == (
        42,
        20,
        8.0,
        "euler",
        1.0,
    )
    assert (info.width, info.height, info.model) == (640, 448, "sd15.safetensors")
    assert info.loras == (LoraUse(name="ink.safetensors", weight=0.6),)


def test_comfyui_in_png_keeps_the_workflow_for_its_owner() -> None:
    info = read_metadata(png(prompt=json.dumps(COMFY), workflow='{"nodes": []}'))
    check_comfy(info)
    assert info.raw["workflow"] == '{"nodes": []}'


def test_comfyui_in_webp() -> None:
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(COMFY)
    exif[0x010F] = 'workflow:{"nodes": []}'
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "WEBP", exif=exif)
    check_comfy(read_metadata(buffer.getvalue()))


def test_comfyui_in_mp4(clip: Any, tmp_path: Path) -> None:
    import av

    source = stage(clip, index=0, kind="video", fps=8, work_dir=tmp_path).path
    with av.open(str(source)) as old, av.open(str(tmp_path / "vhs.mp4"), "w") as new:
        new.metadata["comment"] = json.dumps({"prompt": json.dumps(COMFY), "workflow": {}})
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    check_comfy(read_metadata(tmp_path / "vhs.mp4"))


def test_comfyui_with_a_guider_and_loops() -> None:
    graph = {
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"guider": ["2", 0], "noise": ["3", 0]}},
        "2": {"class_type": "CFGGuider", "inputs": {"positive": ["4", 0], "cfg": 3, "model": ["5", 0]}},
        "3": {"class_type": "RandomNoise", "inputs": {"noise_seed": 99}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "loop", "clip": ["1", 0]}},
        "5": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux"}},
    }
    info = interpret({"prompt": json.dumps(graph)})
    assert (info.seed, info.guidance_scale, info.model) == (99, 3, "flux")


def test_invokeai() -> None:
    info = read_metadata(png(invokeai_metadata=json.dumps(INVOKE)))
    assert (info.source, info.prompt, info.negative_prompt, info.seed, info.num_inference_steps) == (
        "invokeai",
        "a fox",
        "dog",
        5,
        30,
    )
    assert (info.sampler, info.model, info.model_hash, info.strength) == (
        "euler_a",
        "sdxl",
        "blake3:00",
        0.55,
    )
    assert info.loras == (LoraUse(name="fur", weight=0.9, hash="h"),)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: png(parameters=text),
        lambda text: with_comment("JPEG", b"UNICODE\0" + text.encode("utf-16-le")),
    ],
)
def test_swarmui(wrap: Callable[[str], bytes]) -> None:
    info = read_metadata(wrap(json.dumps(SWARM)))
    assert (info.source, info.prompt, info.negative_prompt, info.seed, info.guidance_scale) == (
        "swarmui",
        "a whale",
        "fish",
        77,
        1.5,
    )
    assert info.loras == (LoraUse(name="sea", weight=0.75),)


def test_control_characters_are_data() -> None:
    nasty = "\x1b]52;c;aGk=\x07 \x1b[2J‮ \x00 end\nSteps: 1, Seed: 2"
    assert read_metadata(
        encode_png(__import__("numpy").zeros((2, 2, 3), "u1"), text=(("parameters", nasty),))
    ).prompt.startswith("\x1b]52")


def test_text_bombs_are_cut() -> None:
    bomb = b"parameters\0\0" + zlib.compress(bytes(200_000_000), 9)
    data = (
        SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
        + chunk(b"zTXt", bomb)
        + chunk(b"IEND", b"")
    )
    assert sum(map(len, read_metadata(data).raw.values())) <= 17 * 1024**2


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "-", "9" * 400, None, True, [], {}])
def test_numbers_that_are_none(value: Any) -> None:
    info = interpret({"invokeai_metadata": json.dumps({"seed": value, "cfg_scale": value, "width": value})})
    assert (info.seed, info.guidance_scale, info.width) == (None, None, None)


def test_unknown_files_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    assert read_metadata(tmp_path / "x.png") == read_metadata(b"<html>")
    with pytest.raises(OSError, match="missing"):
        read_metadata(tmp_path / "missing.png")


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([
            b"IHDR", b"tEXtparameters\0", b"iTXtdiorama\0\0\0\0\0{", b"\xff\xe1\0\x20Exif\0\0MM\0*\0\0\0\x08", b"\xff\xda",
            b"EXIF", b"XMP ", b"VP8X", b"moov", b"udta", b"meta\0\0\0\0", b"ilst", b"\xa9cmt", b"data", b"\x21\xfe", b"\x2c",
            b"\0\0\0\x10", b"\0\0\0\x01", b"\xff" * 8,
        ]),
    ),
    max_size=20,
)  # fmt: skip
HEADS = st.sampled_from(
    [
        SIGNATURE,
        b"\xff\xd8\xff\xe1",
        b"RIFF\xff\xff\0\0WEBP",
        b"GIF89a",
        b"\0\0\0\x14ftypisom\0\0\0\0isom",
        b"\x1aE\xdf\xa3webm",
    ]
)


@given(HEADS, PIECES)
def test_no_noise_in_a_container_raises(head: bytes, pieces: list[bytes]) -> None:
    read_metadata(head + b"".join(pieces))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from([
            "1", "2", "inputs", "class_type", "positive", "model", "text", "sui_image_params", "loras", "loraweights", "schema",
            "diorama", "seed", "KSampler", "weight", "name", "id", "prompt",
        ]) | st.text(max_size=4),
        inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(
    st.sampled_from(
        ["prompt", "diorama", "invokeai_metadata", "parameters", "UserComment", "comment", "Model"]
    ),
    JSON,
    st.booleans(),
)
def test_no_json_raises(name: str, value: Any, prefixed: bool) -> None:
    interpret({name: ("prompt:" if prefixed else "") + json.dumps(value)})


@given(st.sampled_from(["parameters", "xmp", "prompt", "comment", "UserComment"]), st.text(max_size=300))
def test_no_text_raises(name: str, text: str) -> None:
    interpret({name: text})


@given(st.text(max_size=200), st.text(max_size=60), st.integers(0, 2**32 - 1))
def test_prompts_without_line_breaks_survive_the_a1111_line(prompt: str, negative: str, seed: int) -> None:
    prompt, negative = (" ".join(text.split()) for text in (prompt, negative))
    if "Negative prompt:" in prompt or a1111.looks_like(prompt):
        return
    info = a1111.read(
        a1111.write({"prompt": prompt, "negative_prompt": negative, "seed": seed, "num_inference_steps": 1})
    )
    assert (info.prompt, info.negative_prompt, info.seed) == (prompt, negative, seed)
