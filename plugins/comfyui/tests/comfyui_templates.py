"""The official workflow templates, fetched from the package registry when a test needs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Release of the template collection -> the package that holds its JSON files.
RELEASES = {"0.11.44": "0.1.50", "0.11.97": "0.1.123"}
PACKAGE = "comfyui-workflow-templates-json"


class Unreachable(Exception):
    """The registry did not deliver the package."""


def templates(release: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(file name, workflow)`` for every template of a release. Raises :class:`Unreachable`."""
    with zipfile.ZipFile(_wheel(RELEASES[release])) as archive:
        for name in sorted(archive.namelist()):
            if "/templates/" in name and name.endswith(".json"):
                document = json.loads(archive.read(name))
                if isinstance(document, dict) and "nodes" in document:
                    yield name.rsplit("/", 1)[-1], document


def _wheel(version: str) -> Path:
    folder = Path(os.environ.get("DIORAMA_TEST_CACHE") or Path(tempfile.gettempdir()) / "diorama-test-cache")
    pattern = f"{PACKAGE.replace('-', '_')}-{version}-*.whl"
    found = next(folder.glob(pattern), None)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
        try:
            done = subprocess.run(
                [*command, f"{PACKAGE}=={version}"], capture_output=True, text=True, timeout=120, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{PACKAGE} {version} could not be fetched in 120 s") from None
        found = next(folder.glob(pattern), None)
        if found is None:
            raise Unreachable(f"{PACKAGE} {version} could not be fetched: {done.stderr.strip()[-200:]}")
    return found
