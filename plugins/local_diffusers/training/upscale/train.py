"""Train `local:pocket-upscale` from nothing on one core: `python -m upscale.train --out RUN --minutes 6`."""

import argparse
import time
from pathlib import Path
from random import Random

import torch
from diorama_local_diffusers.upscale.networks import Shape, build
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from .data import SCALE, crops, large_picture, small_picture, tensor

SHAPE = Shape("compact", SCALE, features=24, depth=8)
TRAINING, HELD_OUT = range(600), range(10_000, 10_040)
BATCH, SIDE, RATE = 16, 24, 2e-3


def pairs(seeds: range) -> list[tuple[Tensor, Tensor]]:
    """Small and large tensors of scenes."""
    made = []
    for seed in tqdm(seeds, desc="scenes", unit="scene"):
        large = large_picture(seed)
        made.append((tensor(small_picture(large, Random(seed))), tensor(large)))
    return made


def train(network: nn.Module, state: Path, minutes: float) -> None:
    """Spend what is left of `minutes`; the learning rate falls to nothing at their end."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.99))
    spent, rng = 0.0, Random(0)
    if state.exists():
        kept = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        spent, rng = kept["spent"], Random(int(kept["spent"]))
    data = pairs(TRAINING)
    bar = tqdm(total=round(60 * minutes), initial=round(spent), unit="s", desc="upscale")
    last, saved = time.monotonic(), spent
    while spent < 60 * minutes:
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - spent / (60 * minutes)) ** 0.7
        small, large = crops(data, BATCH, SIDE, rng)
        loss = F.l1_loss(network(small), large)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        now = time.monotonic()
        spent, last = spent + now - last, now
        bar.n = round(spent)
        bar.set_postfix(loss=f"{loss.item():.4f}")
        if spent - saved > 30 or spent >= 60 * minutes:
            saved = spent
            torch.save(
                {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "spent": spent}, state
            )
    bar.close()


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Decibels; higher is nearer."""
    return float(-10 * torch.log10(((made.clamp(0, 1) - wanted) ** 2).mean()))


def report(network: nn.Module) -> None:
    """Compare with bicubic enlargement on scenes that were not trained on, made small without noise."""
    ours, bicubic = [], []
    with torch.inference_mode():
        for seed in HELD_OUT:
            large = large_picture(seed)
            small = tensor(large.reduce(SCALE))[None]
            wanted = tensor(large)[None]
            ours.append(psnr(network(small), wanted))
            bicubic.append(psnr(F.interpolate(small, scale_factor=SCALE, mode="bicubic"), wanted))
    print(f"PSNR: this network {sum(ours) / len(ours):.2f} dB, bicubic {sum(bicubic) / len(bicubic):.2f} dB")


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the result")
    parser.add_argument("--minutes", type=float, default=6, help="training time")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    options.out.mkdir(parents=True, exist_ok=True)
    network = build(SHAPE).train()
    train(network, options.out / "state.pt", options.minutes)
    result = options.out / "pocket-upscale.safetensors"
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, result)
    report(network.eval())
    print(f"{result}: {result.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
