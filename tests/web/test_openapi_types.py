"""The studio's types are made from the server's OpenAPI document; the committed copy must be the server's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

UI = Path(__file__).parents[2] / "web" / "ui"


def test_the_committed_document_is_the_servers(tmp_path: Path) -> None:
    written = tmp_path / "openapi.json"
    subprocess.run([sys.executable, UI / "scripts" / "openapi.py", written], check=True, timeout=120)
    same = written.read_text(encoding="utf-8") == (UI / "openapi.json").read_text(encoding="utf-8")
    assert same, "Routes have changed: run `npm run api` in web/ui and commit the result."
