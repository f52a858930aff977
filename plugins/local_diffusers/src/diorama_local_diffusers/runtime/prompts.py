"""What a text encoder makes of a prompt: weights, pieces beyond 77 tokens, and a report of what cannot be read.

Models with CLIP encoders alone (sd, sdxl) get embeddings that we make when the prompt has weights or is too long; a
plain prompt goes to the pipeline as it is. For the others a weight is taken out of the text and reported.
"""

from __future__ import annotations

from typing import Any

from diorama.contract import JobContext

from diorama_local_diffusers.runtime.emphasis import Span, is_plain, spans_of, without_weights, words_of

USUAL_LENGTH = 77
"""Tokens that CLIP reads; models with another length were trained for exactly one piece."""
FIELDS = ("prompt", "negative_prompt")

Token = tuple[int, float]
"""Id and weight."""


def fit_prompts(pipe: Any, call: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Return the call with embeddings in place of prompts that have weights or are too long for one piece.

    Only for pipelines whose text encoders are all CLIP. What a model cannot read is reported.
    """
    tokenizers = [
        part for name in ("tokenizer", "tokenizer_2") if (part := getattr(pipe, name, None)) is not None
    ]
    spans = {field: spans_of(call.get(field) or "") for field in FIELDS}
    if not tokenizers:
        return call
    limit = tokenizers[0].model_max_length
    if limit != USUAL_LENGTH:
        for field in FIELDS:
            _report_cut(tokenizers[0], field, words_of(spans[field]), context)
    plain = all(is_plain(texts) for texts in spans.values())
    short = all(_count(tokenizers[0], words_of(texts)) <= limit for texts in spans.values())
    if plain and (short or limit != USUAL_LENGTH):
        return call | {field: words_of(spans[field]) for field in FIELDS if call.get(field)}
    found = _encode(pipe, tokenizers, [spans[field] for field in FIELDS], call.get("clip_skip"))
    return {key: value for key, value in call.items() if key not in FIELDS} | found


def report_weights(call: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Return the call of a model without weights: the words stay, each weight is reported as ignored."""
    changed = dict(call)
    for field in FIELDS:
        text, lost = without_weights(call.get(field) or "")
        for words in lost:
            context.ignored(
                field, words, "This model's text encoder knows no weights; the words count as they are."
            )
        if lost:
            changed[field] = text
    return changed


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


def _encode(pipe: Any, tokenizers: list[Any], spans: list[list[Span]], skip: int | None) -> dict[str, Any]:
    """Return the arguments that stand for the prompt and the negative prompt, both of one length."""
    import torch

    encoders = [getattr(pipe, name) for name in ("text_encoder", "text_encoder_2")[: len(tokenizers)]]
    pieces = [[_pieces(pipe, tokenizer, texts) for tokenizer in tokenizers] for texts in spans]
    most = max(len(found) for texts in pieces for found in texts)
    embedded, pooled = [], []
    with torch.inference_mode():
        for texts in pieces:
            parts = [_encode_text(encoder, tokenizer, found, most, skip, len(encoders) == 2)
                     for encoder, tokenizer, found in zip(encoders, tokenizers, texts, strict=True)]  # fmt: skip
            embedded.append(torch.cat([hidden for hidden, _ in parts], -1))
            pooled.append(parts[-1][1])
    if not words_of(spans[1]) and getattr(pipe.config, "force_zeros_for_empty_prompt", False):
        embedded[1], pooled[1] = torch.zeros_like(embedded[1]), torch.zeros_like(pooled[1])
    found = {"prompt_embeds": embedded[0], "negative_prompt_embeds": embedded[1]}
    if len(encoders) == 2:
        found |= {"pooled_prompt_embeds": pooled[0], "negative_pooled_prompt_embeds": pooled[1]}
    return found


def _pieces(pipe: Any, tokenizer: Any, spans: list[Span]) -> list[list[Token]]:
    """Return the tokens of a prompt in pieces that fit the encoder; no piece ends inside a word if that can be."""
    room = tokenizer.model_max_length - 2
    pieces: list[list[Token]] = [[]]
    for span in spans:
        if span.breaks:
            pieces.append([])
            continue
        text = pipe.maybe_convert_prompt(span.text, tokenizer)
        ids = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
        pieces[-1] += [(number, span.weight) for number in ids]
        while len(pieces[-1]) > room:
            cut = _last_word_end(tokenizer, pieces[-1][:room])
            pieces[-1:] = [pieces[-1][:cut], pieces[-1][cut:]]
    filled = [piece for piece in pieces if piece] or [[]]
    return filled if tokenizer.model_max_length == USUAL_LENGTH else filled[:1]


def _last_word_end(tokenizer: Any, tokens: list[Token]) -> int:
    names = tokenizer.convert_ids_to_tokens([number for number, _ in tokens])
    ends = [index + 1 for index, name in enumerate(names) if name.endswith("</w>")]
    return ends[-1] if ends else len(tokens)


def _encode_text(
    encoder: Any, tokenizer: Any, pieces: list[list[Token]], most: int, skip: int | None, penultimate: bool
) -> tuple[Any, Any]:
    """Return hidden states of all pieces in a row, filled up with empty ones, and the pooled vector of the first.

    A token of weight w stands w times as far from what an empty prompt has in its place.
    """
    import torch

    padded = [*pieces, *([[]] * (most - len(pieces)))]
    rows = [_row(tokenizer, [number for number, _ in piece]) for piece in padded]
    output = encoder(torch.tensor(rows, device=encoder.device), output_hidden_states=True)
    hidden = _hidden(encoder, output, skip, penultimate)
    counts = torch.ones(hidden.shape[:2], dtype=hidden.dtype, device=hidden.device)
    for index, piece in enumerate(padded):
        counts[index, 1 : 1 + len(piece)] = torch.tensor([weight for _, weight in piece]).to(counts)
    if bool((counts != 1).any()):
        empty = encoder(torch.tensor([_row(tokenizer, [])], device=encoder.device), output_hidden_states=True)
        base = _hidden(encoder, empty, skip, penultimate)
        hidden = torch.where(counts[..., None] == 1, hidden, base + (hidden - base) * counts[..., None])
    return hidden.reshape(1, -1, hidden.shape[-1]), output[0][:1]


def _row(tokenizer: Any, ids: list[int]) -> list[int]:
    row = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id]
    return row + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(row))


def _hidden(encoder: Any, output: Any, skip: int | None, penultimate: bool) -> Any:
    if penultimate:
        return output.hidden_states[-(2 + (skip or 0))]
    if skip:
        return getattr(encoder, "text_model", encoder).final_layer_norm(output.hidden_states[-(1 + skip)])
    return output[0]
