"""Small files that unfold: each is refused or tamed in less than a second of work, and all of them in little memory."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes) -> bytes:
    pixels = zlib.compress(b"".join(b"\0" + bytes(3 * min(width, 64)) for _ in range(min(height, 64))))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG + head + b"".join(extra) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tiff(folders: int) -> bytes:
    """As many folders as asked, one behind the other, each with a single tag."""
    size = 2 + 12 + 4
    body = b"".join(
        struct.pack("<HHHII", 1, 256, 3, 1, 8)
        + struct.pack("<I", 8 + (at + 1) * size if at + 1 < folders else 0)
        for at in range(folders)
    )
    return b"II*\0" + struct.pack("<I", 8) + body


def gif(frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    return head + (b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00") * frames + b";"


def webp(frames: int) -> bytes:
    """An animation that repeats one tiny frame."""
    buffer = io.BytesIO()
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    first.save(buffer, "WEBP", save_all=True, append_images=[second], lossless=True)
    data = buffer.getvalue()
    at = data.index(b"ANMF")
    size = 8 + struct.unpack_from("<I", data, at + 4)[0]
    body = data[8:at] + data[at : at + size + size % 2] * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wide_png() -> bytes:
    """A file of 190 kB that stands for 192 MB."""
    side, packer = 8_000, zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(1 + 3 * side)) for _ in range(side)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return PNG + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def flac(cover: bytes, times: int) -> bytes:
    """A second of silence with a picture on its cover, several times."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as out:
        stream = out.add_stream("flac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        out.mux([*stream.encode(frame), *stream.encode(None)])
    data = buffer.getvalue()
    kind = b"image/png"
    body = (
        struct.pack(">II", 3, len(kind))
        + kind
        + struct.pack(">IIIIII", 0, 8_000, 8_000, 24, 0, len(cover))
        + cover
    )
    block = b"\6" + len(body).to_bytes(3, "big") + body
    end = 8 + int.from_bytes(data[5:8], "big")
    return data[:end] + block * times + data[end:]


WIDE = wide_png()
LONG = zlib.compress(bytes(200_000_000), 9)
BOMBS: dict[str, bytes] = {
    "pixels": png(65_500, 65_500),
    "pixels in a line": png(2**31 - 1, 1),
    "compressed text": png(8, 8, chunk(b"zTXt", b"Comment\0\0" + LONG)),
    "compressed international text": png(8, 8, chunk(b"iTXt", b"Comment\0\1\0\0\0" + LONG)),
    "colour profile": png(8, 8, chunk(b"iCCP", b"x\0\0" + LONG)),
    "a hundred thousand empty chunks": png(8, 8, *[chunk(b"teXt", b"")] * 100_000),
    "a million GIF frames": gif(1_000_000),
    "a hundred thousand TIFF folders": tiff(100_000),
    "thirty thousand WebP frames": webp(30_000),
    "the cover of a sound": flac(WIDE, 6),
    "a hundred covers of a sound": flac(WIDE[:99_999], 100),
    "laughs in SVG": b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>',
}
CODE = """
import json, sys, time
from pathlib import Path
import numpy, PIL.Image, av  # what the server has loaded anyway
from diorama.assets.intake import take_in
from diorama.contract import InvalidRequest
from diorama.settings import load_settings

settings = load_settings({"DIORAMA_HOME": sys.argv[1]})
told = {}
for file in sorted((Path(sys.argv[1]) / "bombs").iterdir()):
    start = time.process_time()
    try:
        verdict = "taken" if take_in(file, settings, name="image").sha256 else ""
    except InvalidRequest as error:
        verdict = error.message
    told[file.name] = (verdict, time.process_time() - start)
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
print(json.dumps([told, peak]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_bombs_cost_little(tmp_path: Path) -> None:
    (tmp_path / "bombs").mkdir()
    for name, data in BOMBS.items():
        assert len(data) < 20_000_000, name
        (tmp_path / "bombs" / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    told, peak = json.loads(done.stdout)
    assert set(told) == set(BOMBS)
    slow = {name: seconds for name, (_, seconds) in told.items() if seconds >= 1}
    assert slow == {}
    assert peak < 200
    for name in (
        "pixels",
        "pixels in a line",
        "a million GIF frames",
        "a hundred thousand TIFF folders",
        "laughs in SVG",
    ):
        assert told[name][0].startswith("image cannot be used"), (name, told[name])
    assert told["the cover of a sound"][0] == "taken"
