"""Measure a pocket model: 500 prompts that it was not trained on, read by the judge, beside real drawings.

    python -m pocket.evaluate --model FOLDER --out RUN

The judge of the run folder is used, and trained first when there is none.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from .captions import caption
from .free_prompts import FREE, asked
from .judge import FIELDS, Judge, judge_score, train_judge
from .profiles import PROFILES
from .sampling import GUIDANCE, STEPS, draw
from .scenes import POSITIONS, render, sample_scene
from .vae_stage import to_tensor

_NAMED = frozenset({"kind1", "color1", "kind2", "color2", "relation", "background", "position"})


@dataclass(frozen=True)
class Question:
    """A prompt, what it asks for, and a real drawing of it (free prompts have none)."""

    prompt: str
    asked: dict[str, str]
    drawing: Image.Image | None = None


def questions(scale: float = 1.0) -> dict[str, list[Question]]:
    """The sets of prompts; `scale` shrinks them for quick looks."""
    free = [Question(prompt, asked(spec)) for prompt, spec in FREE]
    return {
        "one thing": _drawn(round(120 * scale), 51, pairs=0.0, held_out=0.0),
        "one thing, colour never seen on it": _drawn(round(120 * scale), 52, pairs=0.0, held_out=1.0),
        "two things": _drawn(round(160 * scale), 53, pairs=1.0, held_out=0.3),
        "worded by hand": (free * 2)[: round(100 * scale)],
    }


def _drawn(count: int, seed: int, pairs: float, held_out: float) -> list[Question]:
    rng, made = Random(seed * 1_000_003), list[Question]()
    while len(made) < count:
        scene = sample_scene(rng, held_out=rng.random() < held_out, pairs=pairs)
        text, stated = caption(scene, rng, changes=False)
        wanted = {name: value for name, value in stated.items() if name in _NAMED and value != "none"}
        made.append(Question(text, wanted, render(scene)[0]))
    return made


@torch.no_grad()
def read_pictures(judge: Judge, images: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """What the judge sees in pictures: `FIELDS`, and `spots` = (x, y, width) of both things."""
    seen: list[dict[str, Any]] = []
    for k in range(0, len(images), 50):
        logits, spots = judge(to_tensor(np.stack([np.asarray(i.convert("RGB")) for i in images[k : k + 50]])))
        names = [
            [values[j] for j in part.argmax(1).tolist()]
            for part, values in zip(logits, FIELDS.values(), strict=True)
        ]
        for row, spot in zip(zip(*names, strict=True), spots.tolist(), strict=True):
            seen.append({**dict(zip(FIELDS, row, strict=True)), "spots": spot})
    return seen


def verdict(wanted: dict[str, str], seen: dict[str, Any]) -> dict[str, bool]:
    """Which of the asked attributes a picture shows."""
    right: dict[str, bool] = {}
    for name in ("kind", "color"):
        fields = [f for f in (f"{name}1", f"{name}2") if f in wanted]
        if fields:
            right[{"kind": "shape", "color": "colour"}[name]] = all(seen[f] == wanted[f] for f in fields)
    if "background" in wanted:
        right["background"] = seen["background"] == wanted["background"]
    if "position" in wanted:
        x, y = POSITIONS[wanted["position"]]
        right["place"] = abs(seen["spots"][0] - x) < 0.13 and abs(seen["spots"][1] - y) < 0.13
    if "relation" in wanted:
        right["both with places"] = (
            right["shape"] and right.get("colour", True) and seen["relation"] == wanted["relation"]
        )
    return right


def shares(asked_for: Sequence[dict[str, str]], seen: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Share of pictures that are right, for each attribute, among those that ask for it."""
    verdicts = [verdict(w, s) for w, s in zip(asked_for, seen, strict=True)]
    names = ("colour", "shape", "background", "place", "both with places")
    found = {name: [v[name] for v in verdicts if name in v] for name in names}
    return {name: round(sum(v) / len(v), 4) for name, v in found.items() if v}


