"""Keys, offers and costs from the shell, with and without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from diorama.cli.models_command import price

KEY = "canary-cli-5566778899aa"


@pytest.fixture(autouse=True)
def offers(environ: dict[str, str]) -> None:
    """Two more offers, one of which needs a key."""
    for name, options in {"paid": {"PRICE": "0.02"}, "locked": {"PRICE": "0.01", "NEEDS_KEY": "1"}}.items():
        for option, value in {"PLUGIN": "diorama.testing.fake:create", "REMOTE": "1", **options}.items():
            environ[f"DIORAMA_BACKENDS__{name.upper()}__{option}"] = value


@pytest.fixture(params=["alone", "server"])
def cli(request: pytest.FixtureRequest, diorama: Any) -> Any:
    if request.param == "server":
        request.getfixturevalue("server")
    return diorama


def with_input(environ: dict[str, str], text: str, *arguments: str) -> Any:
    import subprocess
    import sys

    command = [sys.executable, "-m", "diorama", *arguments]
    return subprocess.run(
        command, env=environ, input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_key_that_is_set_makes_models_ready(cli: Any, environ: dict[str, str], tmp_path: Path) -> None:
    assert "locked:image\tFake image\tgenerate/edit\tneeds key" in cli("models", "--backend", "locked").stdout
    assert "locked\tapi_key\tnot set\tLOCKED_API_KEY" in cli("keys").stdout
    done = with_input(environ, KEY + "\n", "keys", "set", "locked")
    assert (done.returncode, done.stdout) == (0, "Stored api_key for locked.\n")
    assert "0600" in done.stderr
    assert "set (file, ends in 99aa)" in cli("keys", "list").stdout
    assert "locked:image\tFake image\tgenerate/edit\tready" in cli("models", "--backend", "locked").stdout
    assert cli("keys", "test", "locked").stdout == "Nothing to check.\n"
    assert cli("a ball", "-m", "fake-image", "--policy", "quality", "-o", "x.png").returncode == 0
    assert cli("keys", "remove", "locked").returncode == 0
    assert "locked:image\tFake image\tgenerate/edit\tneeds key" in cli("models", "--backend", "locked").stdout
    assert cli("keys", "test", "locked").returncode == 3
    unknown = with_input(environ, KEY, "keys", "set", "nobody")
    assert (unknown.returncode, unknown.stdout) == (4, "")
    assert "paid" not in unknown.stderr, "it reads no key"
    home = Path(environ["DIORAMA_HOME"])
    assert [
        path.name for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ] == []


def test_offers_estimates_and_costs(cli: Any) -> None:
    lines = cli("models", "--by", "family", "--operation", "generate").stdout.splitlines()
    assert {line.split("\t")[1] for line in lines} == {"fake:image", "paid:image", "locked:image"}
    assert "fake-image\tpaid:image\tready\t0.02 USD/image\t\t\tleaves this machine" in lines
    families = json.loads(cli("models", "--by", "family", "--json").stdout)
    assert {"fake-image", "fake-video"} <= {item["family"] for item in families}

    asked = ("a ball", "-m", "fake-image", "--policy", "quality", "-n", "2")
    plan = json.loads(cli(*asked, "--dry-run").stdout)
    assert plan["model"] == "paid:image"
    assert plan["estimate"]["totals"] == {"USD": 0.04}
    done = json.loads(cli(*asked, "-o", "x.png", "--json").stdout)
    assert done["cost"] == {"amount": 0.04, "currency": "USD", "estimated": False}
    assert done["applied"]["offer"].startswith("paid:image: of 2 offers")

    by_model = cli("costs", "--by", "model").stdout
    assert by_model == "paid:image\t0.0400\tUSD\ttold by provider\t1\n"
    report = json.loads(cli("costs", "--json").stdout)
    assert [line["amount"] for line in report["costs"]] == [0.04]
    assert cli("costs", "--by", "hour").returncode == 2


def test_a_cap_stops_it_with_a_sentence(diorama: Any) -> None:
    done = diorama("a ball", "-m", "paid:image", "-n", "3", "-o", "x.png", DIORAMA_SPENDING__PER_JOB="0.05")
    assert done.returncode == 2
    assert "0.06 USD; the cap spending.per_job is 0.05 USD" in done.stderr
    assert "Traceback" not in done.stderr
    assert diorama("costs", DIORAMA_SPENDING__PER_JOB="0.05").stdout == "cap per job: 0.05 USD\n"


@pytest.mark.parametrize(("model", "words"), [
    ({"price": {"amount": 0.02, "currency": "USD", "per": "image"}, "data_leaves_machine": True}, "0.02 USD/image"),
    ({"price": None, "data_leaves_machine": True}, "not told"), ({"price": None, "data_leaves_machine": False}, "free"),
    ({"price": {"amount": 0, "currency": "USD", "per": "image"}, "data_leaves_machine": True}, "free"),
])  # fmt: skip
def test_a_provider_that_tells_no_price_is_not_called_free(model: dict[str, Any], words: str) -> None:
    assert price(model) == words
