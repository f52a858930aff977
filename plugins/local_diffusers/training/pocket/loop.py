"""What all stages share: a time budget, learning rate, moving averages, checkpoints and a progress bar."""

import os
import time
from collections.abc import Iterator
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm


def save_atomically(state: Any, path: Path) -> None:
    """Write a checkpoint so that a crash leaves the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, path)


class Average:
    """Exponential moving average of a module's parameters, faster at the start."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.values = [p.detach().clone() for p in module.parameters()]

    def update(self, module: nn.Module) -> None:
        """Move the average towards the current parameters."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.values, [p.detach() for p in module.parameters()], 1 - decay)

    def copy_to(self, module: nn.Module) -> None:
        """Write the average into `module`."""
        with torch.no_grad():
            for parameter, value in zip(module.parameters(), self.values, strict=True):
                parameter.copy_(value)


class Loop:
    """A training loop bounded by minutes of its own running time, resumable from `path`.

    Iterate over `steps()`; call `learn(loss)` once in every step. The learning rate stays at
    `rate` for the share `hold` of the budget and follows a cosine down to a hundredth of it afterwards.
    """

    def __init__(
        self, module: nn.Module, path: Path, minutes: float, rate: float,
        ema: float = 0.999, betas: tuple[float, float] = (0.9, 0.99), decay: float = 0.0, save_every: float = 180.0,
        hold: float = 0.0,
    ) -> None:  # fmt: skip
        self.module, self.path, self.budget = module, path, minutes * 60
        self.rate, self.save_every = rate, save_every
        self.hold = hold
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=rate, betas=betas, weight_decay=decay)
        self.average = Average(module, ema)
        self.step, self.seconds, self.loss = 0, 0.0, 0.0
        if path.exists():
            self._load()

    @property
    def progress(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        return min(1.0, self.seconds / self.budget) if self.budget else 1.0

    def steps(self) -> Iterator[int]:
        """Yield step numbers until the budget is used up; saves now and then and at the end."""
        bar = tqdm(
            total=round(self.budget),
            initial=round(self.seconds),
            desc=self.path.stem,
            unit="s",
            mininterval=5,
        )
        saved = mark = time.monotonic()
        while self.progress < 1:
            yield self.step
            now = time.monotonic()
            self.seconds, mark, self.step = self.seconds + now - mark, now, self.step + 1
            bar.set_postfix(step=self.step, loss=f"{self.loss:.4f}", refresh=False)
            bar.update(round(self.seconds) - bar.n)
            if now - saved > self.save_every:
                self.save()
                saved = time.monotonic()
        self.save()
        bar.close()

    def learn(self, loss: torch.Tensor) -> None:
        """One optimiser step on `loss`."""
        warm = min(1.0, (self.step + 1) / 200)
        late = max(0.0, self.progress - self.hold) / (1 - self.hold)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * cos(pi * late)))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        self.optimizer.step()
        self.average.update(self.module)
        value = loss.item()
        self.loss = value if self.step == 0 else 0.98 * self.loss + 0.02 * value

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "model": self.module.state_dict(), "average": self.average.values, "updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds, "loss": self.loss,
        }  # fmt: skip
        save_atomically(state, self.path)

    def _load(self) -> None:
        state = torch.load(self.path, map_location=next(self.module.parameters()).device, weights_only=True)
        self.module.load_state_dict(state["model"])
        self.average.values, self.average.updates = state["average"], state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.loss = state["step"], state["seconds"], state["loss"]