def evaluate(
    pipe: StableDiffusionPipeline, judge: Judge, scale: float = 1.0, **options: Any
) -> dict[str, Any]:
    """The table: for every set, and for all together, shares right of the model and of real drawings."""
    table: dict[str, Any] = {}
    all_wanted: list[dict[str, str]] = []
    real_wanted: list[dict[str, str]] = []
    all_seen: list[dict[str, Any]] = []
    real_seen: list[dict[str, Any]] = []
    for number, (name, items) in enumerate(questions(scale).items()):
        wanted = [q.asked for q in items]
        seen = read_pictures(
            judge, draw(pipe, [q.prompt for q in items], seed=10_000 * (number + 1), **options)
        )
        table[name] = {"prompts": len(items), "model": shares(wanted, seen)}
        all_wanted, all_seen = all_wanted + wanted, all_seen + seen
        if items and items[0].drawing is not None:
            real = read_pictures(judge, [q.drawing for q in items if q.drawing])
            table[name]["drawings"] = shares(wanted, real)
            real_wanted, real_seen = real_wanted + wanted, real_seen + real
    table["all"] = {
        "prompts": len(all_seen),
        "model": shares(all_wanted, all_seen),
        "drawings": shares(real_wanted, real_seen),
    }
    return table


def seconds_per_picture(
    pipe: StableDiffusionPipeline, steps: int, guidance: float, runs: int = 5
) -> tuple[float, float]:
    """Best wall time of one picture: the pipeline, and a bare loop of the same networks."""
    prompt, whole, bare = "a red ball on a white background", [], []
    for _ in range(runs):
        start = time.perf_counter()
        pipe(
            prompt,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(0),
        )
        whole.append(time.perf_counter() - start)
        start = time.perf_counter()
        _bare(pipe, prompt, steps, guidance)
        bare.append(time.perf_counter() - start)
    return min(whole), min(bare)


@torch.no_grad()
def _bare(pipe: StableDiffusionPipeline, prompt: str, steps: int, guidance: float) -> torch.Tensor:
    length = pipe.tokenizer.model_max_length
    ids = pipe.tokenizer(
        ["", prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    hidden = pipe.text_encoder(ids).last_hidden_state
    pipe.scheduler.set_timesteps(steps)
    config = pipe.unet.config
    x = torch.randn(
        1,
        config.in_channels,
        config.sample_size,
        config.sample_size,
        generator=torch.Generator().manual_seed(0),
    )
    for t in pipe.scheduler.timesteps:
        empty, full = pipe.unet(torch.cat([x, x]), t, encoder_hidden_states=hidden).sample.chunk(2)
        x = pipe.scheduler.step(empty + guidance * (full - empty), t, x).prev_sample
    return pipe.vae.decode(x / pipe.vae.config.scaling_factor).sample


def as_text(table: dict[str, Any]) -> str:
    """The table as Markdown; each cell: model / real drawings."""
    columns = ("colour", "shape", "background", "place", "both with places")
    lines = ["| prompts | n | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, row in table.items():
        cells = []
        for column in columns:
            model, real = row["model"].get(column), row.get("drawings", {}).get(column)
            cells.append(
                "-" if model is None else f"{model:.1%}" + (f" / {real:.1%}" if real is not None else "")
            )
        lines.append(f"| {name} | {row['prompts']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of the pipeline")
    parser.add_argument("--out", type=Path, required=True, help="run folder, holds the judge")
    parser.add_argument("--profile", choices=PROFILES, default="cpu")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the 500 prompts")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    judge = train_judge(args.out, PROFILES[args.profile]).cpu()
    pipe = StableDiffusionPipeline.from_pretrained(args.model, torch_dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    table = evaluate(pipe, judge, args.scale, num_inference_steps=args.steps, guidance_scale=args.guidance)
    whole, bare = seconds_per_picture(pipe, args.steps, args.guidance)
    figures = {
        "steps": args.steps, "guidance_scale": args.guidance, "judge_on_drawings": judge_score(judge), "table": table,
        "seconds": {"pipeline": round(whole, 3), "bare_loop": round(bare, 3), "threads": args.threads},
    }  # fmt: skip
    print("Each cell: model / real drawings of the same scenes, both read by the judge.\n" + as_text(table))
    print(
        f"one picture: {whole:.2f} s through the pipeline, {bare:.2f} s in a bare loop ({args.threads} threads)"
    )
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
