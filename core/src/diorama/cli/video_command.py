"""``diorama video "PROMPT" [--image FILE] [--video FILE]``."""

from __future__ import annotations

import argparse

from diorama.cli.client import read_input
from diorama.cli.job_running import build_body, run_job
from diorama.cli.options import add_common_job, add_size, add_sound


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("prompt", nargs="*", help="what should happen")
    parser.add_argument(
        "--image", action="append", default=[], metavar="FILE", help="start picture, then references"
    )
    parser.add_argument("--video", metavar="FILE", help="video to be made over, by a model that takes one")
    parser.add_argument(
        "--strength", type=float, metavar="N", help="with --video: 0 changes nothing, 1 ignores the video"
    )
    parser.add_argument("--frames", type=int, dest="num_frames", metavar="N", help="number of frames")
    parser.add_argument("--fps", type=float, metavar="N", help="frames per second")
    parser.add_argument(
        "--duration", type=float, metavar="SECONDS", help="length, for models that count seconds"
    )
    parser.add_argument(
        "--audio", action=argparse.BooleanOptionalAction, default=None, help="with or without sound"
    )
    add_size(parser)
    add_sound(parser)
    add_common_job(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make a video."""
    options.prompt = " ".join(options.prompt)
    images = [read_input(path) for path in options.image]
    sounds = [read_input(path) for path in options.sound]
    source = read_input(options.video) if options.video else None
    model = options.model or first_model(options, "video")
    body = build_body(options, kind="video", images=images, sounds=sounds, media=source, model=model)
    return run_job(options, body)


def first_model(options: argparse.Namespace, operation: str) -> str:
    """Return the first ready model that offers ``operation``.

    Raises:
        BackendNotReady: none is ready.
    """
    from diorama.cli.client import connect
    from diorama.contract.errors import BackendNotReady

    with connect(options) as client:
        models = client.models(operation=operation, availability="ready")
    if not models:
        raise BackendNotReady(
            f"No model that offers {operation} is ready.",
            fix=f"`diorama models --operation {operation}` says what each one needs.",
        )
    return str(models[0]["id"])
