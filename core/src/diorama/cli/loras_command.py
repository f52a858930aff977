"""``diorama loras [list|scan]``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from diorama.cli.client import connect
from diorama.cli.options import add_connection
from diorama.cli.terminal import table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    _add_options(parser)
    verbs = parser.add_subparsers(metavar="VERB")
    for name, text in (
        ("list", "list LoRA, those here first"),
        ("scan", "look through the folders again and list what is here"),
    ):
        verb = verbs.add_parser(name, help=text)
        _add_options(verb)
        verb.set_defaults(here=name == "scan")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", metavar="FAMILY", help="only those that fit this family, such as sdxl")
    add_connection(parser)
    parser.set_defaults(run=list_loras, here=False)


def list_loras(options: argparse.Namespace) -> int:
    """Print the LoRA."""
    with connect(options) as client:
        loras = client.loras(options.kind)
    if options.here:
        loras = [lora for lora in loras if lora["availability"]["state"] == "ready"]
    if options.json:
        print(json.dumps(loras, indent=2, ensure_ascii=False))
        return 0
    print(table([_row(lora) for lora in loras], ("LORA", "FITS", "TITLE", "TRIGGERS", "STATE")))
    return 0


def _row(lora: dict[str, Any]) -> tuple[str, ...]:
    state = lora["availability"]
    words = "ready" if state["state"] == "ready" else str(state["fix"])
    return lora["id"], lora["kind"] or "?", lora["title"], ", ".join(lora["triggers"]), words
