"""``diorama generate "PROMPT"``, and ``diorama "PROMPT"``."""

from __future__ import annotations

import argparse

from diorama.cli.client import read_input
from diorama.cli.job_running import build_body, run_job
from diorama.cli.options import add_common_job, add_control, add_size, add_sound


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "prompt", nargs="+", help="what should be seen, or heard from a model that makes sound"
    )
    add_control(parser)
    add_size(parser)
    add_sound(parser)
    parser.add_argument("--duration", type=float, metavar="S", help="seconds of a sound")
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="FILE",
        help="a picture: changed by models that edit, else a reference",
    )
    parser.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="FILE",
        help="a reference picture, never changed itself",
    )
    add_common_job(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make pictures."""
    images = [read_input(path) for path in (*options.image, *options.reference)]
    options.prompt = " ".join(options.prompt)
    sounds = [read_input(path) for path in options.sound]
    kind = None if options.image or sounds else "generate"
    return run_job(options, build_body(options, kind=kind, images=images, sounds=sounds))
