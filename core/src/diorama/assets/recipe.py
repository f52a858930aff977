"""The recipe of an asset: every value that decided about it, as it really ran, in plain JSON."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from diorama import __version__
from diorama.assets.staged import StagedOutput

SCHEMA = 1
"""Version of the recipe's form; grows when a key changes its meaning."""

_REQUEST_KEYS = (
    "num_inference_steps", "guidance_scale", "scheduler", "strength", "aspect_ratio", "num_frames", "duration", "audio",
    "scale", "parameters",
)  # fmt: skip
_FACT_KEYS = ("model_revision", "model_hash", "versions", "timings", "loras", "cost")


def build_recipe(
    job: Mapping[str, Any],
    output: StagedOutput,
    facts: Mapping[str, Any],
    versions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the recipe of one output.

    Paths, addresses and secrets never enter it: inputs are named by their hash and, where they are ours, their asset id.

    Args:
        job: The job as plain values; ``request`` is the resolved request.
        output: What came out.
        facts: What the backend said about the whole job (``Result.facts``); those of the output win.
        versions: Further library versions by name.
    """
    request: Mapping[str, Any] = job.get("request") or {}
    known = {**facts, **output.facts}
    recipe: dict[str, Any] = {
        "schema": SCHEMA,
        "diorama": __version__,
        "operation": str(job.get("kind") or ""),
        "backend": str(request.get("model") or job.get("model") or "").partition(":")[0],
        "model": str(request.get("model") or job.get("model") or ""),
        "model_revision": known.get("model_revision"),
        "model_hash": known.get("model_hash"),
        "prompt": request.get("prompt") or "",
        "negative_prompt": request.get("negative_prompt"),
        "seed": _seed(request, output),
        "width": output.width or None,
        "height": output.height or None,
        **{key: request.get(key) for key in _REQUEST_KEYS},
        "fps": output.fps,
        "loras": _loras(request, known),
        "parents": _parents(request),
        "versions": {
            "python": platform.python_version(),
            **(versions or {}),
            **_mapping(known.get("versions")),
        },
        "cost": known.get("cost") or job.get("cost"),
        "timings": {**_mapping(job.get("timings")), **_mapping(known.get("timings"))},
        "facts": {key: value for key, value in known.items() if key not in _FACT_KEYS},
        "job_id": job.get("id"),
        "index": output.index,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {key: plain(value) for key, value in recipe.items() if value not in (None, {}, [], ())}


def plain(value: Any) -> Any:
    """Return ``value`` as JSON that every reader takes: no NaN, no broken Unicode, no foreign types."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return plain(str(value))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _seed(request: Mapping[str, Any], output: StagedOutput) -> int | None:
    if output.seed is not None or request.get("seed") is None:
        return output.seed
    return int((int(request["seed"]) + output.index) % 2**32)


def _loras(request: Mapping[str, Any], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the LoRAs of the request with what the backend found out about each (its hash)."""
    found = known.get("loras") or ()
    by_id = (
        found
        if isinstance(found, Mapping)
        else {item["id"]: item for item in found if "id" in _mapping(item)}
    )
    loras = []
    for item in request.get("loras") or ():
        more = by_id.get(item["id"], {})
        loras.append(
            {
                "id": _without_query(item["id"]),
                "weight": item["weight"],
                **({"sha256": more} if isinstance(more, str) else more),
            }
        )
    return loras


def _without_query(lora: str) -> str:
    """Return a LoRA's name; what an address carries behind its path may be a key."""
    return lora.partition("?")[0].partition("#")[0] if lora.startswith("https://") else lora


def _parents(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what went in, by role."""
    inputs = [("image", item) for item in request.get("images") or ()]
    inputs += [("sound", item) for item in request.get("sounds") or ()]
    inputs += [(role, request[role]) for role in ("mask", "video", "media") if request.get(role)]
    inputs += [(f"control:{kind}", item) for kind, item in _mapping(request.get("control")).items()]
    return [
        {"role": role, "sha256": item.get("sha256") or None, "asset_id": item.get("asset_id")}
        for role, item in inputs
    ]
