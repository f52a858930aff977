"""A byte-pair tokenizer in CLIP's format in which every word of the grammar is one token."""

import json
from pathlib import Path
from random import Random

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from . import words
from .captions import caption
from .phrases import plural
from .scenes import sample_scene

LENGTH = 40
"""Tokens per prompt; shorter ones are padded with the end token, longer ones are cut."""
_PATTERN = r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
START, END = "<|startoftext|>", "<|endoftext|>"


def corpus(seed: int = 3, count: int = 20_000) -> list[str]:
    """Captions, and all lists of words so that rare ones are not missed."""
    rng = Random(seed)
    lines = [caption(sample_scene(rng), rng)[0] for _ in range(count)]
    for value in (value for name, value in vars(words).items() if name.isupper()):
        if isinstance(value, dict):
            lines += [
                w for entry in value.values() for w in ([entry] if isinstance(entry, str) else entry)
            ] * 60
        elif isinstance(value, tuple):
            lines += list(value) * 60
    lines += [plural(noun) for nouns in words.THING_WORDS.values() for noun in nouns] * 60
    return lines


def build_tokenizer(folder: Path) -> CLIPTokenizer:
    """Learn the merges from captions and save `folder` as a CLIP tokenizer."""
    learner = Tokenizer(models.BPE(unk_token=END, end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(_PATTERN), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    trainer = trainers.BpeTrainer(
        vocab_size=4000, min_frequency=6, end_of_word_suffix="</w>", show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    learner.train_from_iterator(corpus(), trainer)
    model = json.loads(learner.to_str())["model"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [tuple(m) for m in model["merges"]]
    names = [*letters, *(c + "</w>" for c in letters), *("".join(m) for m in merges), START, END]
    vocab = {name: k for k, name in enumerate(dict.fromkeys(names))}
    tokenizer = CLIPTokenizer(
        vocab=vocab,
        merges=merges,
        model_max_length=LENGTH,
        pad_token=END,
        bos_token=START,
        eos_token=END,
        unk_token=END,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer
