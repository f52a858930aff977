"""Stage 4: the diffusion model that turns noise and a caption into latents."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from .captions import caption
from .latents import Encoded
from .loop import Loop
from .profiles import Profile
from .text_stage import WIDTH, tokenize
from .vae_stage import CHANNELS

SCHEDULE = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "steps_offset": 1,
}  # fmt: skip
"""Noise schedule, in training and in the shipped scheduler."""
EMPTY_SHARE = 0.1
PAIR_SHARE = 0.75
"""Share of pictures with two things: they are learned last, so they are shown more often than they are drawn."""


def build_unet() -> UNet2DConditionModel:
    """An untrained UNet for 16 x 16 latents; the pooled text also goes into the time embedding."""
    return UNet2DConditionModel(
        sample_size=16, in_channels=CHANNELS, out_channels=CHANNELS, layers_per_block=1, block_out_channels=(96, 128, 144),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH, attention_head_dim=4, norm_num_groups=8, resnet_time_scale_shift="scale_shift",
        addition_embed_type="text", addition_embed_type_num_heads=4,
    )  # fmt: skip


def sampler() -> DPMSolverMultistepScheduler:
    """The scheduler that ships with the model: DPM-Solver++ (2M)."""
    return DPMSolverMultistepScheduler(
        **SCHEDULE, algorithm_type="dpmsolver++", solver_order=2, lower_order_final=True
    )


class Captions:
    """Token ids of captions for encoded scenes, made in the order in which scenes are drawn."""

    def __init__(self, encoded: Encoded, tokenizer: CLIPTokenizer, seed: int) -> None:
        self.encoded, self.tokenizer, self.rng = encoded, tokenizer, Random(seed)
        self.order = np.random.default_rng(seed)
        self.empty = tokenize(tokenizer, [""])[0]

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Endless (latents, weights, token ids), in random order."""
        pairs = np.array([len(scene.things) == 2 for scene in self.encoded.scenes])
        chance = np.where(pairs, PAIR_SHARE / max(1, pairs.sum()), (1 - PAIR_SHARE) / max(1, (~pairs).sum()))
        while True:
            rows = self.order.choice(len(pairs), len(pairs), p=chance / chance.sum())
            for k in range(0, len(rows) - size + 1, size):
                chosen = torch.from_numpy(rows[k : k + size])
                ids = tokenize(
                    self.tokenizer, [caption(self.encoded.scenes[r], self.rng)[0] for r in chosen.tolist()]
                )
                ids[torch.rand(size) < EMPTY_SHARE] = self.empty
                yield self.encoded.latents[chosen].float(), self.encoded.weights[chosen].float(), ids


def train_unet(
    out: Path, profile: Profile, text: CLIPTextModel, encoded: Encoded, look: Callable[[int], None] | None = None,
) -> UNet2DConditionModel:  # fmt: skip
    """Train (or resume) the diffusion model; saves `out/unet`. `look(samples)` is called after every checkpoint
    that doubles the samples seen, to draw a grid."""
    unet = build_unet().to(profile.device)
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
    path, rate = out / "unet.pt", profile.unet_rate
    loop = Loop(unet, path, profile.unet_minutes, rate, ema=0.999, save_every=120, hold=0.75)
    text = text.to(profile.device).eval().requires_grad_(False)
    noise = DDIMScheduler(**SCHEDULE)
    source = Captions(encoded, tokenizer, seed=loop.step + 7).batches(profile.batch)
    unet.train()
    looked = loop.step
    for _ in loop.steps():
        if look and loop.step * profile.batch >= 25_000 and loop.step >= 2 * looked:
            loop.save()
            look(loop.step * profile.batch)
            looked = loop.step
        x, weight, ids = (t.to(profile.device) for t in next(source))
        with torch.autocast(profile.device, torch.bfloat16):
            with torch.no_grad():
                hidden = text(input_ids=ids).last_hidden_state
            loop.learn(
                diffusion_loss(unet, noise, x, weight, hidden, power=0.45 if loop.progress < 0.75 else 0.65)
            )
    loop.average.copy_to(unet)
    unet.eval().save_pretrained(out / "unet")
    print(f"diffusion: {loop.step * profile.batch} samples, loss {loop.loss:.4f}")
    return unet


def diffusion_loss(
    unet: UNet2DConditionModel, noise: DDIMScheduler, x: Tensor, weight: Tensor, hidden: Tensor, power: float
) -> Tensor:
    """Weighted squared error of the velocity. The smaller `power`, the more noisy steps are drawn.

    What is drawn where is decided in the noisy steps (above t = 500 the text lowers the error by up to a
    half, below it hardly does), so most of the training goes there, and the last part to edges and flat areas.
    Steps are spread evenly over the batch: the gradient varies less than with independent ones.
    """
    even = (torch.arange(len(x), device=x.device) + torch.rand(len(x), device=x.device)) / len(x)
    t = (1000 * even.pow(power)).long().clamp(max=999)
    eps = torch.randn_like(x)
    v = unet(noise.add_noise(x, eps, t), t, encoder_hidden_states=hidden).sample.float()
    error = (v - noise.get_velocity(x, eps, t)).square()
    return (error * weight).mean() / weight.mean()
