"""``diorama civitai``, with an engine of its own and through a server."""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[3] / "plugins/civitai/tests"))

from civitai_standin import KEY, Site, safetensors


@pytest.fixture
def site(environ: dict[str, str]) -> Iterator[Site]:
    with Site() as made:
        made.add(4, safetensors(50_000), name="Oil", type="LORA")
        environ |= {
            "DIORAMA_BACKENDS__CIVITAI__PLUGIN": "diorama_civitai:create_backend",
            "DIORAMA_BACKENDS__CIVITAI__URL": made.url,
            "DIORAMA_BACKENDS__CIVITAI__ALLOW_HOSTS": made.storage,
            "DIORAMA_BACKENDS__CIVITAI__RETRY_SECONDS": "0.01",
            "DIORAMA_OFFLINE": "0",
        }
        yield made


@pytest.fixture
def models_dir(environ: dict[str, str]) -> Path:
    return Path(environ["DIORAMA_HOME"]) / "data" / "models"


def test_found_shown_fetched(site: Site, diorama: Any, models_dir: Path) -> None:
    found = diorama("civitai", "search", "oil", "--type", "lora")
    assert found.returncode == 0, found.stderr
    assert found.stdout.split("\t")[:4] == ["4", "40", "Oil", "LORA"]
    shown = diorama("civitai", "show", "4")
    assert "credit required" in shown.stdout
    assert "oil painting, thick paint" in shown.stdout
    assert "*file 400" in shown.stdout
    fetched = diorama("civitai", "download", "40")
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout == "civitai:40 is in the models folder.\n"
    assert "downloading" in fetched.stderr
    assert "use the LoRA paint-40-400" in fetched.stderr
    assert "oil painting, thick paint" in fetched.stderr
    assert (models_dir / "loras" / "paint-40-400.safetensors").stat().st_size > 50_000


def test_a_picture_says_what_it_was_made_with(site: Site, diorama: Any) -> None:
    """The test backend's own model is no file, so that its recipe names none; a LoRA's hash is looked up."""
    assert diorama("-m", "fake:image", "a boat", "-o", "boat.png").returncode == 0
    asset = diorama("assets", "list").stdout.split("\t")[0]
    assert len(asset) == 26
    done = diorama("civitai", "show", asset)
    assert done.returncode == 0, done.stderr
    assert "names no file by its hash" in done.stderr
    assert diorama("civitai", "show", "0" * 26).returncode == 4


def test_the_versions_behind_a_picture_are_printed(
    site: Site, diorama: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from diorama.cli.civitai_command import _print_origins

    version = json.loads(diorama("civitai", "show", "v40", "--json").stdout)
    lora = {"role": "lora", "name": "paint", "hash": "ab" * 32}
    told = {"found": [{**lora, "version": version}], "unknown": [{**lora, "role": "model", "name": "mine"}]}
    assert _print_origins(told, argparse.Namespace(json=False)) == 0
    printed = capsys.readouterr().out
    assert "lora  paint  Oil" in printed
    assert "version 40" in printed
    assert "model mine  not on Civitai (abababababababab)" in printed


def test_json_and_wrong_use(site: Site, diorama: Any) -> None:
    version = json.loads(diorama("civitai", "show", "v40", "--json").stdout)
    assert version["download_file_id"] == 400
    digest = version["files"][0]["sha256"]
    assert json.loads(diorama("civitai", "show", digest, "--json").stdout)["id"] == 40
    for arguments, code, said in (
        (("show", "nonsense"), 2, "names nothing"),
        (("show", "77"), 4, "no such entry"),
        (("search", "--type", "Loras"), 2, "no type"),
        (("download", "40", "--file", "9"), 4, "no file 9"),
        ((), 2, "usage"),
    ):
        done = diorama("civitai", *arguments)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_missing_key_has_its_own_exit_code(site: Site, diorama: Any) -> None:
    site.needs_key.add(40)
    done = diorama("civitai", "download", "40")
    assert done.returncode == 3, done.stderr
    assert diorama("civitai", "download", "40", CIVITAI_API_TOKEN=KEY).returncode == 0


def test_without_the_plugin(diorama: Any) -> None:
    done = diorama("civitai", "search", "x")
    assert done.returncode == 5
    assert "pip install diorama-civitai" in done.stderr


def test_through_a_server(site: Site, diorama: Any, environ: dict[str, str], models_dir: Path) -> None:
    command = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        url = next(
            found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )
        rows = diorama("civitai", "search", "oil", "--base", "SD 1.5", "--server", url)
        assert rows.stdout.startswith("4\t40\tOil"), rows.stderr
        assert diorama("civitai", "show", f"{site.url}/models/4", "--server", url).returncode == 0
        done = diorama("civitai", "download", "v40", "--json")  # the server is found by its data directory
        assert json.loads(done.stdout)["status"] == "completed", done.stderr
        assert (models_dir / "loras" / "paint-40-400.json").is_file()
        assert diorama("civitai", "show", "77", "--server", url).returncode == 4
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        process.stdout.close()
