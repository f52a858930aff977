"""LoRA and textual inversion files on this machine: where they are, what they fit, what triggers them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings, InvalidRequest

from diorama_local_diffusers.models.detect import Shapes
from diorama_local_diffusers.models.headers import read_safetensors_header, tensor_shapes
from diorama_local_diffusers.models.locate import hub_cache
from diorama_local_diffusers.models.sidecar import noted_kind, noted_words, read_sidecar

_CROSS_WIDTHS = {768: "sd", 1024: "sd", 2048: "sdxl"}
"""Width of the text that cross-attention reads, by family."""
_MARKS = (
    ("flux2", ("double_stream_modulation", "to_qkv_mlp_proj")),
    ("qwen-image", ("img_mod", "txt_mlp", "img_mlp")),
    ("flux", ("double_blocks", "single_blocks", "single_transformer_blocks")),
    ("sd3", ("joint_blocks",)),
    ("ltx2", ("audio_attn", "audio_to_video_attn", "video_to_audio_attn")),
    ("wan", ("blocks.0.cross_attn", "blocks.0.self_attn", "blocks_0_cross_attn", "blocks_0_self_attn")),
)
"""Parts of tensor names that only one family has, most telling first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFile:
    """A LoRA on this machine.

    Attributes:
        id: Name by which requests ask for it.
        path: The file.
        kind: Family that it fits, empty when its header does not tell.
        triggers: Words that its makers recorded as triggers.
        size: Bytes.
    """

    id: str
    path: Path
    kind: str
    triggers: tuple[str, ...]
    size: int


def lora_folders(settings: BackendSettings) -> list[Path]:
    """Return where LoRA files are looked for, beside the hub's cache; option ``loras_dirs`` adds folders.

    Downloads from Civitai come into ``loras`` of the models folder.
    """
    named = settings.options.get("loras_dirs") or ()
    own = [Path(str(item)).expanduser() for item in ([named] if isinstance(named, str) else named)]
    beside = [folder / "loras" for folder in settings.models_dirs]
    return [*own, settings.data_dir / "loras", *beside, Path.home() / ".diorama" / "loras"]


def list_loras(settings: BackendSettings, kind: str = "") -> list[LoraFile]:
    """Return the LoRA files of this machine, those of one family when ``kind`` is given."""
    found: dict[str, LoraFile] = {}
    for folder in lora_folders(settings):
        for path in sorted(folder.rglob("*.safetensors")) if folder.is_dir() else ():
            name = path.relative_to(folder).with_suffix("").as_posix()
            if name not in found:
                try:
                    found[name] = read_lora(path, name)
                except InvalidRequest:
                    continue
    for name, path in _hub_files():
        with suppress(InvalidRequest):
            found.setdefault(name, read_lora(path, name))
    return [lora for lora in found.values() if not kind or lora.kind == kind]


def _hub_files() -> Iterator[tuple[str, Path]]:
    """Yield ``owner/name/file.safetensors`` and place of the files in the hub's cache that may be LoRA.

    Repositories that hold a whole model are passed by.
    """
    for repository in sorted(hub_cache().glob("models--*--*")):
        reference = repository / "refs" / "main"
        commit = reference.read_text().strip() if reference.is_file() else "*"
        for snapshot in sorted((repository / "snapshots").glob(commit or "*")):
            if (snapshot / "model_index.json").exists() or (snapshot / "config.json").exists():
                continue
            owner_name = repository.name.removeprefix("models--").replace("--", "/", 1)
            for path in sorted(snapshot.rglob("*.safetensors")):
                if path.is_file():
                    yield f"{owner_name}/{path.relative_to(snapshot).as_posix()}", path


def holds_lora(names: Iterable[str]) -> bool:
    """Whether tensor names are those of a LoRA or one of its kin."""
    return any(
        "lora" in name.lower() or name.endswith((".alpha", ".lokr_w1", ".hada_w1_a")) for name in names
    )


def read_lora(path: Path, name: str) -> LoraFile:
    """Read the header of a LoRA file.

    Raises:
        InvalidRequest: it is not a safetensors file, or holds no LoRA.
    """
    header = read_safetensors_header(path)
    shapes = tensor_shapes(header)
    if not holds_lora(shapes):
        raise InvalidRequest(f"{path.name} holds no LoRA.", field="loras", fix="Choose another file.")
    note = read_sidecar(path)
    triggers = _triggers(header.get("__metadata__") or {}) or noted_words(note)
    kind = family_of_lora(shapes) or noted_kind(note)
    return LoraFile(id=name, path=path, kind=kind, triggers=triggers, size=path.stat().st_size)


def family_of_lora(shapes: Shapes) -> str:
    """Return the family that a LoRA was made for, empty when its tensors do not tell."""
    keys = list(shapes)
    for family, marks in _MARKS:
        if any(mark in key for key in keys for mark in marks):
            return family
    widths = {
        shape[-1]
        for key, shape in shapes.items()
        if "attn2" in key and "to_k" in key and ("down" in key or "lora_A" in key) and len(shape) >= 2
    }
    if any("unet" in key for key in keys):
        if any("te2" in key or "text_encoder_2" in key for key in keys):
            return "sdxl"
        return next((_CROSS_WIDTHS[width] for width in widths if width in _CROSS_WIDTHS), "")
    return ""


def find_lora(name: str, settings: BackendSettings) -> LoraFile:
    """Return the LoRA that a request names: by its id, its file name, ``owner/name/file.safetensors``, or a preset's id.

    Only the known folders are searched, so that a request cannot open any other file.

    Raises:
        InvalidRequest: there is none.
    """
    from diorama_local_diffusers.models.presets import preset_file

    known = list_loras(settings)
    bare = name.removesuffix(".safetensors")
    for lora in known:
        if bare in (lora.id.removesuffix(".safetensors"), Path(lora.id).name.removesuffix(".safetensors")):
            return lora
    cached = hub_lora(name)
    if cached is not None:
        return read_lora(cached, name)
    if preset := preset_file(name, known):
        return preset
    have = ", ".join(lora.id for lora in known[:10]) or "none yet"
    raise InvalidRequest(
        f"There is no LoRA {name!r} here.",
        field="loras",
        fix=f"Put the .safetensors file into {lora_folders(settings)[-1]}, or run `diorama loras download {name}` "
        f"for one of the list or of the hub. Here are: {have}.",
    )


def hub_lora(name: str) -> Path | None:
    """Return ``owner/name/file.safetensors`` in the hub's cache, or ``None``."""
    parts = name.split("/")
    if len(parts) < 3 or {"", ".", ".."} & {*parts} or "\\" in name or not name.endswith(".safetensors"):
        return None
    folder = hub_cache() / f"models--{parts[0]}--{parts[1]}" / "snapshots"
    found = sorted(folder.glob("*/" + escape("/".join(parts[2:])))) if folder.is_dir() else []
    return found[-1] if found else None


def _triggers(metadata: dict[str, Any]) -> tuple[str, ...]:
    for key in ("modelspec.trigger_phrase", "trigger_words", "ss_trigger_words"):
        if isinstance(metadata.get(key), str) and metadata[key].strip():
            return tuple(word.strip() for word in metadata[key].split(",") if word.strip())
    return ()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; computed once as long as the file does not change."""
    facts = os.stat(path)
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
