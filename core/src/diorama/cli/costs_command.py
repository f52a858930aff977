"""``diorama costs``."""

from __future__ import annotations

import argparse
from typing import Any

from diorama.cli.client import connect
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--by", choices=("day", "model", "session", "backend"), default="day", help="what to sum over"
    )
    parser.add_argument("--since", metavar="DAY", help="first day, such as 2026-01-31")
    parser.add_argument("--until", metavar="DAY", help="last day, included")
    parser.add_argument("-m", "--model", help="only this model")
    parser.add_argument("--session", dest="session_id", metavar="ID", help="only this session")
    add_connection(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what was spent, and what the caps leave."""
    with connect(options) as client:
        report = client.costs(
            by=options.by, since=options.since, until=options.until, model=options.model,
            session_id=options.session_id,
        )  # fmt: skip
    if options.json:
        print(as_json(report))
        return 0
    rows = [(line["key"] or "(none)", *_money(line), str(line["jobs"])) for line in report["costs"]]
    if rows:
        print(table(rows, (options.by.upper(), "AMOUNT", "CURRENCY", "", "JOBS")))
    for cap, limits in report["caps"].items():
        for currency, limit in limits.items():
            print(clean(f"cap {cap.replace('_', ' ')}: {limit:g} {currency}"))
    return 0


def _money(line: dict[str, Any]) -> tuple[str, str, str]:
    return (
        f"{line['amount']:.4f}",
        str(line["currency"]),
        "estimated" if line["estimated"] else "told by provider",
    )
