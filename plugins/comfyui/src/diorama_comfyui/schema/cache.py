"""``object_info`` on disk: one file that opens in milliseconds, whatever its size.

Layout: a JSON line with the key (what the content depends on: server, version) and the byte
range of every class, then the JSON of the classes one after the other. A class is decoded when
it is used. A file that does not fit its own index is treated as absent.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .info import ObjectInfo

_FORMAT = 2


def save_object_info(path: Path, info: ObjectInfo, key: str) -> None:
    """Write all classes to ``path``, replacing it in one step. Raises ``OSError``."""
    index: dict[str, tuple[int, int]] = {}
    blobs: list[bytes] = []
    offset = 0
    for name in info:
        blob = info.blob(name)
        index[name] = (offset, len(blob))
        offset += len(blob)
        blobs.append(blob)
    about = {"format": _FORMAT, "key": key, "size": offset, "replacements": info.replacements, "index": index}
    head = json.dumps(about, separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head.encode() + b"\n")
            file.writelines(blobs)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_object_info(path: Path, key: str | None = None) -> ObjectInfo | None:
    """Open a cache file. None if it is absent, damaged, or (with ``key``) made for something else."""
    try:
        content = path.read_bytes()
        end = content.index(b"\n")
        head = json.loads(content[:end])
        index: dict[str, list[int]] = head["index"]
        replacements: dict[str, Any] = head["replacements"]
        if head["format"] != _FORMAT or len(content) != end + 1 + head["size"]:
            return None
        if key is not None and head["key"] != key:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    start = end + 1

    def load(name: str) -> bytes:
        offset, size = index[name]
        return content[start + offset : start + offset + size]

    return ObjectInfo(index, load, replacements)
