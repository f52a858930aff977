"""``diorama assets [list|show|export]``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from diorama.cli.client import connect
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    _list_options(parser)
    parser.set_defaults(run=list_assets)
    verbs = parser.add_subparsers(metavar="VERB")
    verb = verbs.add_parser("list", help="list what was made, newest first")
    _list_options(verb)
    verb.set_defaults(run=list_assets)
    verb = verbs.add_parser("show", help="say everything about an asset")
    verb.add_argument("asset", help="asset id")
    add_connection(verb)
    verb.set_defaults(run=show)
    verb = verbs.add_parser("export", help="write an asset to a file, converted by its ending")
    verb.add_argument("asset", help="asset id")
    verb.add_argument("file", help="target, such as picture.webp")
    add_connection(verb)
    verb.set_defaults(run=export)


def _list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--query", dest="q", help="words of the prompt")
    parser.add_argument("--kind", choices=("image", "video", "audio"))
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int, default=30)
    add_connection(parser)


def list_assets(options: argparse.Namespace) -> int:
    """Print assets."""
    with connect(options) as client:
        assets = client.assets(q=options.q, kind=options.kind, model=options.model, limit=options.limit)
    if options.json:
        print(as_json(assets))
        return 0
    rows = [
        (
            a["id"],
            a["kind"],
            _extent(a),
            a["model"],
            str(a["seed"] if a["seed"] is not None else ""),
            a["prompt"],
        )
        for a in assets
    ]
    print(table(rows, ("ASSET", "KIND", "SIZE", "MODEL", "SEED", "PROMPT")))
    return 0


def _extent(asset: dict[str, Any]) -> str:
    """Return the size of a picture or a video, the length of a sound."""
    if asset["kind"] == "audio":
        return f"{asset['duration'] or 0:.1f} s"
    return f"{asset['width']}x{asset['height']}"


def show(options: argparse.Namespace) -> int:
    """Print one asset with its recipe as JSON."""
    with connect(options) as client:
        print(as_json(client.asset(options.asset)))
    return 0


def export(options: argparse.Namespace) -> int:
    """Write an asset to a file."""
    target = Path(options.file).expanduser()
    suffix = target.suffix.lower().lstrip(".")
    named = {"jpg": "jpeg", "opus": "ogg", "oga": "ogg"}.get(suffix, suffix) or None
    with connect(options) as client:
        asset = client.asset(options.asset)
        own = {"audio/mpeg": "mp3", "audio/mp4": "m4a"}.get(asset["mime"], asset["mime"].rpartition("/")[2])
        content = client.asset_bytes(options.asset, format=named if named != own else None)
    target.write_bytes(content)
    print(target)
    return 0
