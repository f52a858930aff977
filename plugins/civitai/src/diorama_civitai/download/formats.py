"""The formats that are fetched: neither can hold a program. Each is told by name before, and by content after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diorama_civitai.download import gguf, safetensors


@dataclass(frozen=True, slots=True)
class Format:
    """A format of weight files.

    Attributes:
        labels: What Civitai calls it; uploaders may leave it out.
        check_start: Refuses first bytes that cannot be of this format.
        check_file: Refuses a whole file that is damaged or of another format.
    """

    labels: frozenset[str]
    check_start: Callable[[bytes], None]
    check_file: Callable[[Path], None]


FORMATS = {
    ".safetensors": Format(frozenset(("SafeTensor", "")), safetensors.check_start, safetensors.check_file),
    ".gguf": Format(frozenset(("GGUF", "")), gguf.check_start, gguf.check_file),
}
"""By the ending of the file's name. Safetensors go first: every backend here reads them."""
