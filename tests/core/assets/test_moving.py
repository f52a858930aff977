"""The short preview of a video: its beginning, small, silent, made once and gone with the video."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from diorama.assets.store import AssetStore
from diorama.contract import Audio, InvalidRequest, NotFound
from PIL import Image


def shown(store: AssetStore, asset: Any) -> list[Any]:
    with Image.open(store.moving_preview(asset.id)) as opened:
        assert (opened.format, opened.info["loop"]) == ("WEBP", 0)
        found = []
        for index in range(opened.n_frames):
            opened.seek(index)
            opened.load()
            found.append((opened.info["duration"], np.asarray(opened.convert("RGB")).astype(int)))
        return found


def counted(count: int) -> Any:
    """Frames with a white bar, whose place says which one they are."""
    frames = np.zeros((count, 48, 256, 3), np.uint8)
    for number in range(count):
        frames[number, :, 2 * number : 2 * number + 8] = 255
    return frames


def which(pixels: Any) -> int:
    bright = np.flatnonzero(pixels.mean(axis=(0, 2)) > 128)
    return round((bright.mean() - 3.5) / 2)


def test_the_first_three_seconds_at_eight_pictures_a_second(keep: Any, store: AssetStore) -> None:
    sound = Audio(samples=np.zeros((1, 64_000), np.float32), sample_rate=16_000)
    asset = keep(counted(100), kind="video", fps=25, audio=sound)
    pictures = shown(store, asset)
    assert len(pictures) == 24
    assert {duration for duration, _ in pictures} == {125}
    expected = [
        next(frame for frame in range(100) if frame / 25 >= number / 8 - 1e-6) for number in range(24)
    ]
    assert [which(pixels) for _, pixels in pictures] == expected


def test_a_slow_and_short_video_is_shown_whole(keep: Any, store: AssetStore) -> None:
    pictures = shown(store, keep(counted(5), kind="video", fps=4))
    assert [which(pixels) for _, pixels in pictures] == [0, 1, 2, 3, 4]


def test_it_is_small_whatever_the_video_is(keep: Any, store: AssetStore) -> None:
    asset = keep(
        np.random.default_rng(0).integers(0, 256, (3, 720, 1280, 3), dtype=np.uint8), kind="video", fps=8
    )
    (_, pixels), *_ = shown(store, asset)
    assert pixels.shape == (144, 256, 3)


def test_it_is_made_once_and_goes_with_the_video(keep: Any, store: AssetStore, clip: Any) -> None:
    asset = keep(clip, kind="video", fps=8)
    path = store.moving_preview(asset.id)
    made = path.stat().st_mtime_ns
    assert store.moving_preview(asset.id).stat().st_mtime_ns == made
    store.sweep(before=float("inf"))
    assert path.exists(), "it is no leftover"
    path.write_bytes(b"")
    assert store.moving_preview(asset.id).stat().st_size > 0
    store.trash(asset.id)
    store.empty_trash()
    assert not path.exists()


def test_pictures_have_none_and_damage_is_told(keep: Any, store: AssetStore, picture: Any, clip: Any) -> None:
    with pytest.raises(InvalidRequest):
        store.moving_preview(keep(picture()).id)
    asset = keep(clip, kind="video", fps=8)
    file = store.file(asset.id)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(NotFound):
        store.moving_preview(asset.id)
