"""Tokenizers without any file: every byte or letter is a token."""

from __future__ import annotations

from typing import Any

WIDTH = 32
"""Width of the text encoders of most tiny families."""


def byte_symbols() -> list[str]:
    """Return one printable symbol for each of the 256 bytes, as byte-level BPE vocabularies name them."""
    printable = set(range(33, 127)) | set(range(161, 173)) | set(range(174, 256))
    spare = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


def clip_tokenizer() -> Any:
    """Return a CLIP tokenizer whose end token has the highest id, which CLIP's pooling relies on."""
    from transformers import CLIPTokenizer

    symbols = byte_symbols()
    pieces = [*symbols, *(symbol + "</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)}, merges=[], model_max_length=77
    )
