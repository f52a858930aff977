"""Stage 3: the scenes of the diffusion stage, encoded once."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from .loop import save_atomically
from .profiles import Profile
from .scenes import Scene, render, sample_scene
from .vae_stage import FACTOR, to_tensor

_CHUNK = 2048
_SEED = 1000


@dataclass
class Encoded:
    """Latents (n, c, 16, 16) in half precision, loss weights (n, 1, 16, 16) and the scenes they show."""

    latents: Tensor
    weights: Tensor
    scenes: list[Scene]


def _scenes(count: int) -> list[Scene]:
    rng = Random(_SEED)
    return [sample_scene(rng) for _ in range(count)]


def object_weights(mask: np.ndarray) -> Tensor:
    """5 where a latent touches a thing or is next to one, 1 elsewhere; `mask` is (n, 128, 128)."""
    touched = F.max_pool2d(torch.from_numpy(mask).float()[:, None], FACTOR)
    near = F.max_pool2d(touched, 3, 1, 1)
    return 1 + 2 * touched + 2 * near


@torch.no_grad()
def encode_scenes(out: Path, profile: Profile, vae: AutoencoderKL) -> Encoded:
    """Encode all scenes (or read them from `out/latents`, part by part, after an interruption)."""
    scenes = _scenes(profile.scenes)
    parts: list[tuple[Tensor, Tensor]] = []
    for start in tqdm(range(0, len(scenes), _CHUNK), desc="latents", unit="part"):
        path = out / "latents" / f"{start:06d}.pt"
        if not path.exists():
            save_atomically(_encode(vae, scenes[start : start + _CHUNK]), path)
        parts.append(tuple(torch.load(path, weights_only=True)))
    return Encoded(torch.cat([z for z, _ in parts]), torch.cat([w for _, w in parts]), scenes)


def _encode(vae: AutoencoderKL, scenes: list[Scene]) -> tuple[Tensor, Tensor]:
    latents, weights = [], []
    for k in range(0, len(scenes), 32):
        drawn = [render(scene) for scene in scenes[k : k + 32]]
        x = to_tensor(np.stack([np.asarray(picture) for picture, _ in drawn])).to(
            vae.device, memory_format=torch.channels_last
        )
        latents.append(vae.encode(x).latent_dist.mode().half().cpu())
        weights.append(object_weights(np.stack([mask for _, mask in drawn])).half())
    return torch.cat(latents).contiguous(), torch.cat(weights)
