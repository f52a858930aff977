"""What the user put there is never deleted, and nothing is lost from the list."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendNotReady
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.shelf import user_entries
from diorama_local_diffusers.models.user import _list_of, write_entries


@pytest.mark.parametrize("sha256", ["", "0" * 64])
def test_a_file_of_the_users_own_stays(backend: Any, settings: Any, tmp_path: Path, sha256: str) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"years of work")
    write_entries(
        settings, [ModelEntry(name="mine", path=str(mine), type="upscaler", sha256=sha256, scale=4)]
    )
    with suppress(BackendNotReady):  # it may say that there is nothing to delete
        assert backend.delete("mine") == 0
    assert mine.read_bytes() == b"years of work"


def test_a_file_that_we_fetched_and_converted_goes(backend: Any, settings: Any) -> None:
    converted = settings.data_dir / "upscalers" / "realesrgan-animevideo-v3.safetensors"
    converted.parent.mkdir(parents=True, exist_ok=True)
    converted.write_bytes(b"x" * 10)
    assert backend.delete("realesrgan-animevideo-v3") == 10
    assert not converted.exists()


def test_requests_at_once_lose_nothing_of_the_list(settings: Any, tmp_path: Path) -> None:
    def add(number: int) -> None:
        with _list_of(settings) as models:
            models.append({"name": f"m{number}", "path": str(tmp_path / f"{number}"), "type": "sd15"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    assert {entry.name for entry in user_entries(settings)} == {f"m{number}" for number in range(24)}
