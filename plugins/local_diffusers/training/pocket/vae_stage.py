"""Stage 2: the autoencoder between 128 px pictures and 16 x 16 latents."""

import json
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional as F

from .loop import Loop
from .profiles import Profile
from .scenes import render, sample_scene

CHANNELS = 12
"""Latent channels."""
FACTOR = 8
"""Pixels per latent, in each direction."""
CROP = 64


def build_vae() -> AutoencoderKL:
    """An untrained autoencoder whose residual branches start at zero."""
    widths = (16, 32, 64, 96)
    vae = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=CHANNELS, sample_size=128, block_out_channels=widths,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1,
        norm_num_groups=8, mid_block_add_attention=False, scaling_factor=1.0, force_upcast=False,
    )  # fmt: skip
    for name, module in vae.named_modules():
        if isinstance(module, nn.Conv2d):
            if name.endswith("conv2"):
                nn.init.zeros_(module.weight)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return vae


def pictures(count: int, seed: int) -> np.ndarray:
    """`count` drawn scenes as uint8, (count, 128, 128, 3)."""
    rng = Random(seed)
    return np.stack([np.asarray(render(sample_scene(rng))[0]) for _ in range(count)])


def to_tensor(batch: np.ndarray) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) in -1..1."""
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def _edges(x: Tensor) -> Tensor:
    """How close to an edge each pixel is, 0 to 1."""
    spread = F.max_pool2d(x, 3, 1, 1) + F.max_pool2d(-x, 3, 1, 1)
    return spread.amax(1, keepdim=True).clamp(max=1)


def picture_loss(y: Tensor, x: Tensor) -> Tensor:
    """Absolute and squared error, pixels near edges counted three times."""
    error = y.float() - x
    return ((error.abs() + 2 * error.square()) * (1 + 2 * _edges(x))).mean()


def _batch(data: np.ndarray, rng: np.random.Generator, size: int, crops: bool) -> Tensor:
    if not crops:
        return to_tensor(data[rng.integers(0, len(data), max(1, size // 4))])
    starts = rng.integers(0, 128 - CROP + 1, (size, 2))
    rows = rng.integers(0, len(data), size)
    return to_tensor(
        np.stack([data[r, y : y + CROP, x : x + CROP] for r, (y, x) in zip(rows, starts, strict=True)])
    )


def psnr(vae: AutoencoderKL, data: np.ndarray) -> float:
    """Reconstruction quality over pictures in dB (peak 2 for values in -1..1)."""
    errors = []
    with torch.no_grad():
        for k in range(0, len(data), 16):
            x = to_tensor(data[k : k + 16]).to(vae.device)
            y = vae.decode(vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
            errors.append((y - x).square().mean((1, 2, 3)))
    return float(10 * torch.log10(4 / torch.cat(errors).mean()))


def train_vae(out: Path, profile: Profile) -> AutoencoderKL:
    """Train (or resume) the autoencoder, fold the latent normalisation into it, save it to `out/vae`."""
    vae = build_vae().to(profile.device, memory_format=torch.channels_last)
    loop = Loop(vae, out / "vae.pt", profile.vae_minutes, rate=2e-3, ema=0.998)
    data, rng = pictures(profile.vae_scenes, seed=1), np.random.default_rng(loop.step + 11)
    for _ in loop.steps():
        x = _batch(data, rng, profile.vae_batch, crops=loop.progress < 0.6)
        x = x.to(profile.device, memory_format=torch.channels_last)
        z = vae.encode(x).latent_dist.mean
        # Noise relative to the spread of each channel: the decoder learns to shrug off small sampling errors.
        spread = z.detach().std((0, 2, 3), keepdim=True)
        y = vae.decode(z + 0.1 * spread * torch.randn_like(z)).sample
        loop.learn(picture_loss(y, x) + 1e-3 * z.square().mean())
    loop.average.copy_to(vae)
    vae.eval()
    normalise(vae, data[:1024])
    quality = psnr(vae, pictures(min(256, profile.vae_scenes), seed=2))
    vae.save_pretrained(out / "vae")
    (out / "vae" / "quality.json").write_text(json.dumps({"psnr_db": round(quality, 2), "steps": loop.step}))
    print(f"autoencoder: {quality:.2f} dB after {loop.step} steps")
    return vae


@torch.no_grad()
def normalise(vae: AutoencoderKL, data: np.ndarray) -> None:
    """Make every latent channel zero-mean and unit-variance by changing the two quant convolutions."""
    latents = torch.cat(
        [
            vae.encode(to_tensor(data[k : k + 32]).to(vae.device)).latent_dist.mean
            for k in range(0, len(data), 32)
        ]
    )
    mean, std = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    quant, post = vae.quant_conv, vae.post_quant_conv
    post.bias += (post.weight[:, :, 0, 0] * mean).sum(1)
    post.weight *= std[None, :, None, None]
    quant.weight[:CHANNELS] /= std[:, None, None, None]
    quant.bias[:CHANNELS] = (quant.bias[:CHANNELS] - mean) / std
    # Almost no variance: sampling from the posterior, as image-to-image does, is the same as its mean.
    quant.weight[CHANNELS:] = 0
    quant.bias[CHANNELS:] = -20.0
