"""How a LoRA is named to a model that runs elsewhere: by an address, by the hub, by Civitai, or by the provider's own name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from diorama.contract.errors import InvalidRequest

LoraSource = Literal["https", "hub", "civitai", "own"]
"""``https``: the address of a file; ``hub``: ``owner/name`` of the Hugging Face hub, with ``/file.safetensors`` behind it
where it holds several; ``civitai``: a version's page at civitai.com, or ``civitai:VERSION``; ``own``: a name that only the
provider knows."""

LONGEST = 1024
_SAID: dict[LoraSource, str] = {
    "https": "the https address of a file",
    "hub": "owner/name or owner/name/file.safetensors of the Hugging Face hub",
    "civitai": "civitai:VERSION or the address of a version's page (it ends in modelVersionId=...)",
    "own": "the id that the provider gave it",
}
_HUB = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:/([\w./-]+\.safetensors))?", re.ASCII)
_HUB_PATH = re.compile(r"/([\w.-]+/[\w.-]+)(?:/(?:resolve|blob)/([\w.-]+)/(.+\.safetensors))?/?", re.ASCII)
_CIVITAI = re.compile(r"civitai:(\d{1,12})", re.ASCII)
_CIVITAI_PATH = re.compile(r"/(?:models/\d{1,12}(?:/[^/]*)?|api/download/models/(\d{1,12}))/?", re.ASCII)
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")
_OWN = re.compile(r"[\w-][\w.@:-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraName:
    """A LoRA's name, taken apart.

    Attributes:
        text: As it is written down: a version at Civitai is always ``civitai:VERSION``.
        source: Where it lies.
        address: The https address of its file; ``None`` for the provider's own, and for a repository of which no file is named.
        repository: ``owner/name`` at the hub, else empty.
    """

    text: str
    source: LoraSource
    address: str | None = None
    repository: str = ""


def read_lora(text: str) -> LoraName | None:
    """Take a name apart; ``None`` for what nobody else can fetch, such as a file of this machine."""
    text = text.strip()
    if len(text) > LONGEST:
        return None
    if text.startswith("https://"):
        return _from_address(text)
    if match := _CIVITAI.fullmatch(text):
        return _at_civitai(match[1])
    if (match := _HUB.fullmatch(text)) and not match[1].endswith(".safetensors"):
        return _at_hub(text, match[1], "main", match[2])
    if _OWN.fullmatch(text) and not text.endswith(".safetensors"):
        return LoraName(text=text, source="own")
    return None


def _from_address(text: str) -> LoraName | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.username is not None or not parts.hostname or _NO_ADDRESS.search(text):
        return None  # a name and a password would end in recipes
    if parts.hostname == "huggingface.co" and (match := _HUB_PATH.fullmatch(parts.path)):
        return _at_hub(text, match[1], match[2] or "main", match[3])
    if parts.hostname in ("civitai.com", "www.civitai.com") and (
        match := _CIVITAI_PATH.fullmatch(parts.path)
    ):
        version = match[1] or "".join(parse_qs(parts.query).get("modelVersionId", [])[:1])
        named = _CIVITAI.fullmatch(f"civitai:{version}")
        return _at_civitai(named[1]) if named else None
    return LoraName(text=text, source="https", address=text)


def _at_hub(text: str, repository: str, revision: str, file: str | None) -> LoraName:
    address = f"https://huggingface.co/{repository}/resolve/{revision}/{file}" if file else None
    return LoraName(text=text, source="hub", address=address, repository=repository)


def _at_civitai(version: str) -> LoraName:
    address = f"https://civitai.com/api/download/models/{version}"
    return LoraName(text=f"civitai:{version}", source="civitai", address=address)


def check_lora(text: str, sources: Sequence[LoraSource], title: str) -> LoraName:
    """Return a name that a model running elsewhere can be given.

    Args:
        text: As the user wrote it.
        sources: What the model takes; where ``https`` is among them, so is whatever leads to the address of a file.
        title: The model, for the sentence.

    Raises:
        InvalidRequest: it names a file of this machine, or something that the model's provider does not fetch.
    """
    found = read_lora(text)
    if found is not None and (found.source in sources or ("https" in sources and found.address)):
        return found
    said = [_SAID[source] for source in sources]
    if "https" in sources and "hub" not in sources:
        said.insert(1, "owner/name/file.safetensors of the Hugging Face hub")
    raise InvalidRequest(
        f"{title} runs elsewhere and cannot use the LoRA {text[:100]!r}: it has to lie where its provider can fetch it.",
        field="loras", fix=f"Give {', or '.join(said)}.",
    )  # fmt: skip
