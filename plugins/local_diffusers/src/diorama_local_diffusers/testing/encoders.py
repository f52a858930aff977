"""Tiny text and vision encoders."""

from __future__ import annotations

from typing import Any

from diorama_local_diffusers.testing.tokenizers import WIDTH, clip_tokenizer


def clip_text(projection: int = 0) -> Any:
    """Return a CLIP text encoder; with ``projection`` the class that also gives a pooled vector of that width."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    size = len(clip_tokenizer())
    config = CLIPTextConfig(
        vocab_size=size,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        projection_dim=projection or WIDTH,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
        max_position_embeddings=77,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)
