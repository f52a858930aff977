"""Models that make series of pictures at sizes of their own: Seedream."""

from __future__ import annotations

import math
from typing import Any

from diorama.contract import EditRequest, GenerateRequest
from diorama.contract.remote import Call

MOST = 15
"""Pictures in and pictures out together."""
MATCH = "match_input_image"


def as_series(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as Seedream wants it: a series only where several are asked, and a named size in place of sides.

    Raises:
        InvalidRequest: more pictures are asked for than fit beside the inputs, and the request is strict.
    """
    body = dict(body)
    asked = int(body.pop("max_images", 1))
    most = MOST - len(body.get("image_input", ()))
    if asked > most:
        call.context.adjusted(
            "num_images", asked, most, f"Inputs and results together are at most {MOST} pictures."
        )
    if (count := min(asked, most)) > 1:
        body |= {"sequential_image_generation": "auto", "max_images": count}
    if body.get("size") != "custom":
        body["aspect_ratio"] = _ratio(call, body.pop("width", None), body.pop("height", None))
    return body


def _ratio(call: Call, width: int | None, height: int | None) -> str:
    """Return the ratio asked for; where none was, that of the input."""
    sizes, request = call.capabilities.sizes, call.request
    ratios = sizes.ratios if sizes is not None else {}
    asked = request.aspect_ratio if isinstance(request, GenerateRequest | EditRequest) else None
    if asked in ratios:
        return str(asked)
    if not asked and isinstance(request, EditRequest):
        return MATCH
    shape = (width or 1) / (height or 1)
    return min(ratios, key=lambda name: abs(math.log(ratios[name][0] / ratios[name][1] / shape)))
