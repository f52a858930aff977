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


def t5_tokenizer() -> Any:
    """Return a T5 tokenizer whose pieces are single characters."""
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    pieces += [(chr(code), -3.0) for code in range(33, 127)]
    return T5Tokenizer(vocab=pieces, extra_ids=4, model_max_length=64)


QWEN_MARKS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Special tokens of the Qwen models."""

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def qwen_tokenizer() -> Any:
    """Return a byte-level Qwen tokenizer with its special tokens and a chat template."""
    from transformers import Qwen2Tokenizer

    pieces = [*byte_symbols(), *QWEN_MARKS]
    made = Qwen2Tokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)}, merges=[], model_max_length=4096
    )
    made.add_special_tokens({"additional_special_tokens": list(QWEN_MARKS)})
    made.chat_template = CHAT_TEMPLATE
    return made


def gemma_tokenizer() -> Any:
    """Return a Gemma tokenizer that falls back to bytes."""
    from transformers import GemmaTokenizer

    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "\u2581"]
    pieces += [chr(code) for code in range(33, 127)] + [f"<0x{byte:02X}>" for byte in range(256)]
    return GemmaTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)}, merges=[], model_max_length=32
    )
