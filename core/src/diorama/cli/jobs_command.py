"""``diorama jobs [list|show|cancel|retry]``."""

from __future__ import annotations

import argparse
import time

from diorama.cli.client import connect
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    _list_options(parser)
    parser.set_defaults(run=list_jobs)
    verbs = parser.add_subparsers(metavar="VERB")
    verb = verbs.add_parser("list", help="list jobs, newest first")
    _list_options(verb)
    verb.set_defaults(run=list_jobs)
    for name, text, run in (
        ("show", "say everything about a job", show),
        ("cancel", "cancel a job", cancel),
        ("retry", "submit a job again", retry),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("job", help="job id")
        add_connection(verb)
        verb.set_defaults(run=run)


def _list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--active", action="store_true", help="only unfinished ones")
    parser.add_argument("--status", help="only this status")
    parser.add_argument("--limit", type=int, default=30)
    add_connection(parser)


def list_jobs(options: argparse.Namespace) -> int:
    """Print jobs."""
    with connect(options) as client:
        jobs = client.jobs(active_only=options.active, status=options.status, limit=options.limit)
    if options.json:
        print(as_json(jobs))
        return 0
    rows = [
        (
            job["job_id"],
            job["kind"],
            job["model"],
            job["status"],
            _when(job["created_at"]),
            str(job.get("prompt") or job.get("asked", {}).get("prompt", "")),
        )
        for job in jobs
    ]
    print(table(rows, ("JOB", "KIND", "MODEL", "STATUS", "CREATED", "PROMPT")))
    return 0


def _when(seconds: float | str) -> str:
    if isinstance(seconds, str):
        return seconds
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def show(options: argparse.Namespace) -> int:
    """Print one job as JSON; it has too many sides for a table."""
    with connect(options) as client:
        print(as_json(client.job(options.job)))
    return 0


def cancel(options: argparse.Namespace) -> int:
    """Cancel a job."""
    with connect(options) as client:
        job = client.cancel(options.job)
    print(clean(f"{job['job_id']} {job['status']}"))
    return 0


def retry(options: argparse.Namespace) -> int:
    """Submit a job again."""
    with connect(options) as client:
        job = client.retry(options.job)
    print(clean(job["job_id"]))
    return 0
