"""``diorama upscale FILE``."""

from __future__ import annotations

import argparse

from diorama.cli.client import read_input
from diorama.cli.job_running import build_body, run_job
from diorama.cli.options import add_common_job
from diorama.cli.video_command import first_model


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", help="a picture or a video")
    parser.add_argument("--scale", type=float, metavar="X", help="how many times larger")
    parser.add_argument("--prompt", default="", help="for models that take one")
    add_common_job(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Enlarge a picture or a video."""
    model = options.model or first_model(options, "upscale")
    return run_job(options, build_body(options, kind="upscale", media=read_input(options.file), model=model))
