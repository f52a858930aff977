"""``diorama serve``."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--host", help="address to listen on (default 127.0.0.1); any but loopback demands a key"
    )
    parser.add_argument("--port", type=int, help="port (default 8031; 0 picks a free one)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""

    from diorama_web.server import serve

    from diorama.settings import load_settings

    server = {
        key: value for key, value in (("host", options.host), ("port", options.port)) if value is not None
    }
    return int(serve(load_settings(server=server or None)) or 0)
