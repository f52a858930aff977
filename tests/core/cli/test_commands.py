"""The command line as a person meets it: files, exit codes, stdout and stderr, with and without a server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture(params=["alone", "server"])
def cli(request: pytest.FixtureRequest, diorama: Any) -> Any:
    """Every test runs with the engine in process and against a server that holds the same data."""
    if request.param == "server":
        request.getfixturevalue("server")
    return diorama


def test_a_prompt_makes_a_file(cli: Any, tmp_path: Path) -> None:
    done = cli("a red ball", "--seed", "5", "-o", "ball.png")
    assert (done.returncode, done.stdout) == (0, "ball.png\n"), done.stderr
    with Image.open(tmp_path / "cwd" / "ball.png") as image:
        assert image.size == (64, 64)
    assert "completed" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_come_from_prompt_and_seed(cli: Any, tmp_path: Path) -> None:
    done = cli("A red ball!", "--seed", "5", "-n", "2")
    assert done.stdout.split() == ["a-red-ball-5.png", "a-red-ball-6.png"]
    assert all((tmp_path / "cwd" / name).is_file() for name in done.stdout.split())


def test_json_goes_to_stdout_alone(cli: Any) -> None:
    answer = json.loads(cli("a ball", "--json", "-o", "x.png", "--size", "65x64").stdout)
    assert answer["status"] == "completed"
    assert answer["files"] == ["x.png"]
    assert answer["adjusted"][0]["after"] == "64x64"


def test_edit_video_and_upscale(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cwd"
    Image.new("RGB", (96, 64), "blue").save(folder / "in.png")
    assert cli("edit", "in.png", "red", "-m", "fake:edit", "-o", "out.webp").stdout == "out.webp\n"
    with Image.open(folder / "out.webp") as image:
        assert (image.size, image.format) == ((96, 64), "WEBP")
    assert cli("upscale", "in.png", "--scale", "2", "-o", "big.png").stdout == "big.png\n"
    assert cli("jobs").stdout.splitlines()[0].split("\t")[1] == "upscale"  # a job without a prompt
    with Image.open(folder / "big.png") as image:
        assert image.size == (192, 128)
    assert cli("video", "waves", "--frames", "5", "-o", "clip.mp4").stdout == "clip.mp4\n"
    assert (folder / "clip.mp4").read_bytes()[4:8] == b"ftyp"


def test_info_and_replay(cli: Any) -> None:
    cli("a ball", "--seed", "9", "-o", "ball.png")
    assert json.loads(cli("info", "ball.png", "--json").stdout)["prompt"] == "a ball"
    assert cli("replay", "ball.png").stdout == "identical\n"


def test_models_jobs_assets_plugins(cli: Any) -> None:
    cli("a ball", "-o", "ball.png")
    assert "fake:image\t" in cli("models").stdout
    assert [line.split("\t")[0] for line in cli("models", "--operation", "upscale").stdout.splitlines()] == [
        "fake:upscale"
    ]
    assert "fake:video" in cli("models", "search", "video").stdout
    assert "strength: 0 to 1" in cli("models", "show", "fake:image").stdout
    job = json.loads(cli("jobs", "--json").stdout)[0]
    assert json.loads(cli("jobs", "show", job["job_id"]).stdout)["status"] == "completed"
    asset = cli("assets", "-q", "ball").stdout.split("\t")[0]
    assert json.loads(cli("assets", "show", asset).stdout)["prompt"] == "a ball"
    assert cli("assets", "export", asset, "copy.jpg").stdout == "copy.jpg\n"
    assert "fake\tbackend" in cli("plugins").stdout


def test_retry_repeats_the_seed(cli: Any) -> None:
    cli("a ball", "-o", "ball.png")
    first = json.loads(cli("jobs", "--json").stdout)[0]
    again = cli("jobs", "retry", first["job_id"]).stdout.strip()
    assert json.loads(cli("jobs", "show", again).stdout)["applied"]["seed"] == first["applied"]["seed"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["", "-o", "x.png"], 2),
        (["ball", "-m", "nope"], 4),
        (["ball", "-p", "trouble=refuse"], 1),
        (["ball", "-p", "trouble=rate_limit"], 5),
        (["ball", "-p", "trouble=bug"], 1),
        (["ball", "--size", "0x5"], 2),
        (["ball", "--strict", "--size", "65x64"], 2),
        (["edit", "missing.png", "red"], 4),
        (["jobs", "show", "../../etc/passwd"], 4),
        (["assets", "show", "nothing"], 4),
        (["--no-such-option"], 2),
    ],
)
def test_exit_codes_mean_something(cli: Any, arguments: list[str], code: int) -> None:
    done = cli(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there(diorama: Any) -> None:
    done = diorama("ball", "--server", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def test_a_prompt_steers_no_terminal(diorama: Any, tmp_path: Path) -> None:
    evil = "a ball\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x1b]8;;http://evil.test\x1b\\"
    made = diorama(evil)
    assert made.returncode == 0, made.stderr
    (file,) = (tmp_path / "cwd").glob("*.png")
    for done in (made, diorama("jobs"), diorama("assets"), diorama("info", str(file))):
        told = done.stdout + done.stderr
        assert "ball" in told
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", told), repr(told)


def test_a_second_server_refuses(server: str, diorama: Any) -> None:
    done = diorama("serve", "--port", "0")
    assert done.returncode == 1
    assert server in done.stderr
    assert "DIORAMA_HOME" in done.stderr


def test_ctrl_c_cancels_the_job(environ: dict[str, str], tmp_path: Path, diorama: Any) -> None:
    command = [sys.executable, "-m", "diorama", "slow", "-p", "delay=60"]
    # What a shell starts in the background ignores SIGINT, and children inherit that: a suite run so would hang here.
    process = subprocess.Popen(
        command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("generating"):
            break
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert time.monotonic() - began < 15
    assert json.loads(diorama("jobs", "--json").stdout)[0]["status"] == "cancelled"
    assert diorama("assets").stdout.strip() == ""


def test_stdout_can_take_the_picture(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "diorama", "ball", "-o", "-"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"\x89PNG")


def test_doctor_and_config(diorama: Any, tmp_path: Path) -> None:
    assert diorama("doctor").returncode == 0
    assert "default_model\tfake:image\tenvironment" in diorama("config").stdout
    config = Path(diorama("config", "path").stdout.strip())
    config.parent.mkdir(parents=True)
    config.write_text("default_modle = 'x'\n", encoding="utf-8")
    done = diorama("config")
    assert done.returncode == 2
    assert "default_modle" in done.stderr


def test_settings_that_are_shown_hold_no_secret(diorama: Any, tmp_path: Path) -> None:
    config = Path(diorama("config", "path").stdout.strip())
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        '[server]\napi_keys = ["canary-one"]\n[backends.fal]\napi_key = "canary-two"\n'
        'proxy = "http://user:canary-three@127.0.0.1:9"\n',
        encoding="utf-8",
    )
    for command in (
        ("config",),
        ("config", "show", "--json"),
        ("doctor",),
        ("doctor", "--json"),
        ("plugins",),
        ("keys",),
    ):
        done = diorama(*command)
        assert "canary" not in done.stdout + done.stderr, command
    config.write_text('database_url = "postgresql+psycopg://me:canary/f@ur@db.test/art"\n', encoding="utf-8")
    shown = diorama("config").stdout
    assert "postgresql+psycopg://me:***@db.test/art" in shown
    assert "canary" not in shown


def test_a_dry_run_sends_nothing(cli: Any) -> None:
    plan = json.loads(cli("ball", "--dry-run", "--steps", "400").stdout)
    assert plan["kind"] == "generate"
    assert plan["adjusted"][0]["after"] == 50
    assert json.loads(cli("jobs", "--json").stdout) == []
