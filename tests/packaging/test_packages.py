"""What is built is complete, and a package made by following the tutorial appears in the catalog."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "diorama-example"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def built(source: Path, folder: Path) -> list[str]:
    """Build the wheel of ``source`` and return the names in it."""
    subprocess.run(
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)], check=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_carries_migrations_page_and_types(tmp_path: Path) -> None:
    names = built(ROOT, tmp_path)
    for needed in (
        "diorama/py.typed",
        "diorama/database/migrations/env.py",
        "diorama/database/migrations/versions/0001_first_tables.py",
        "diorama_web/page/index.html",
        "diorama_web/page/app.js",
    ):
        assert needed in names
    assert not any("tests/" in name or name.startswith(("core/", "web/")) for name in names)
    if (ROOT / "web" / "src" / "diorama_web" / "static" / "index.html").exists():
        assert "diorama_web/static/index.html" in names
        assert "diorama_web/static/licences.txt" in names, "build the studio anew: `make web`"


@pytest.mark.parametrize("plugin", sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")))
def test_every_plugin_carries_its_types_its_licence_and_its_data(plugin: str, tmp_path: Path) -> None:
    if plugin == "local_diffusers":
        pytest.skip("its wheel holds the model and is built once, in a test of its own")
    check_plugin(plugin, built(ROOT / "plugins" / plugin, tmp_path))


def check_plugin(plugin: str, names: list[str]) -> None:
    package = f"diorama_{plugin}"
    assert f"{package}/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)
    here = ROOT / "plugins" / plugin / "src"
    data = {path.relative_to(here).as_posix() for path in here.rglob("*.toml")}
    assert data <= set(names)
    assert all(name.startswith((f"{package}/", f"{package}-")) for name in names)
    assert not any("__pycache__" in name for name in names)


@pytest.mark.slow
def test_the_local_backend_carries_its_model(tmp_path: Path) -> None:
    names = built(ROOT / "plugins" / "local_diffusers", tmp_path)
    check_plugin("local_diffusers", names)
    pocket = "diorama_local_diffusers/pocket/"
    assert {
        f"{pocket}model_index.json",
        f"{pocket}vocabulary.json",
        f"{pocket}unet/diffusion_pytorch_model.safetensors",
    } <= set(names)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size <= 27_000_000


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The example, installed as a stranger's package into a folder on the path; the variables to use it."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [*PIP, "install", "--no-deps", "--no-build-isolation", "--target", str(folder), str(EXAMPLE)],
        check=True,
    )
    home = tmp_path_factory.mktemp("home")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DIORAMA_")}
    return kept | {
        "PYTHONPATH": str(folder),
        "DIORAMA_HOME": str(home),
        "DIORAMA_PLUGINS_ALLOW": "example",
        "DIORAMA_KEYRING": "0",
    }


def diorama(installed: dict[str, str], *arguments: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "diorama", *arguments]
    return subprocess.run(command, env=installed, cwd=cwd, capture_output=True, text=True, check=True).stdout


def test_the_example_is_in_the_catalog_and_draws(installed: dict[str, str], tmp_path: Path) -> None:
    assert "diorama-example 0.1.0" in diorama(installed, "plugins", cwd=tmp_path)
    assert diorama(installed, "models", cwd=tmp_path).startswith("example:stripes\t")
    assert diorama(installed, "red", "-m", "example:stripes", "-o", "s.png", cwd=tmp_path) == "s.png\n"
    from PIL import Image

    with Image.open(tmp_path / "s.png") as image:
        assert image.convert("RGB").getpixel((128, 128)) == (255, 0, 0)


def test_the_example_passes_its_own_suite(installed: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(EXAMPLE / "tests")],
        env=installed, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
