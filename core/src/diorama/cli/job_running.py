"""Submitting a job, following it, and writing what it made: the heart of four commands."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diorama.cli.client import Client, connect
from diorama.cli.options import parse_control, parse_loras, parse_parameters, parse_size
from diorama.cli.terminal import ProgressLine, as_json, clean, warn
from diorama.contract.errors import Conflict, JobCancelled, error_from_plain

_PLAIN = (
    "model", "prompt", "negative_prompt", "seed", "num_inference_steps", "guidance_scale", "scheduler", "aspect_ratio",
    "num_images", "strength", "num_frames", "fps", "duration", "audio", "scale", "output_format", "strict", "policy", "failover",
)  # fmt: skip
_SUFFIXES = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".gif": "gif",
    ".mp4": "mp4",
    ".webm": "webm",
    ".flac": "flac",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".opus": "ogg",
    ".wav": "wav",
    ".m4a": "m4a",
}
_ENDINGS = {"audio/mpeg": ".mp3", "audio/mp4": ".m4a", "image/jpeg": ".jpg"}
"""Endings of files that are not called as their type is."""


def build_body(options: argparse.Namespace, **extra: Any) -> dict[str, Any]:
    """Return the request body that the options mean; ``None`` values are left out."""
    body = {name: getattr(options, name, None) for name in _PLAIN}
    body["width"], body["height"] = parse_size(getattr(options, "size", None))
    body["parameters"] = parse_parameters(options.parameter)
    body["loras"] = parse_loras(options.lora)
    body["control"] = parse_control(getattr(options, "control", []))
    if body["output_format"] is None and options.output:
        body["output_format"] = _SUFFIXES.get(Path(options.output).suffix.lower())
    return {key: value for key, value in (body | extra).items() if value not in (None, "", [], {}, ())}


def run_job(options: argparse.Namespace, body: Mapping[str, Any]) -> int:
    """Run a job from submission to files; return the exit code."""
    with connect(options) as client:
        if options.dry_run:
            print(as_json(client.plan(body)))
            return 0
        job = _follow(client, client.submit(body), options)
        paths = _write_outputs(client, job, body, options)
        _print_result(job, paths, options)
    return 0


def _follow(client: Client, job: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    line = ProgressLine(quiet=options.quiet)
    try:
        for state in client.follow(job["job_id"]):
            job = state
            line.update(job)
    except KeyboardInterrupt:
        line.close()
        _cancel(client, job["job_id"])
        raise JobCancelled from None
    finally:
        line.close()
    if job["status"] == "failed":
        raise error_from_plain(dict(job.get("error") or {}))
    if job["status"] == "cancelled":
        raise JobCancelled
    return job


def _cancel(client: Client, job_id: str) -> None:
    try:
        client.cancel(job_id)
        for _ in client.follow(job_id):
            pass
    except (Conflict, KeyboardInterrupt):
        return


def _write_outputs(
    client: Client, job: Mapping[str, Any], body: Mapping[str, Any], options: argparse.Namespace
) -> list[Path]:
    paths = []
    for index, asset_id in enumerate(job.get("asset_ids", ())):
        content = client.asset_bytes(asset_id)
        if options.output == "-":
            sys.stdout.buffer.write(content)
            continue
        path = _target(options.output, client.asset(asset_id), body, index, len(job["asset_ids"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths


def _target(
    output: str | None, asset: Mapping[str, Any], body: Mapping[str, Any], index: int, count: int
) -> Path:
    """Return where to write: the named file (numbered when there are several), or a name out of prompt and seed."""
    mime = str(asset["mime"])
    suffix = _ENDINGS.get(mime) or "." + mime.rpartition("/")[2]
    if output and not output.endswith("/") and not Path(output).is_dir():
        path = Path(output).expanduser()
        if not path.suffix or _other_kind(path, mime):
            path = path.with_suffix(suffix)
        return path if count == 1 else path.with_stem(f"{path.stem}-{index + 1}")
    words = re.findall(r"\w+", str(body.get("prompt") or asset.get("operation") or "diorama").lower())
    name = "-".join(words)[:50].strip("-") or "diorama"
    seed = f"-{asset['seed']}" if asset.get("seed") is not None else ""
    folder = Path(output).expanduser() if output else Path()
    path, number = folder / f"{name}{seed}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}{seed}-{number}{suffix}"
    return path


def _other_kind(path: Path, mime: str) -> bool:
    """Whether a name says picture or video and the file is a sound, or the other way round."""
    named = _SUFFIXES.get(path.suffix.lower())
    sounds = ("flac", "mp3", "ogg", "wav", "m4a")
    return named is not None and (named in sounds) != mime.startswith("audio/")


def _print_result(job: Mapping[str, Any], paths: list[Path], options: argparse.Namespace) -> None:
    for note in job.get("adjusted", ()):
        warn(clean(f"adjusted {note['field']}: {note['before']} -> {note['after']}. {note['why']}"))
    same: dict[tuple[str, str], list[str]] = {}
    for note in job.get("ignored", ()):
        same.setdefault((note["field"], note["why"]), []).append(str(note["before"]))
    for (field, why), values in same.items():
        warn(clean(f"ignored {field}: {', '.join(values)}. {why}"))
    if options.output == "-":
        return
    if options.json:
        print(as_json(dict(job) | {"files": [str(path) for path in paths]}))
        return
    for path in paths:
        print(path)
