"""The commands of docs/models.md: those for people with weights are valid, the stand-in ones really run."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| `(?P<real>diorama [^`]+)` \| `(?P<tiny>diorama [^`]+)` \|$", re.MULTILINE
)
COMMANDS = [
    (found["what"].replace("`", ""), found["real"], found["tiny"]) for found in ROW.finditer(PAGE.read_text())
]
QUICK = ("sd, image to image", "a LoRA of Stable Diffusion 1", "anime video v3, a video")
EXTRA = ("--size", "--frames")
"""Options that a stand-in command has beside the real one, because tiny models make tiny pictures."""

Run = Callable[[str], subprocess.CompletedProcess[str]]


def model_of(command: str) -> str:
    return re.search(r"-m local:(\S+)", command)[1]  # type: ignore[index]


def bare(command: str) -> list[str]:
    """A command without what may differ between the two of a row."""
    words = shlex.split(re.sub(r"(-m local:|--lora )[\w.-]+", r"\1X", command))
    for option in EXTRA:
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    return words


def test_the_page_has_every_type() -> None:
    from diorama_local_diffusers.models.shelf import shipped

    types = {entry.type for entry in shipped()}
    shown = {model_of(real) for _, real, _ in COMMANDS}
    by_name = {entry.name: entry.type for entry in shipped()}
    assert types <= {by_name[name] for name in shown if name in by_name}
    assert shown - set(by_name) == {"my-checkpoint"}


@pytest.mark.parametrize(("what", "real", "tiny"), COMMANDS, ids=[what for what, _, _ in COMMANDS])
def test_both_commands_are_the_same_but_for_the_model(what: str, real: str, tiny: str) -> None:
    assert bare(real) == bare(tiny)
    words = shlex.split(real)[1:]
    verb = words.pop(0) if words[0] in ("edit", "video", "upscale") else "generate"
    from diorama.cli.running import _parser

    _parser(verb, importlib.import_module(f"diorama.cli.{verb}_command")).parse_args(words)


class World:
    """A folder with stand-ins, inputs and a server that stays warm."""

    def __init__(self, root: Path, families: tuple[str, ...]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DIORAMA_")}
        self.root = root
        self.environ = clean | {
            "DIORAMA_HOME": str(root / "home"), "DIORAMA_PLUGINS_ALLOW": "local", "DIORAMA_OFFLINE": "1",
            "DIORAMA_KEYRING": "0", "DIORAMA_DEVICES": "cpu", "OMP_NUM_THREADS": "1", "HOME": str(root),
        }  # fmt: skip
        made = self.python("-m", "diorama_local_diffusers.testing", "standins", *families)
        for line in made.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.environ[name] = value
        Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(root / "photo.png")
        Image.new("L", (64, 64), 0).save(root / "mask.png")
        with Image.open(root / "mask.png") as mask:
            mask.paste(255, (16, 16, 48, 48))
            mask.save(root / "mask.png")
        write_clip(root / "clip.mp4")
        self.server = subprocess.Popen(
            [sys.executable, "-m", "diorama", "serve", "--port", "0"], cwd=root, env=self.environ,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.server.stderr is not None
        assert "http://" in self.server.stderr.readline()

    def python(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=self.root, env=self.environ, capture_output=True,
                              text=True, timeout=600, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def close(self) -> None:
        self.server.terminate()
        self.server.wait(60)


def write_clip(place: Path) -> None:
    import av
    import numpy as np

    with av.open(str(place), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for number in range(6):
            pixels = np.full((24, 32, 3), number * 30, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("some"), ("sd",))
    yield world
    world.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("all"), ())
    yield world
    world.close()


def check(world: World, command: str) -> None:
    """Run a stand-in command and look at what it wrote."""
    before = set(world.root.iterdir())
    printed = world.python("-m", *shlex.split(command), "--quiet").split()
    made = [world.root / name for name in printed]
    assert made
    assert not set(made) & before
    for file in made:
        look(world, file, command)


def look(world: World, file: Path, command: str) -> None:
    if file.suffix == ".mp4":
        import av

        with av.open(str(file)) as container:
            assert sum(1 for _ in container.decode(video=0)) >= 5
            assert bool(container.streams.audio) == ("tiny-ltx2" in command)
        return
    with Image.open(file) as image:
        factor = {"x2plus": 2}.get(model_of(command)[-6:], 4) if "realesrgan" in command else 1
        if found := re.search(r"--scale (\d)", command):
            factor = int(found[1])
        width = 96 if "--size 96x64" in command else 64 * factor
        assert image.size == (width, 64 * factor)


@pytest.mark.torch
@pytest.mark.parametrize("what", QUICK)
def test_some_stand_in_commands_run(small_world: World, what: str) -> None:
    check(small_world, next(tiny for name, _, tiny in COMMANDS if name == what))


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("what", "real", "tiny"), COMMANDS, ids=[what for what, _, _ in COMMANDS])
def test_every_stand_in_command_runs(world: World, what: str, real: str, tiny: str) -> None:
    check(world, tiny)
