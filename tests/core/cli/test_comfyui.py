"""``diorama comfyui`` with the plugin's stand-in server."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[3] / "plugins/comfyui/tests"))

from comfyui_standin import StandIn
from comfyui_workflows import INVERT, SOUND_TO_SOUND, TEXT_TO_IMAGE, TEXT_TO_SOUND
from PIL import Image

DATA = Path(__file__).parents[3] / "plugins/comfyui/tests/data"


@pytest.fixture
def comfy(environ: dict[str, str], tmp_path: Path) -> Iterator[StandIn]:
    with gzip.open(DATA / "object_info-0.33.0.json.gz") as file:
        raw = dict(json.load(file))
    with StandIn(raw, tmp_path / "comfyui") as standin:
        environ |= {
            "DIORAMA_BACKENDS__COMFYUI__PLUGIN": "diorama_comfyui:create_backend",
            "DIORAMA_BACKENDS__COMFYUI__URL": standin.url,
        }
        yield standin


def test_imported_listed_shown_run(comfy: StandIn, diorama: Any, tmp_path: Path) -> None:
    file = tmp_path / "cwd" / "red_apple.json"
    file.write_text(json.dumps(TEXT_TO_IMAGE))
    up = diorama("comfyui", "status")
    assert (up.returncode, up.stdout.split("\t")[0]) == (0, comfy.url), up.stderr
    done = diorama("comfyui", "import", "red_apple.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Imported comfyui:red-apple (red apple, generate).\n")
    assert 'diorama comfyui run red-apple "PROMPT"' in done.stderr
    assert diorama("comfyui", "list").stdout == "red-apple\tred apple\tgenerate\tany\n"
    assert "num_inference_steps\tmain" in diorama("comfyui", "show", "red-apple").stdout
    done = diorama(
        "comfyui",
        "run",
        "red-apple",
        "a",
        "green",
        "pear",
        "-p",
        "seed=5",
        "-p",
        "width=64",
        "-o",
        "pear.png",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pear.png\n"
    with Image.open(tmp_path / "cwd" / "pear.png") as image:
        assert image.size == (64, 48)
    assert comfy.engine.submitted[-1]["prompt"]["6"]["inputs"]["text"] == "a green pear"


@pytest.mark.parametrize("where", ["alone", "server"])
def test_a_picture_goes_in(
    comfy: StandIn, diorama: Any, tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    if where == "server":
        request.getfixturevalue("server")
    (tmp_path / "cwd" / "invert.json").write_text(json.dumps(INVERT))
    Image.new("RGB", (32, 24), "red").save(tmp_path / "cwd" / "red.png")
    assert diorama("comfyui", "import", "invert.json", "--title", "Invert").returncode == 0
    done = diorama("comfyui", "run", "invert", "--image", "red.png", "-o", "cyan.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "cwd" / "cyan.png") as image:
        assert image.convert("RGB").getpixel((4, 4)) == (0, 255, 255)


COUNT = {
    "1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
    "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
}


def test_what_makes_only_text_says_so(comfy: StandIn, diorama: Any, tmp_path: Path) -> None:
    (tmp_path / "cwd" / "count.json").write_text(json.dumps(COUNT))
    done = diorama("comfyui", "import", "count.json")
    assert done.returncode == 0, done.stderr
    assert "cannot run: it makes text" in done.stdout
    assert "It runs with" not in done.stderr
    refused = diorama("comfyui", "run", "count")
    assert refused.returncode != 0
    assert "it makes text, not images, videos or sound" in refused.stderr


def test_a_song_is_made_and_turned_down(comfy: StandIn, diorama: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cwd"
    (folder / "my_song.json").write_text(json.dumps(TEXT_TO_SOUND))
    (folder / "quiet.json").write_text(json.dumps(SOUND_TO_SOUND))
    assert diorama("comfyui", "import", "my_song.json").returncode == 0
    done = diorama("comfyui", "import", "quiet.json")
    assert "diorama comfyui run quiet --sound FILE" in done.stderr
    made = diorama("a", "slow", "drum", "-m", "comfyui:my-song", "--duration", "1", "-o", "song.flac")
    assert (made.returncode, made.stdout) == (0, "song.flac\n"), made.stderr
    assert (folder / "song.flac").read_bytes().startswith(b"fLaC")
    quiet = diorama("comfyui", "run", "quiet", "--sound", "song.flac", "-p", "volume=-20", "-o", "quiet.mp3")
    assert (quiet.returncode, quiet.stdout) == (0, "quiet.mp3\n"), quiet.stderr
    assert (folder / "quiet.mp3").read_bytes().startswith(b"ID3")


def test_converted_and_refused(comfy: StandIn, diorama: Any, tmp_path: Path) -> None:
    (tmp_path / "cwd" / "apple.json").write_text(json.dumps(TEXT_TO_IMAGE))
    (tmp_path / "cwd" / "text.json").write_text("hello")
    done = diorama("comfyui", "convert", "apple.json")
    assert json.loads(done.stdout).keys() == TEXT_TO_IMAGE.keys()
    for arguments, code in (
        (("import", "text.json"), 2),
        (("import", "none.json"), 4),
        (("show", "none"), 4),
        (("run", "none"), 4),
        (("run", "none", "-p", "seed"), 2),
    ):
        done = diorama("comfyui", *arguments)
        assert done.returncode == code, (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_server_that_is_down(diorama: Any, environ: dict[str, str]) -> None:
    environ |= {
        "DIORAMA_BACKENDS__COMFYUI__PLUGIN": "diorama_comfyui:create_backend",
        "DIORAMA_BACKENDS__COMFYUI__URL": "http://127.0.0.1:9",
    }
    done = diorama("comfyui", "status")
    assert done.returncode == 5
    assert "down" in done.stdout
