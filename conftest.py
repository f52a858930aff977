"""Of the whole suite: nothing leaves this machine, and no key of a stand-in is found in what was written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

GUARDED = Path(__file__).parent / "tests" / "guarded"
Attempts = list[str]


@pytest.fixture(scope="session", autouse=True)
def stays_on_loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Attempts, Path]]:
    """Stop every connection and lookup that leaves this machine, here and in all Python programs that tests start."""
    from standins.guard import loopback_guard

    record = tmp_path_factory.getbasetemp() / "left-loopback"
    record.touch()
    before = os.environ.get("PYTHONPATH")
    os.environ["LOOPBACK_RECORD"] = str(record)
    os.environ["LOOPBACK_GUARD"] = str(GUARDED.parent / "standins" / "guard.py")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARDED), before]))
    with loopback_guard() as attempts:
        yield attempts, record


@pytest.fixture(autouse=True)
def _whoever_leaves_fails(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    stays_on_loopback: tuple[Attempts, Path],
) -> Iterator[None]:
    """Fail the test that did it; those that ask the package registry may."""
    if request.node.get_closest_marker("registry"):
        monkeypatch.setenv("LOOPBACK_RECORD", "")
    attempts, record = stays_on_loopback
    yield
    left = [*attempts, *record.read_text(encoding="utf-8").splitlines()]
    attempts.clear()
    record.write_text("", encoding="utf-8")
    assert not left, "It left this machine: " + "; ".join(left)


@pytest.fixture(scope="session", autouse=True)
def _no_key_was_written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Look for the stand-ins' keys in every database, log, picture and recipe that the suite leaves."""
    from standins.keys import files_with_keys

    yield
    holding = files_with_keys(tmp_path_factory.getbasetemp())
    assert not holding, "Keys were written: " + "; ".join(holding)
