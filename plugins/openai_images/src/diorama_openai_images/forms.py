"""Bodies as multipart forms, and masks as OpenAI reads them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

FILES = ("image", "mask", "input_reference")
Part = tuple[str | None, bytes, str] | tuple[None, bytes]


def multipart(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body as form fields and files; inputs arrive in it as data URIs.

    Fields travel as parts without a file name: so it is a multipart form also where there is no file at all.
    """
    fields: list[tuple[str, Part]] = [
        (name, (None, _written(value))) for name, value in body.items() if name not in FILES
    ]
    files: list[tuple[str, Part]] = []
    for name in FILES:
        given = body.get(name, ())
        addresses = [given] if isinstance(given, str) else list(given)
        for number, address in enumerate(addresses, 1):
            head, _, text = address.partition(",")
            mime, content = head[5:].partition(";")[0], base64.b64decode(text)
            if name == "mask":
                mime, content = "image/png", transparent(content)
            field = "image[]" if name == "image" and len(addresses) > 1 else name
            files.append((field, (f"{name}-{number}.{mime.partition('/')[2]}", content, mime)))
    return {"files": [*fields, *files]}


def _written(value: Any) -> bytes:
    text = str(value)
    return (text.lower() if isinstance(value, bool) else text).encode()


def transparent(mask: bytes) -> bytes:
    """Return our mask (white is changed) as OpenAI reads it (transparent is changed), its colours kept for other servers."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(mask)) as opened:
        grey = opened.convert("L")
    made = Image.merge("RGBA", (grey, grey, grey, ImageOps.invert(grey)))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()
