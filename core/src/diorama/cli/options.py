"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from diorama.contract.errors import InvalidRequest


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add ``--server``, ``--api-key`` and ``--json``."""
    parser.add_argument(
        "--server", metavar="URL", help="use a running server (default: DIORAMA_SERVER, else this process)"
    )
    parser.add_argument("--json", action="store_true", help="print results as JSON")


def add_common_job(parser: argparse.ArgumentParser) -> None:
    """Add what every job takes."""
    parser.add_argument(
        "-m", "--model", default="", help="model id, alias or family (default: the settings' default_model)"
    )
    parser.add_argument(
        "--policy", choices=("cheapest", "fastest", "local-only", "quality"),
        help="which offer to take when the model is a family",
    )  # fmt: skip
    parser.add_argument(
        "--failover", action="store_true", help="let another offer of the family take over when one is down"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write; '-' for stdout; a folder keeps the usual names",
    )
    parser.add_argument("--seed", type=int, help="seed of the first result, 0 to 4294967295")
    parser.add_argument("--steps", type=int, dest="num_inference_steps", metavar="N", help="denoising steps")
    parser.add_argument("--guidance", type=float, dest="guidance_scale", metavar="X", help="prompt guidance")
    parser.add_argument("--negative", dest="negative_prompt", metavar="TEXT", help="what should not appear")
    parser.add_argument("--scheduler", metavar="NAME", help="sampler, where the model offers a choice")
    parser.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="NAME[:WEIGHT]",
        help="apply a LoRA (repeatable); at a provider: https address, owner/name[/file] or civitai:VERSION",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter of this model (repeatable)",
    )
    parser.add_argument("--format", dest="output_format", help="png, jpeg, webp, mp4, flac, mp3 ...")
    parser.add_argument(
        "--strict", action="store_true", help="refuse instead of adjusting or ignoring a value"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would run and cost, and stop")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_connection(parser)


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add ``--size``, ``--ratio`` and ``-n``."""
    parser.add_argument("--size", metavar="WxH", help="size in pixels, such as 1024x768")
    parser.add_argument("--ratio", dest="aspect_ratio", metavar="W:H", help="aspect ratio, such as 16:9")
    parser.add_argument(
        "-n", "--num-images", type=int, dest="num_images", metavar="N", help="how many results"
    )


def add_sound(parser: argparse.ArgumentParser) -> None:
    """Add ``--sound``."""
    parser.add_argument(
        "--sound",
        action="append",
        default=[],
        metavar="FILE",
        help="a sound for models that take one (repeatable)",
    )


def add_control(parser: argparse.ArgumentParser) -> None:
    """Add ``--control``."""
    parser.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="KIND=FILE",
        help="a map that steers the picture: canny, depth, pose, scribble (repeatable)",
    )


def parse_control(items: list[str]) -> dict[str, Path]:
    """Return ``KIND=FILE`` items as files by kind.

    Raises:
        InvalidRequest: an item is not of that form.
        NotFound: there is no such file.
    """
    from diorama.cli.client import read_input

    maps = {}
    for item in items:
        kind, equals, path = item.partition("=")
        if not (kind and equals and path):
            raise InvalidRequest(
                f"{item!r} names no map.", field="--control", fix="Write it like canny=edges.png."
            )
        maps[kind] = read_input(path)
    return maps


def parse_size(text: str | None) -> tuple[int | None, int | None]:
    """Return width and height of ``WxH``.

    Raises:
        InvalidRequest: it is not of that form.
    """
    if not text:
        return None, None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and len(text) < 20):
        raise InvalidRequest(f"{text!r} is no size.", field="--size", fix="Write it like 1024x768.")
    return int(width), int(height)


def parse_parameters(pairs: list[str]) -> dict[str, Any]:
    """Return ``KEY=VALUE`` pairs as a dict; a value is read as JSON where it is JSON, else as text.

    Raises:
        InvalidRequest: a pair has no ``=``.
    """
    parameters: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InvalidRequest(f"{pair!r} is no parameter.", field="-p", fix="Write it like -p key=value.")
        try:
            parameters[key] = json.loads(text)
        except ValueError:
            parameters[key] = text
    return parameters


def parse_loras(items: list[str]) -> list[dict[str, Any]]:
    """Return ``NAME[:WEIGHT]`` items as ``{"id", "weight"}``."""
    loras = []
    for item in items:
        name, colon, weight = item.rpartition(":")
        if name == "civitai":  # civitai:12345 is a name, civitai:12345:0.8 has a weight
            name, colon, weight = item, "", ""
        try:
            loras.append({"id": name, "weight": float(weight)} if colon else {"id": item, "weight": 1.0})
        except ValueError:
            loras.append({"id": item, "weight": 1.0})
    return loras
