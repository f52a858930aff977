"""``diorama replay FILE``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diorama.cli.client import connect, read_input
from diorama.cli.job_running import _follow
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", help="a picture or a sound that Diorama made")
    parser.add_argument("-o", "--output", metavar="FILE", help="keep the new file here")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_connection(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run a file's recipe again and say: identical, close, or different and which facts changed."""
    from diorama.assets.metadata import read_metadata
    from diorama.contract import InvalidRequest

    file = read_input(options.file)
    recipe = read_metadata(file).recipe
    if not recipe:
        raise InvalidRequest(
            f"{options.file} carries no recipe of ours.",
            field="file",
            fix="`diorama info FILE` shows what it has.",
        )
    with connect(options) as client:
        job = _follow(client, client.submit(body_of(recipe)), options)
        asset = client.asset(job["asset_ids"][0])
        content = client.asset_bytes(job["asset_ids"][0])
    if options.output:
        Path(options.output).write_bytes(content)
    verdict = compare(file, content, recipe, asset.get("recipe") or {})
    if options.json:
        print(as_json(verdict))
    else:
        print(clean(sentence(verdict)))
    return 0


def body_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that a recipe stands for.

    Raises:
        InvalidRequest: it needs inputs that the file does not carry.
    """
    from diorama.contract import InvalidRequest

    if recipe.get("operation") != "generate":
        raise InvalidRequest(
            "Only what was made from text alone can be replayed from the file.",
            field="file",
            fix="Use `diorama jobs retry` while its job is known.",
        )
    names = (
        "model",
        "prompt",
        "negative_prompt",
        "seed",
        "width",
        "height",
        "num_inference_steps",
        "guidance_scale",
        "scheduler",
        "loras",
        "parameters",
        "duration",
    )
    body = {name: recipe[name] for name in names if recipe.get(name) is not None}
    return body | {"kind": "generate", "num_images": 1}


def compare(
    original: Path, content: bytes, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``{"verdict", "mean_difference", "changed"}``; the difference is per channel, 0 to 255.

    Samples of sounds are measured on the same scale, with 255 for full loudness.
    """
    import numpy as np
    from PIL import Image

    from diorama.assets.decoding import recognise

    if recognise(original).kind == "audio":
        return _compare_sounds(original, content, changed_facts(before, after))
    with tempfile.NamedTemporaryFile(suffix=".bin") as handle:
        handle.write(content)
        handle.flush()
        with Image.open(original) as left, Image.open(handle.name) as right:
            changed = changed_facts(before, after)
            if left.size != right.size:
                return {"verdict": "different", "mean_difference": None, "changed": ["size", *changed]}
            pair = [np.asarray(image.convert("RGB"), dtype=np.int16) for image in (left, right)]
    return _verdict(float(np.abs(pair[0] - pair[1]).mean()), changed)


def _verdict(distance: float, changed: list[str]) -> dict[str, Any]:
    verdict = "identical" if distance == 0 else "close" if distance < 4 else "different"
    return {"verdict": verdict, "mean_difference": round(distance, 3), "changed": changed}


def _compare_sounds(original: Path, content: bytes, changed: list[str]) -> dict[str, Any]:
    import numpy as np

    from diorama.assets.decoding import recognise
    from diorama.assets.sound import read_track

    with tempfile.NamedTemporaryFile(suffix=".bin") as handle:
        handle.write(content)
        handle.flush()
        new = Path(handle.name)
        left, right = (read_track(file, recognise(file)) for file in (original, new))
    if (
        left is None
        or right is None
        or left.sample_rate != right.sample_rate
        or left.samples.shape != right.samples.shape
    ):
        return {"verdict": "different", "mean_difference": None, "changed": ["length", *changed]}
    return _verdict(float(np.abs(left.samples - right.samples).mean()) * 255, changed)


def changed_facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of facts that decide pixels and are not the same in both recipes."""
    names = (
        "model",
        "model_revision",
        "seed",
        "width",
        "height",
        "num_inference_steps",
        "guidance_scale",
        "scheduler",
        "loras",
        "versions",
    )
    return [name for name in names if before.get(name) != after.get(name)]


def sentence(verdict: Mapping[str, Any]) -> str:
    """Return the verdict in words."""
    if verdict["verdict"] == "identical":
        return "identical"
    changed = ", ".join(verdict["changed"]) or "nothing recorded"
    distance = (
        ""
        if verdict["mean_difference"] is None
        else f" (mean difference {verdict['mean_difference']} of 255)"
    )
    return f"{verdict['verdict']}{distance}; changed: {changed}"
