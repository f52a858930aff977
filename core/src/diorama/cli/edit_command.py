"""``diorama edit IMAGE "PROMPT"``."""

from __future__ import annotations

import argparse
from pathlib import Path

from diorama.cli.client import read_input
from diorama.cli.job_running import build_body, run_job
from diorama.cli.options import add_common_job, add_control, add_size


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("image", help="the picture to change; or a sound, by a model that changes sounds")
    parser.add_argument("prompt", nargs="+", help="what it should become")
    parser.add_argument(
        "--reference", action="append", default=[], metavar="FILE", help="a further picture (repeatable)"
    )
    parser.add_argument(
        "--mask", metavar="FILE", help="white is changed, black is kept; as large as the picture"
    )
    parser.add_argument(
        "--strength", type=float, metavar="X", help="0 changes nothing, 1 ignores the picture"
    )
    add_control(parser)
    add_size(parser)
    add_common_job(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Change a picture."""
    files = [read_input(path) for path in (options.image, *options.reference)]
    sounds = [file for file in files if _is_sound(file)]
    images = [file for file in files if file not in sounds]
    mask = read_input(options.mask) if options.mask else None
    options.prompt = " ".join(options.prompt)
    return run_job(options, build_body(options, kind="edit", images=images, sounds=sounds, mask=mask))


def _is_sound(file: Path) -> bool:
    from diorama.assets.formats import read_head, sniff

    found = sniff(read_head(file))
    return found is not None and found.kind == "audio"
