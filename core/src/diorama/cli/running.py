"""Running one command: parsing, errors to sentences, errors to exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from diorama.cli.main import COMMANDS
from diorama.cli.terminal import clean, warn
from diorama.contract.errors import DioramaError

EXIT_CODES = {
    "invalid_request": 2,
    "operation_not_supported": 2,
    "not_allowed": 3,
    "not_found": 4,
    "unknown_model": 4,
    "backend_not_ready": 5,
    "rate_limited": 5,
    "cancelled": 130,
}
"""Error code to exit code; every other error is 1."""


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Parse and run one command; every failure ends in one or two sentences on stderr."""
    _quiet_logs()
    module = importlib.import_module(f"diorama.cli.{name}_command")
    parser = _parser(name, module)
    try:
        options = parser.parse_args(list(arguments))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(options.run(options) or 0)
    except DioramaError as error:
        return report(error)
    except KeyboardInterrupt:
        warn("Cancelled.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _unexpected(error)


def _quiet_logs() -> None:
    """Keep log lines and tracebacks from people, unless DIORAMA_TRACE asks for them; ``serve`` sets up its own."""
    import logging

    if os.environ.get("DIORAMA_TRACE"):
        logging.basicConfig(level=logging.INFO)
    else:
        logging.getLogger().addHandler(logging.NullHandler())


def _parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"diorama {name}",
        description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    return parser


def report(error: DioramaError) -> int:
    """Print an error and its remedy; return the exit code."""
    field = f" ({error.field})" if error.field else ""
    warn(f"diorama: {clean(error.message)}{field}")
    if error.fix:
        warn(f"  {clean(error.fix)}")
    if error.code == "backend_not_ready" and "key" in (error.fix or "").lower():
        return 3
    return EXIT_CODES.get(error.code, 1)


def _unexpected(error: Exception) -> int:
    if os.environ.get("DIORAMA_TRACE"):
        raise error
    warn(f"diorama: {type(error).__name__}: {clean(str(error))}")
    warn("  This should not happen. Set DIORAMA_TRACE=1 to see where, and please report it.")
    return 1
