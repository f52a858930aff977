"""Textual inversion: words that a file teaches, for one job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings, InvalidRequest

from diorama_local_diffusers.models.adapters import file_digest
from diorama_local_diffusers.models.headers import read_safetensors_header


def embedding_folders(settings: BackendSettings) -> list[Path]:
    """Return where embeddings are looked for."""
    return [settings.data_dir / "embeddings", *(folder / "embeddings" for folder in settings.models_dirs)]


def find_embedding(name: str, settings: BackendSettings) -> Path:
    """Return the file of an embedding by its name.

    Raises:
        InvalidRequest: there is none.
    """
    known = {
        file.stem: file
        for folder in reversed(embedding_folders(settings))
        if folder.is_dir()
        for file in sorted(folder.glob("*.safetensors"))
    }
    if name not in known:
        raise InvalidRequest(
            f"There is no embedding {name!r} here.",
            field="embeddings",
            fix=f"Put the .safetensors file into {embedding_folders(settings)[0]}. Known: {', '.join(known) or 'none yet'}.",
        )
    return known[name]


@contextmanager
def embeddings(pipe: Any, names: Sequence[str], settings: BackendSettings) -> Iterator[list[dict[str, str]]]:
    """Teach the text encoders these words while the block runs; each word is the file's name.

    Gives the names and hashes for the recipe.

    Raises:
        InvalidRequest: a file is missing, damaged or was made for other encoders.
    """
    files = [find_embedding(name, settings) for name in names]
    taught: list[dict[str, Any]] = []
    try:
        for file in files:
            taught += _teach(pipe, file)
        yield [{"id": file.stem, "sha256": file_digest(file)} for file in files]
    finally:
        for lesson in taught:
            pipe.unload_textual_inversion(**lesson)


def _teach(pipe: Any, file: Path) -> list[dict[str, Any]]:
    """Load one file and return, for each encoder that it was loaded into, the arguments that unload it again."""
    from safetensors.torch import load_file

    read_safetensors_header(file)  # says in words what is wrong with one that is damaged, or something else
    tensors = load_file(file)
    first = {"text_encoder": pipe.text_encoder, "tokenizer": pipe.tokenizer}
    parts = [(tensors, first)]
    if "clip_l" in tensors or "clip_g" in tensors:
        second = {
            "text_encoder": getattr(pipe, "text_encoder_2", None),
            "tokenizer": getattr(pipe, "tokenizer_2", None),
        }
        parts = [
            ({file.stem: tensors[key]}, encoder)
            for key, encoder in (("clip_l", first), ("clip_g", second))
            if key in tensors and encoder["text_encoder"] is not None
        ]
    done: list[dict[str, Any]] = []
    for content, encoder in parts:
        before = set(encoder["tokenizer"].get_added_vocab())
        try:
            pipe.load_textual_inversion(content, token=file.stem, **encoder)
        except (ValueError, RuntimeError, KeyError) as error:
            for lesson in done:
                pipe.unload_textual_inversion(**lesson)
            raise InvalidRequest(
                f"Embedding {file.stem} does not fit this model: {str(error)[:200]}", field="embeddings"
            ) from error
        # A file with several vectors adds a token for each, and unloading takes away only those that are named.
        added = sorted(set(encoder["tokenizer"].get_added_vocab()) - before)
        done.append({"tokens": added, **encoder})
    return done
