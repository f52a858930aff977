"""Vocabularies of text encoders, which are in no checkpoint: taken from any model of this machine that has the same one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings

from diorama_local_diffusers.models.folder import read_json
from diorama_local_diffusers.models.locate import hub_cache
from diorama_local_diffusers.models.unchanged import kept_while_unchanged

CLIP_BEGIN, CLIP_END = "<|startoftext|>", "<|endoftext|>"
T5_END = "</s>"
_T5_FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""What may lie beside T5's vocabulary and belongs to it."""
_T5_EXTRA = 100
"""Tokens that T5 has beyond those in ``spiece.model``."""
_T5_ROUNDING = 128
"""T5's table of embeddings is larger than its vocabulary, to the next multiple of this."""

Config = dict[str, Any]


def find_tokenizer(encoder: Config, settings: BackendSettings) -> Path | None:
    """Return a folder with the vocabulary of a text encoder, from any model in the known folders or the hub's cache.

    Args:
        encoder: ``config.json`` of the text encoder: CLIP or T5.
        settings: Of the backend.
    """
    words = int(encoder["vocab_size"])
    fits = _fits_t5 if encoder.get("model_type") == "t5" else _fits_clip
    return next((folder for folder in _folders(settings) if fits(folder, words)), None)


def tokenizer_files(folder: Path, encoder: Config) -> list[Path]:
    """Return the files of a folder that make the tokenizer of a text encoder."""
    if encoder.get("model_type") != "t5":
        return _clip_files(folder)
    kept = [folder / name for name in _T5_FILES]
    return [_t5_vocabulary(folder), *(file for file in kept if file.is_file())]


def tokenizer_config(encoder: Config, pad: str) -> Config:
    """Return ``tokenizer_config.json`` for a text encoder: of CLIP, and of T5 where its own does not lie beside the words."""
    if encoder.get("model_type") == "t5":
        return {
            "tokenizer_class": "T5Tokenizer", "model_max_length": 512, "extra_ids": _T5_EXTRA,
            "eos_token": T5_END, "unk_token": "<unk>", "pad_token": "<pad>",
        }  # fmt: skip
    return {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": encoder["max_position_embeddings"],
        "bos_token": CLIP_BEGIN, "eos_token": CLIP_END, "unk_token": CLIP_END, "pad_token": pad,
    }  # fmt: skip


def _folders(settings: BackendSettings) -> Iterator[Path]:
    from diorama_local_diffusers.models.shelf import user_entries

    mine = [Path(entry.path).expanduser() for entry in user_entries(settings)]
    for model in mine:
        yield from sorted(model.glob("tokenizer*")) if model.is_absolute() and model.is_dir() else ()
    for folder in settings.models_dirs:
        yield from sorted(folder.glob("*/tokenizer*"))
    for snapshot in sorted(hub_cache().glob("models--*/snapshots/*")):
        yield snapshot
        yield from sorted(snapshot.glob("tokenizer*"))


def _clip_files(folder: Path) -> list[Path]:
    """Return the files that make a CLIP vocabulary, empty when the folder has none."""
    pair = [folder / "vocab.json", folder / "merges.txt"]
    if all(file.is_file() for file in pair):
        return pair
    one = folder / "tokenizer.json"
    return [one] if one.is_file() else []


def _fits_clip(folder: Path, words: int) -> bool:
    files = _clip_files(folder)
    return bool(files) and _clip_words(files[0]) == words


@kept_while_unchanged(256)
def _clip_words(file: Path) -> int:
    """Return the number of words of a vocabulary, 0 when it is none of CLIP's."""
    table: Any = read_json(file)
    if file.name == "tokenizer.json":
        table = (table.get("model") or {}).get("vocab")
    return len(table) if isinstance(table, dict) and CLIP_END in table else 0


def _t5_vocabulary(folder: Path) -> Path:
    one = folder / "tokenizer.json"
    return one if one.is_file() else folder / "spiece.model"


def _fits_t5(folder: Path, words: int) -> bool:
    file = _t5_vocabulary(folder)
    if not file.is_file():
        return False
    size = _pieces_of_json(file) if file.suffix == ".json" else _pieces_of_model(file) + _T5_EXTRA
    return size > _T5_EXTRA // 2 and size <= words < size + _T5_ROUNDING


@kept_while_unchanged(256)
def _pieces_of_json(file: Path) -> int:
    """Return the number of pieces of a vocabulary, 0 when it is none of T5's."""
    table = (read_json(file).get("model") or {}).get("vocab")
    pieces = (
        {piece[0] for piece in table if isinstance(piece, list) and piece} if isinstance(table, list) else ()
    )
    return len(pieces) if T5_END in pieces else 0


@kept_while_unchanged(256)
def _pieces_of_model(file: Path) -> int:
    from sentencepiece import SentencePieceProcessor  # type: ignore[import-untyped]

    try:
        return int(SentencePieceProcessor(model_file=str(file)).get_piece_size())
    except (OSError, RuntimeError):  # damaged, or something else of this name
        return 0
