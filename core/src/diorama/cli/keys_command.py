"""``diorama keys [list|set|test|remove]``: through the running server where there is one, so that it takes effect there."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from diorama.cli.client import connect, server_url
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table, warn
from diorama.contract.errors import NotFound

if TYPE_CHECKING:
    from diorama.cli.client import Client
    from diorama.cli.local_keys import LocalKeys


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    add_connection(parser)
    parser.set_defaults(run=list_keys)
    verbs = parser.add_subparsers(metavar="VERB")
    verb = verbs.add_parser("list", help="say which backends have a key")
    add_connection(verb)
    verb.set_defaults(run=list_keys)
    for name, text, run in (
        ("set", "store a key (asked for, or read from stdin)", set_key),
        ("test", "prove a key with a real call", test_key),
        ("remove", "forget a key", remove_key),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("backend", help="id of a backend")
        if name != "test":
            verb.add_argument("--name", default="api_key", help="name of the secret (default: api_key)")
        add_connection(verb)
        verb.set_defaults(run=run)


@contextmanager
def _keys(options: argparse.Namespace) -> Iterator[Client | LocalKeys]:
    if server_url(options):
        with connect(options) as client:
            yield client
    else:
        from diorama.cli.local_keys import LocalKeys

        yield LocalKeys()


def list_keys(options: argparse.Namespace) -> int:
    """Print which secrets each backend reads and whether they are set; never a value."""
    with _keys(options) as client:
        providers = client.providers()
    if options.json:
        print(as_json(providers))
        return 0
    rows = [
        (provider["id"], secret["name"], _state(provider, secret), ", ".join(secret["variables"]))
        for provider in providers
        for secret in provider["secrets"]
    ]
    print(table(rows, ("BACKEND", "SECRET", "STATE", "VARIABLES")))
    return 0


def _state(provider: dict[str, Any], secret: dict[str, Any]) -> str:
    state = f"set ({secret['source']}, ends in {secret['ending'] or '...'})" if secret["set"] else "not set"
    return clean(state if provider["is_enabled"] else f"{state}, switched off")


def set_key(options: argparse.Namespace) -> int:
    """Store a key that is typed unseen, or piped in."""
    with _keys(options) as client:
        _find(client, options.backend)  # an unknown one is told before anything is typed
        value = (
            getpass.getpass(f"{options.name} for {options.backend}: ")
            if sys.stdin.isatty()
            else sys.stdin.readline()
        ).strip()
        if not value:
            warn("Nothing was given; nothing was stored.")
            return 2
        provider = client.set_secret(options.backend, options.name, value)
    secret = next(item for item in provider["secrets"] if item["name"] == options.name)
    print(f"Stored {options.name} for {options.backend}.")
    if secret["source"] == "file":
        warn("There is no system keyring: it lies in secrets.toml, readable by you only (mode 0600).")
    if secret["source"] == "environment":
        warn(f"A variable is set, too, and goes before it: {', '.join(secret['variables'])}.")
    return 0


def test_key(options: argparse.Namespace) -> int:
    """Make a real call with the key."""
    with connect(options) as client:
        print(clean(client.test_provider(options.backend)))
    return 0


def remove_key(options: argparse.Namespace) -> int:
    """Forget a key."""
    with _keys(options) as client:
        _find(client, options.backend)
        provider = client.set_secret(options.backend, options.name, None)
    print(f"Removed {options.name} of {options.backend}.")
    left = next((item for item in provider["secrets"] if item["name"] == options.name and item["set"]), None)
    if left:
        warn(f"A variable still sets it: {', '.join(left['variables'])}.")
    return 0


def _find(client: Client | LocalKeys, backend: str) -> None:
    known = [provider["id"] for provider in client.providers()]
    if backend not in known:
        raise NotFound(
            f"There is no provider {backend!r}.",
            field="backend",
            fix=f"Those that read a key: {', '.join(known)}.",
        )
