"""Stage 5: train the decoder alone a little longer, on latents with the errors that sampling makes.

The encoder stays as it is, so the latents keep their meaning and the diffusion model needs no change.
"""

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from .loop import Loop
from .profiles import Profile
from .vae_stage import picture_loss, pictures, psnr, to_tensor


def polish_decoder(out: Path, profile: Profile) -> AutoencoderKL:
    """Train (or resume) the decoder of `out/vae` on whole pictures; saves it there."""
    folder = out / "vae"
    vae = AutoencoderKL.from_pretrained(folder).to(profile.device, memory_format=torch.channels_last)
    quality = json.loads((folder / "quality.json").read_text())
    if "polished_psnr_db" in quality:
        return vae.eval()
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    loop = Loop(vae, out / "polish.pt", profile.polish_minutes, rate=6e-4, ema=0.998)
    data, rng = pictures(profile.vae_scenes, seed=3), np.random.default_rng(loop.step + 31)
    for _ in loop.steps():
        x = to_tensor(data[rng.integers(0, len(data), max(1, profile.vae_batch // 4))])
        x = x.to(profile.device, memory_format=torch.channels_last)
        with torch.no_grad():
            z = vae.encode(x).latent_dist.mode()
        # Errors of sampling differ from picture to picture; latents have unit variance here.
        level = 0.25 * torch.rand(len(z), 1, 1, 1, device=z.device)
        loop.learn(picture_loss(vae.decode(z + level * torch.randn_like(z)).sample, x))
    loop.average.copy_to(vae)
    quality["polished_psnr_db"] = round(psnr(vae.eval(), pictures(min(256, profile.vae_scenes), seed=2)), 2)
    vae.save_pretrained(folder)
    (folder / "quality.json").write_text(json.dumps(quality))
    print(f"decoder polished: {quality['polished_psnr_db']} dB")
    return vae
