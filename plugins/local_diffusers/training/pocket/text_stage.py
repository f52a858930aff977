"""Stage 1: a text encoder that learns what captions state, and is frozen afterwards.

Trained through the diffusion loss alone, a text encoder this small never learns to bind colours to things.
So it first learns to name the attributes of captions; the layers that name them are thrown away.
"""

import json
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .captions import ATTRIBUTES, NONE, Stated, caption
from .loop import Loop
from .profiles import Profile
from .scenes import sample_scene
from .tokenizer import LENGTH, build_tokenizer

WIDTH = 128


class TextWithHeads(nn.Module):
    """The text encoder and two linear readings of it: of the mean of all tokens, and of the last one."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        config = CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=4, num_attention_heads=4,
            max_position_embeddings=LENGTH, hidden_act="gelu", projection_dim=WIDTH, pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        self.encoder = CLIPTextModel(config)
        self.sizes = [len(values) for values in ATTRIBUTES.values()]
        self.heads = nn.ModuleList(nn.Linear(WIDTH, sum(self.sizes)) for _ in range(2))

    def forward(self, ids: Tensor) -> list[Tensor]:
        """Logits of all attributes, one tensor for each of the two readings."""
        hidden = self.encoder(input_ids=ids).last_hidden_state
        readings = (hidden.mean(1), hidden[:, -1])
        if self.training:
            readings = tuple(r + 0.15 * torch.randn_like(r) for r in readings)
        return [head(r) for head, r in zip(self.heads, readings, strict=True)]


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Token ids, padded or cut to `LENGTH`."""
    return tokenizer(
        texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
    ).input_ids


def targets(stated: list[Stated]) -> Tensor:
    """Indices of the stated attributes, (n, number of attributes)."""
    return torch.tensor(
        [[values.index(s.get(name, NONE)) for name, values in ATTRIBUTES.items()] for s in stated]
    )


def captions_batch(tokenizer: CLIPTokenizer, rng: Random, size: int) -> tuple[Tensor, Tensor]:
    """Random captions (of all pairs: text is free) as ids and targets."""
    pairs = [caption(sample_scene(rng, held_out=rng.random() < 0.15), rng) for _ in range(size)]
    return tokenize(tokenizer, [text for text, _ in pairs]), targets([stated for _, stated in pairs])


def read(model: TextWithHeads, ids: Tensor) -> Tensor:
    """Most probable value of every attribute."""
    logits = sum(model(ids))
    return torch.stack([part.argmax(1) for part in logits.split(model.sizes, dim=1)], dim=1)


def train_text(out: Path, profile: Profile) -> CLIPTextModel:
    """Train (or resume) the text stage; saves `out/tokenizer` and `out/text_encoder`."""
    folder = out / "tokenizer"
    tokenizer = CLIPTokenizer.from_pretrained(folder) if folder.exists() else build_tokenizer(folder)
    model = TextWithHeads(tokenizer).to(profile.device)
    loop = Loop(
        model, out / "text.pt", profile.text_minutes, rate=1.5e-3, ema=0.99, betas=(0.9, 0.98), decay=0.01
    )
    rng = Random(loop.step + 5)
    model.train()
    for _ in loop.steps():
        ids, truth = (t.to(profile.device) for t in captions_batch(tokenizer, rng, profile.text_batch))
        losses = [
            F.cross_entropy(part, truth[:, k])
            for logits in model(ids)
            for k, part in enumerate(logits.split(model.sizes, 1))
        ]
        loop.learn(torch.stack(losses).sum())
    loop.average.copy_to(model)
    model.eval()
    exact, each = score(model, tokenizer, profile)
    model.encoder.save_pretrained(out / "text_encoder")
    torch.save(model.state_dict(), out / "text_heads.pt")
    (out / "text_encoder" / "quality.json").write_text(
        json.dumps({"exact": exact, **each, "steps": loop.step}, indent=1)
    )
    print(f"text: {exact:.2%} of new captions read without any error after {loop.step} steps; {each}")
    return model.encoder


@torch.no_grad()
def score(model: TextWithHeads, tokenizer: CLIPTokenizer, profile: Profile) -> tuple[float, dict[str, float]]:
    """Share of new captions read without any error, and per attribute."""
    ids, truth = captions_batch(tokenizer, Random(77), 1024 if profile.text_minutes > 1 else 64)
    right = read(model, ids.to(profile.device)).cpu() == truth
    each = dict(zip(ATTRIBUTES, right.float().mean(0).tolist(), strict=True))
    return float(right.all(1).float().mean()), {name: round(value, 4) for name, value in each.items()}
