from __future__ import annotations

import base64
import contextlib
import io
import json
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.assets.formats import FORMATS
from diorama.assets.intake import check_mask, decode_data_url, take_in
from diorama.assets.opening import open_media
from diorama.assets.png import SIGNATURE, chunk, encode_png
from diorama.assets.staging import stage
from diorama.contract import InvalidRequest, MediaInput
from diorama.settings import LimitSettings, Settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

Make = Callable[..., np.ndarray[Any, Any]]


def encoded(pixels: np.ndarray[Any, Any], format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def shown(found: MediaInput) -> np.ndarray[Any, Any]:
    return np.asarray(found.load_image())


def bomb(width: int, height: int) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return SIGNATURE + head + chunk(b"IDAT", zlib.compress(bytes(500_000), 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("as_path", [False, True])
def test_pictures_come_in(
    picture: Make, settings: Settings, tmp_path: Path, format: str, as_path: bool
) -> None:
    data = encoded(picture(), format)
    source: Any = data
    if as_path:
        source = tmp_path / "holiday.dat"
        source.write_bytes(data)
    found = take_in(source, settings, name="image1")
    assert (found.kind, found.width, found.height) == ("image", 96, 64)
    assert Path(found.path) == settings.inputs_dir / f"{found.sha256}{Path(found.path).suffix}"
    assert found.mime == (
        "image/png" if format in ("GIF", "BMP", "TIFF", "AVIF") else f"image/{format.lower()}"
    )
    assert np.array_equal(shown(found), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_the_same_content_is_stored_once(picture: Make, settings: Settings) -> None:
    one = take_in(encode_png(picture()), settings)
    two = take_in(encode_png(picture(), text=(("Comment", "another chunk"),)), settings)
    assert one == two
    assert len(list(settings.inputs_dir.iterdir())) == 1


def test_a_stored_file_that_was_damaged_is_replaced(picture: Make, settings: Settings) -> None:
    found = take_in(encode_png(picture()), settings)
    Path(found.path).write_bytes(b"damaged")
    assert np.array_equal(shown(take_in(encode_png(picture()), settings)), picture())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_people_see_it_upright(settings: Settings, format: str) -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    found = take_in(encoded(pixels, format, exif=exif), settings)
    assert (found.width, found.height) == (40, 80)
    assert shown(found)[:35].mean() > 240
    assert shown(found)[45:].mean() < 15


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_metadata_goes(picture: Make, settings: Settings, format: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret garden"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    data = encoded(picture(), format, exif=exif)
    assert b"secret garden" in data
    stored = Path(take_in(data, settings).path)
    assert b"secret garden" not in stored.read_bytes()
    with Image.open(stored) as opened:
        assert not opened.getexif()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_data_behind_the_end_goes(picture: Make, settings: Settings, format: str) -> None:
    data = encoded(picture(), format)
    tail = b"<script>alert(1)</script>" + data[-12:]
    found = take_in(data + tail, settings)
    assert b"<script>" not in Path(found.path).read_bytes()
    assert np.array_equal(shown(found), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_unknown_chunks_of_a_png_go(picture: Make, settings: Settings) -> None:
    data = encode_png(picture())
    data = data[:33] + chunk(b"evIl", b"<html>") + data[33:]
    assert b"<html>" not in Path(take_in(data, settings).path).read_bytes()


def test_a_jpeg_with_an_embedded_thumbnail_stays_a_jpeg(picture: Make, settings: Settings) -> None:
    small = encoded(picture(16, 16), "JPEG")
    data = encoded(picture(), "JPEG")
    body = b"Exif\0\0" + small
    data = data[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body + data[2:]
    assert take_in(data, settings).mime == "image/jpeg"


def test_an_animation_becomes_its_first_frame(clip: Any, settings: Settings) -> None:
    frames = [Image.fromarray(pixels) for pixels in clip]
    for kind in ("GIF", "WEBP", "PNG"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], lossless=True)
        found = take_in(buffer.getvalue(), settings)
        assert found.mime == "image/png"
        with Image.open(found.path) as opened:
            assert getattr(opened, "n_frames", 1) == 1


@pytest.mark.parametrize("format", ["mp4", "webm"])
def test_videos_come_in(clip: Any, settings: Settings, tmp_path: Path, format: str) -> None:
    data = stage(clip, index=0, kind="video", fps=8, format=format, work_dir=tmp_path).path.read_bytes()
    found = take_in(data, settings, kind="video")
    assert (found.kind, found.mime, found.width, found.height) == ("video", f"video/{format}", 96, 64)
    assert Path(found.path).read_bytes() == data
    with pytest.raises(InvalidRequest, match="picture is needed"):
        take_in(data, settings, name="mask", kind="image")


def gif_with(frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    return head + (b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00") * frames + b";"


BAD: dict[str, bytes] = {
    "empty": b"",
    "html": b"<!doctype html><title>x</title>",
    "html behind a bitmap's letters": b"BM<html><script>alert(1)</script></html>" + b" " * 100,
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "pdf": b"%PDF-1.7\n" + b"0" * 100,
    "psd": b"8BPS\0\1" + bytes(200),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n" + b"0" * 100,
    "playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
    "pixel bomb": bomb(65500, 65500),
    "a million frames": gif_with(1_000_000),
    "only a signature": SIGNATURE,
    "no pixels": bomb(0, 0),
    "cut off": encode_png(np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8))[:900],
    "mp4 in name only": b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(99),
    "webm in name only": b"\x1aE\xdf\xa3\x93\x42\x82\x88webm" + bytes(99),
    "compressed text bomb": SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9)) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused_and_nothing_is_stored(name: str, settings: Settings) -> None:
    settings = replace(settings, limits=LimitSettings(upload_bytes=64 * 1024**2))
    with pytest.raises(InvalidRequest) as caught:
        take_in(BAD[name], settings, name="image1")
    assert caught.value.field == "image1"
    assert caught.value.fix
    assert not settings.inputs_dir.exists() or not list(settings.inputs_dir.iterdir())


def test_files_beyond_the_byte_limit_are_not_opened(settings: Settings, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.write(SIGNATURE)
        file.truncate(10**12)
    with pytest.raises(InvalidRequest, match="limit"):
        take_in(large, settings)
    with pytest.raises(InvalidRequest, match="no such file"):
        take_in(tmp_path / "missing.png", settings)


def test_a_pixel_bomb_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(65500, 65500))
    code = (
        "import json, resource, sys, time\n"
        "from pathlib import Path\n"
        "import numpy, PIL.Image, av\n"
        "from diorama.assets.intake import take_in\n"
        "from diorama.contract import InvalidRequest\n"
        "from diorama.settings import load_settings\n"
        "settings = load_settings({'DIORAMA_HOME': sys.argv[1]})\n"
        "start = time.process_time()\n"
        "try:\n    take_in(Path(sys.argv[1]) / 'bomb.png', settings)\n"
        "except InvalidRequest as error:\n"
        "    lines = Path('/proc/self/status').read_text().splitlines()\n"  # ru_maxrss would count the parent's peak
        "    peak = next(int(line.split()[1]) for line in lines if line.startswith('VmHWM')) / 1024\n"
        "    print(json.dumps([error.message, time.process_time() - start, peak]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    message, seconds, megabytes = json.loads(done.stdout)
    assert "pixels" in message
    assert seconds < 1
    assert megabytes < 200


def test_what_names_other_files_or_addresses_opens_none_of_them(settings: Settings, tmp_path: Path) -> None:
    """Playlists under other names, also behind the first bytes of a container, which FFmpeg alone would follow."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.ts"
        lists = [
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n".encode(),
            f"ffconcat version 1.0\nfile {address}\nfile /etc/passwd\n".encode(),
        ]
        heads = [
            b"",
            b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
            b"\x1aE\xdf\xa3\x93\x42\x82\x88webm",
            b"ID3\4" + bytes(6),
        ]
        for ending in ("mp4", "webm", "mp3", "aac"):
            for number, content in enumerate(head + text for head in heads for text in lists):
                place = tmp_path / f"{number}.{ending}"
                place.write_bytes(content)
                with pytest.raises(InvalidRequest):
                    take_in(place, settings)
        for reader, content in zip(
            ("hls", "concat"), lists, strict=True
        ):  # even if it were taken for what it is
            (tmp_path / "list").write_bytes(content)
            with (
                contextlib.suppress(OSError, ValueError),
                open_media(tmp_path / "list", replace(FORMATS["mp4"], reader=reader)) as opened,
            ):
                list(opened.demux())
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "TIFF"]), st.data())
def test_damage_is_refused_or_repaired_but_never_a_traceback(
    settings: Settings, format: str, data: st.DataObject
) -> None:
    good = bytearray(encoded(np.arange(768, dtype=np.uint8).reshape(16, 16, 3), format))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    with contextlib.suppress(InvalidRequest):
        found = take_in(bytes(good[:cut]), settings, name="image1")
        assert found.load_image().size == (found.width, found.height)


def test_data_urls(picture: Make, settings: Settings) -> None:
    data = encode_png(picture())
    text = base64.b64encode(data).decode()
    wrapped = "\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    for given_text in (
        text,
        wrapped,
        f"data:image/png;base64,{text}",
        f"data:image/png;name=a.png;base64,{text}",
    ):
        assert decode_data_url(given_text, name="image", settings=settings) == data


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "data:text/html,<b>", "not base64!", "ab\0cd", "data:image/png;base64,@@@"]
)
def test_other_texts_are_refused(settings: Settings, text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_data_url(text, name="reference_images[0]", settings=settings)
    assert caught.value.field == "reference_images[0]"


def test_long_base64_is_refused_before_it_is_decoded(settings: Settings) -> None:
    small = replace(settings, limits=LimitSettings(upload_bytes=1000))
    with pytest.raises(InvalidRequest, match="larger"):
        decode_data_url("A" * 10_000, name="image", settings=small)
    with pytest.raises(InvalidRequest, match="larger"):
        decode_data_url("A" * 1340, name="image", settings=small)


def test_masks_fit_or_are_refused(picture: Make, settings: Settings) -> None:
    image = take_in(encode_png(picture()), settings)
    check_mask(take_in(encode_png(picture(channels=1)), settings), image)
    with pytest.raises(InvalidRequest, match="95x64") as caught:
        check_mask(take_in(encode_png(picture(95, 64, 1)), settings), image)
    assert caught.value.field == "mask"
    with pytest.raises(InvalidRequest, match="video"):
        check_mask(replace(image, kind="video"), image)
