"""Prompts longer than a CLIP text encoder reads: encoded in pieces, or reported where the model cannot."""

from __future__ import annotations

from typing import Any

from diorama.contract import JobContext

USUAL_LENGTH = 77
"""Tokens that CLIP reads; models with another length were trained for exactly one piece."""


def fit_prompts(pipe: Any, call: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Return the call with embeddings in place of prompts that are too long for one piece.

    Only for pipelines whose text encoders are all CLIP (sd, sdxl). What a model cannot read is reported.
    """
    tokenizers = [
        part for name in ("tokenizer", "tokenizer_2") if (part := getattr(pipe, name, None)) is not None
    ]
    prompt, negative = call.get("prompt") or "", call.get("negative_prompt") or ""
    longest = {text: _count(tokenizers[0], text) for text in (prompt, negative)} if tokenizers else {}
    limit = tokenizers[0].model_max_length if tokenizers else USUAL_LENGTH
    if all(count <= limit for count in longest.values()):
        return call
    if limit != USUAL_LENGTH:
        for field, text in (("prompt", prompt), ("negative_prompt", negative)):
            _report_cut(tokenizers[0], field, text, context)
        return call
    found = _encode(pipe, tokenizers, prompt, negative, call.get("clip_skip"))
    return {key: value for key, value in call.items() if key not in ("prompt", "negative_prompt")} | found


def _count(tokenizer: Any, text: str) -> int:
    return len(tokenizer(text, truncation=False, verbose=False).input_ids)


def _report_cut(tokenizer: Any, field: str, text: str, context: JobContext) -> None:
    limit = tokenizer.model_max_length
    ids = tokenizer(text, truncation=False, verbose=False).input_ids
    if len(ids) > limit:
        cut = tokenizer.decode(ids[limit - 1 : -1])
        context.ignored(
            field, cut, f"This model reads {limit - 2} tokens; the rest of the text has no effect."
        )


def _encode(pipe: Any, tokenizers: list[Any], prompt: str, negative: str, skip: int | None) -> dict[str, Any]:
    import torch

    encoders = [getattr(pipe, name) for name in ("text_encoder", "text_encoder_2")[: len(tokenizers)]]
    pieces = [
        [_pieces(tokenizer, pipe.maybe_convert_prompt(text, tokenizer)) for tokenizer in tokenizers]
        for text in (prompt, negative)
    ]
    most = max(len(ids) for texts in pieces for ids in texts)
    embedded, pooled = [], []
    with torch.inference_mode():
        for texts in pieces:
            parts = [_encode_text(encoder, tokenizer, ids, most, skip, len(encoders) == 2)
                     for encoder, tokenizer, ids in zip(encoders, tokenizers, texts, strict=True)]  # fmt: skip
            embedded.append(torch.cat([hidden for hidden, _ in parts], -1))
            pooled.append(parts[-1][1])
    if not negative and getattr(pipe.config, "force_zeros_for_empty_prompt", False):
        embedded[1], pooled[1] = torch.zeros_like(embedded[1]), torch.zeros_like(pooled[1])
    found = {"prompt_embeds": embedded[0], "negative_prompt_embeds": embedded[1]}
    if len(encoders) == 2:
        found |= {"pooled_prompt_embeds": pooled[0], "negative_pooled_prompt_embeds": pooled[1]}
    return found


def _pieces(tokenizer: Any, text: str) -> list[list[int]]:
    ids = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
    room = tokenizer.model_max_length - 2
    return [ids[start : start + room] for start in range(0, len(ids), room)] or [[]]


def _encode_text(
    encoder: Any, tokenizer: Any, pieces: list[list[int]], most: int, skip: int | None, penultimate: bool
) -> tuple[Any, Any]:
    """Return hidden states of all pieces in a row, filled up with empty ones, and the pooled vector of the first."""
    import torch

    rows = []
    for ids in [*pieces, *([[]] * (most - len(pieces)))]:
        row = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id]
        rows.append(row + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(row)))
    output = encoder(torch.tensor(rows, device=encoder.device), output_hidden_states=True)
    if penultimate:
        hidden = output.hidden_states[-(2 + (skip or 0))]
    elif skip:
        hidden = getattr(encoder, "text_model", encoder).final_layer_norm(output.hidden_states[-(1 + skip)])
    else:
        hidden = output[0]
    return hidden.reshape(1, -1, hidden.shape[-1]), output[0][:1]
