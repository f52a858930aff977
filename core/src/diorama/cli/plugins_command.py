"""``diorama plugins``."""

from __future__ import annotations

import argparse

from diorama.cli.client import connect
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what is installed, and what is broken and why."""
    with connect(options) as client:
        answer = client.plugins()
    if options.json:
        print(as_json(answer))
        return 0
    rows = [
        (
            item["id"],
            item["kind"],
            f"{item['distribution']} {item['version']}".strip(),
            ", ".join(item["hooks"]),
        )
        for item in answer["loaded"]
    ]
    print(table(rows, ("ID", "KIND", "PACKAGE", "HOOKS")))
    for item in answer["broken"]:
        print(clean(f"broken: {item['name']} ({item['distribution']} {item['version']}): {item['reason']}"))
    return 0
