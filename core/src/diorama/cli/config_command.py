"""``diorama config [show|path]``."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields, is_dataclass
from typing import Any

from diorama.cli.terminal import as_json, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``show``."""
    parser.add_argument("verb", nargs="?", choices=("show", "path"), default="show")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every setting and where its value comes from; secrets are not settings and never appear."""
    from diorama.settings import load_settings

    settings = load_settings()
    if options.verb == "path":
        print(settings.config_file)
        return 0
    rows = [(name, value, settings.origins.get(name, "default")) for name, value in flatten(settings)]
    if options.json:
        print(as_json({name: {"value": value, "origin": origin} for name, value, origin in rows}))
    else:
        print(table([(name, value, origin) for name, value, origin in rows], ("SETTING", "VALUE", "FROM")))
    return 0


def flatten(settings: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return ``(dotted name, value as text)`` of every setting; keys as a count, no password."""
    rows: list[tuple[str, str]] = []
    for item in fields(settings):
        value, name = getattr(settings, item.name), prefix + item.name
        if name == "origins":
            continue
        if is_dataclass(value):
            rows += flatten(value, name + ".")
        elif item.name == "api_keys":
            rows.append((name, f"{len(value)} set"))
        elif item.name == "database_url":
            rows.append((name, re.sub(r"(://[^/@:]*:).*@", r"\1***@", str(value))))
        elif item.name == "backends":
            rows += [(f"backends.{key}", ", ".join(sorted(table))) for key, table in value.items()]
        elif isinstance(value, tuple):
            rows.append((name, ", ".join(map(str, value))))
        else:
            rows.append((name, str(value)))
    return rows
