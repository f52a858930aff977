"""``diorama keys [list|set|test|remove]``."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from diorama.cli.terminal import clean, table, warn

if TYPE_CHECKING:
    from diorama.access.secrets import Secrets
    from diorama.plugins.registry import PluginRegistry


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    parser.set_defaults(run=list_keys)
    verbs = parser.add_subparsers(metavar="VERB")
    verbs.add_parser("list", help="say which backends have a key").set_defaults(run=list_keys)
    for name, text, run in (
        ("set", "store a key (asked for, or read from stdin)", set_key),
        ("test", "prove a key with a real call", test_key),
        ("remove", "forget a key", remove_key),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("backend", help="id of a backend")
        verb.add_argument("--name", default="api_key", help="name of the secret (default: api_key)")
        verb.set_defaults(run=run)


def _open() -> tuple[PluginRegistry, Secrets]:
    from diorama.access.secrets import Secrets
    from diorama.plugins.registry import PluginRegistry
    from diorama.settings import load_settings

    settings = load_settings()
    registry = PluginRegistry(settings)
    registry.load()
    return registry, Secrets(settings, registry.backends)


def list_keys(_options: argparse.Namespace) -> int:
    """Print which secrets each backend reads and whether they are set; never a value."""
    registry, secrets = _open()
    rows = []
    for backend_id in registry.backends:
        for item in secrets.status(backend_id):
            state = f"set ({item.source}, ends in {item.ending or '...'})" if item.set else "not set"
            rows.append((backend_id, item.name, clean(state), ", ".join(item.variables)))
    print(table(rows, ("BACKEND", "SECRET", "STATE", "VARIABLES")))
    return 0


def set_key(options: argparse.Namespace) -> int:
    """Store a key that is typed unseen, or piped in."""
    registry, secrets = _open()
    registry.backend(options.backend)
    value = (
        getpass.getpass(f"{options.name} for {options.backend}: ")
        if sys.stdin.isatty()
        else sys.stdin.readline()
    )
    if not value.strip():
        warn("Nothing was given; nothing was stored.")
        return 2
    secrets.set(options.backend, options.name, value.strip())
    print(f"Stored {options.name} for {options.backend}.")
    return 0


def test_key(options: argparse.Namespace) -> int:
    """Make a real call with the key."""
    from diorama.engine import Engine

    with Engine() as engine:
        print(clean(engine.check_backend(options.backend)))
    return 0


def remove_key(options: argparse.Namespace) -> int:
    """Forget a key."""
    registry, secrets = _open()
    registry.backend(options.backend)
    secrets.delete(options.backend, options.name)
    print(f"Removed {options.name} of {options.backend}.")
    return 0
