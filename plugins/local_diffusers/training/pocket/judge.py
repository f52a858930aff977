"""A network that reads pictures: what things, which colours, where, on what background.

It is trained on drawings only and used to measure the pocket model; it does not ship.
"""

from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .backdrops import BACKGROUNDS
from .loop import Loop
from .palette import COLORS
from .profiles import Profile
from .scenes import RELATIONS, SIZE, THINGS, Scene, render, sample_scene
from .vae_stage import to_tensor

FIELDS: dict[str, tuple[str, ...]] = {
    "background": BACKGROUNDS, "relation": ("none", *RELATIONS), "kind1": THINGS, "color1": tuple(COLORS),
    "kind2": ("none", *THINGS), "color2": ("none", *COLORS),
}  # fmt: skip
"""What the judge names; slot 1 is the left or upper thing."""


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


def _down(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())


class Judge(nn.Module):
    """Reads 128 px pictures in -1..1: class logits for `FIELDS` and (x, y, width) of both things, in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = [len(v) for v in FIELDS.values()]
        self.trunk = nn.Sequential(
            _down(3, 24), _down(24, 48), _Block(48), _down(48, 80), _Block(80), _down(80, 128), _Block(128),
            nn.Conv2d(128, 48, 1), nn.Flatten(), nn.Linear(48 * 64, 384), nn.ReLU(), nn.Linear(384, sum(self.sizes) + 6),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Class logits for every field, and (n, 6) places."""
        out = self.trunk(x).float()
        logits = out[:, :-6].split(self.sizes, dim=1)
        return list(logits), out[:, -6:]


def truth(scene: Scene) -> tuple[list[int], list[float]]:
    """What the judge should say about a scene."""
    first, second = scene.things[0], scene.things[1] if len(scene.things) == 2 else None
    names = {
        "background": scene.background, "relation": scene.relation or "none", "kind1": first.kind, "color1": first.color,
        "kind2": second.kind if second else "none", "color2": second.color if second else "none",
    }  # fmt: skip
    places = [v / SIZE for thing in (first, second or first) for v in (thing.x, thing.y, thing.width)]
    return [values.index(names[name]) for name, values in FIELDS.items()], places


def _batch(rng: Random, size: int) -> tuple[Tensor, Tensor, Tensor]:
    scenes = [sample_scene(rng, held_out=rng.random() < 0.15) for _ in range(size)]
    x = to_tensor(np.stack([np.asarray(render(scene)[0]) for scene in scenes]))
    labels, places = zip(*map(truth, scenes), strict=True)
    return x, torch.tensor(labels), torch.tensor(places)


def _spoil(x: Tensor) -> Tensor:
    """A little blur and noise, so that the judge reads shapes and not the pen's sharpness."""
    mix = torch.rand(len(x), 1, 1, 1, device=x.device) * 0.7
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x + mix * (soft - x) + 0.06 * torch.rand(len(x), 1, 1, 1, device=x.device) * torch.randn_like(x)


def train_judge(out: Path, profile: Profile) -> Judge:
    """Train (or resume) the judge; saves `out/judge_done.pt` and prints how well it reads new drawings."""
    judge = Judge().to(profile.device, memory_format=torch.channels_last)
    done = out / "judge_done.pt"
    if done.exists():
        judge.load_state_dict(torch.load(done, map_location=profile.device, weights_only=True))
        return judge.eval()
    loop = Loop(judge, out / "judge.pt", profile.judge_minutes, rate=2e-3, ema=0.99)
    rng = Random(loop.step + 21)
    judge.train()
    for _ in loop.steps():
        x, labels, places = _batch(rng, 48)
        with torch.autocast(profile.device, torch.bfloat16):
            logits, spots = judge(_spoil(x).to(profile.device, memory_format=torch.channels_last))
        losses = [F.cross_entropy(part, labels[:, k].to(profile.device)) for k, part in enumerate(logits)]
        loop.learn(
            torch.stack(losses).sum() + 5 * F.smooth_l1_loss(spots, places.to(profile.device), beta=0.05)
        )
    judge.eval()
    torch.save(judge.state_dict(), done)
    print(
        "judge on new drawings:", {k: f"{v:.2%}" for k, v in judge_score(judge).items()}, f"{loop.step} steps"
    )
    return judge


@torch.no_grad()
def judge_score(judge: Judge, count: int = 1000) -> dict[str, float]:
    """Share of right answers on new drawings, by field."""
    device, right = next(judge.parameters()).device, []
    rng = Random(4321)
    for _ in range(max(1, count // 50)):
        x, labels, _ = _batch(rng, 50)
        logits, _ = judge(x.to(device))
        right.append(torch.stack([p.argmax(1) for p in logits], 1).cpu() == labels)
    all_right = torch.cat(right)
    scores = dict(zip(FIELDS, all_right.float().mean(0).tolist(), strict=True))
    return {**scores, "everything": float(all_right.all(1).float().mean())}
