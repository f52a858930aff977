from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from diorama.assets.frames import count_frames
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image


def animation(format: str, frames: int) -> bytes:
    pictures = [Image.new("RGB", (16, 16), (i * 20 % 256, 255 - i, i)) for i in range(frames)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, format, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
@pytest.mark.parametrize("frames", [2, 9])
def test_frames_are_counted_without_decoding(format: str, frames: int) -> None:
    assert count_frames(animation(format, frames), format.lower(), 1000) == frames


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "JPEG", "BMP"])
def test_a_still_is_one_frame(format: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, format)
    assert count_frames(buffer.getvalue(), format.lower(), 10) == 1


def test_counting_stops_at_the_limit() -> None:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    frame = b"\x2c" + bytes(9) + b"\x02\x02\x4c\x01\x00"

    class Watched(bytes):
        furthest = 0

        def __getitem__(self, key: Any) -> Any:
            if isinstance(key, int):
                Watched.furthest = max(Watched.furthest, key)
            return super().__getitem__(key)

    assert count_frames(Watched(head + frame * 100_000 + b";"), "gif", 50) == 51
    assert Watched.furthest < 2000


def test_a_circle_of_tiff_folders_ends() -> None:
    looping = b"II*\0" + struct.pack("<IHI", 8, 0, 8)
    assert count_frames(looping, "tiff", 1000) == 1


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [("gif", b"GIF89a"), ("webp", b"RIFF\0\0\0\0WEBP"), ("png", b"\x89PNG\r\n\x1a\n"), ("tiff", b"II*\0")]
    ),
)
def test_damage_never_raises(noise: bytes, format: tuple[str, bytes]) -> None:
    assert count_frames(format[1] + noise, format[0], 100) >= 1
