"""The tutorial shows tested code, and every hook is documented with its exact arguments."""

import inspect
import subprocess
import sys
from pathlib import Path

from diorama.contract import HookSpecs

ROOT = Path(__file__).resolve().parents[2]


def test_snippets_are_cut_from_tested_files() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "docs_snippets.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_hook_is_documented_with_its_arguments() -> None:
    page = (ROOT / "docs" / "writing-a-backend.md").read_text(encoding="utf-8")
    for name, function in inspect.getmembers(HookSpecs, inspect.isfunction):
        arguments = ", ".join(list(inspect.signature(function).parameters)[1:])
        assert f"`{name}({arguments})`" in page


def test_every_hook_shows_an_example() -> None:
    for name, function in inspect.getmembers(HookSpecs, inspect.isfunction):
        assert "Example::" in (function.__doc__ or ""), name
