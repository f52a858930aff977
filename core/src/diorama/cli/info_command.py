"""``diorama info FILE``."""

from __future__ import annotations

import argparse
import json

from diorama.cli.client import read_input
from diorama.cli.terminal import as_json, clean


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", help="a picture, a video or a sound made here, or by A1111, ComfyUI, InvokeAI, SwarmUI"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what a file says about how it was made."""
    from diorama.assets.metadata import read_metadata
    from diorama.contract import NotFound, to_plain

    info = to_plain(read_metadata(read_input(options.file)))
    if options.json:
        print(as_json(info))
        return 0
    shown = {
        key: value
        for key, value in info.items()
        if value not in (None, "", [], {}) and key not in ("raw", "recipe")
    }
    if not shown.get("source"):
        raise NotFound(
            f"{options.file} carries no recipe.",
            fix="Files lose it when another program or a website saves them anew.",
        )
    for key, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        print(clean(f"{key.replace('_', ' '):22}{text}"))
    return 0
