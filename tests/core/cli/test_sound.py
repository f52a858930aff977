"""Sound at the shell: made, named by its ending, listed, exported, read, made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(params=["alone", "server"])
def cli(request: pytest.FixtureRequest, environ: dict[str, str], diorama: Any) -> Any:
    """With the engine in process, and against a server that holds the same data."""
    environ["DIORAMA_BACKENDS__FAKE__SOUNDS"] = "true"
    if request.param == "server":
        request.getfixturevalue("server")
    return diorama


def test_a_prompt_makes_a_sound_of_the_wanted_kind(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cwd"
    for name, head in (("a.flac", b"fLaC"), ("a.mp3", b"ID3"), ("a.opus", b"OggS"), ("a.wav", b"RIFF")):
        done = cli("a slow drum", "-m", "fake:sound", "--seed", "5", "--duration", "1", "-o", name)
        assert (done.returncode, done.stdout) == (0, f"{name}\n"), done.stderr
        assert (folder / name).read_bytes().startswith(head)
    info = cli("info", "a.mp3")
    assert "a slow drum" in info.stdout, info.stderr
    replayed = cli("replay", "a.flac")
    assert (replayed.returncode, replayed.stdout) == (0, "identical\n"), replayed.stderr
    listed = cli("assets", "--kind", "audio").stdout.splitlines()
    assert len(listed) == 5
    assert "\taudio\t1.0 s\tfake:sound\t5\ta slow drum" in listed[0]
    assert cli("assets", "--kind", "image").stdout.strip() == ""
    asset_id = listed[0].split("\t")[0]
    assert cli("assets", "export", asset_id, "b.m4a").stdout == "b.m4a\n"
    assert (folder / "b.m4a").read_bytes()[4:8] == b"ftyp"


def test_a_sound_is_changed_and_names_are_right(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cwd"
    assert cli("a drum", "-m", "fake:sound", "--duration", "1", "--seed", "3").stdout == "a-drum-3.flac\n"
    done = cli("edit", "a-drum-3.flac", "quieter", "-m", "fake:sound", "-o", "quiet")
    assert (done.returncode, done.stdout) == (0, "quiet.flac\n"), done.stderr
    asked = cli("a drum", "-m", "fake:sound", "--sound", "quiet.flac", "-o", "wrong.png", "--json")
    assert json.loads(asked.stdout)["files"] == ["wrong.flac"], asked.stderr
    assert (folder / "wrong.flac").is_file()
    assert "makes: sound" in cli("models", "show", "fake:sound").stdout
