"""Train the pocket model from nothing: one command, all stages, resumable.

    python -m pocket.train --profile cpu --out RUN [--export FOLDER]

Stages: text encoder, autoencoder, latents, diffusion model, decoder polish, export, evaluation. Each saves
checkpoints under RUN; run the same command again after an interruption and it goes on where it was. A finished
stage is not repeated; delete its files to do so.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

from .evaluate import as_text, evaluate
from .export import export
from .judge import train_judge
from .latents import encode_scenes
from .polish import polish_decoder
from .profiles import PROFILES, Profile
from .sampling import SHOWN, assemble, draw, grid, half_trained_unet
from .text_stage import train_text
from .unet_stage import train_unet
from .vae_stage import train_vae


def text_encoder(out: Path, profile: Profile) -> CLIPTextModel:
    """The trained text encoder."""
    done = out / "text_encoder" / "quality.json"
    return CLIPTextModel.from_pretrained(done.parent) if done.exists() else train_text(out, profile)


def autoencoder(out: Path, profile: Profile) -> AutoencoderKL:
    """The trained autoencoder."""
    done = out / "vae" / "quality.json"
    vae = AutoencoderKL.from_pretrained(done.parent) if done.exists() else train_vae(out, profile)
    return vae.to(profile.device, memory_format=torch.channels_last).eval()


def look(out: Path, samples: int) -> None:
    """Draw a grid of fixed prompts with the latest checkpoint."""
    unet, _ = half_trained_unet(out)
    folder = out / "grids"
    folder.mkdir(exist_ok=True)
    grid(draw(assemble(out, unet), SHOWN)).save(folder / f"{samples:08d}.png")


def diffusion(out: Path, profile: Profile, text: CLIPTextModel, vae: AutoencoderKL) -> UNet2DConditionModel:
    """The trained diffusion model."""
    if (out / "unet" / "config.json").exists():
        return UNet2DConditionModel.from_pretrained(out / "unet")
    encoded = encode_scenes(out, profile, vae)
    return train_unet(out, profile, text, encoded, look=lambda samples: look(out, samples))


def run(out: Path, profile: Profile, target: Path, scale: float = 1.0) -> None:
    """All stages, then export to `target` and the evaluation of what was exported."""
    out.mkdir(parents=True, exist_ok=True)
    text, vae = text_encoder(out, profile), autoencoder(out, profile)
    diffusion(out, profile, text, vae)
    polish_decoder(out, profile)
    export(out, target)
    judge = train_judge(out, profile).cpu()
    table = evaluate(assemble(out), judge, scale)
    (out / "evaluation.json").write_text(json.dumps(table, indent=1) + "\n")
    print(as_text(table))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", choices=PROFILES, default="cpu")
    parser.add_argument(
        "--out", type=Path, default=Path("pocket-run"), help="folder for checkpoints and grids"
    )
    parser.add_argument("--export", type=Path, help="folder of the finished model (default: OUT/model)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    run(
        args.out,
        PROFILES[args.profile],
        args.export or args.out / "model",
        0.05 if args.profile == "smoke" else 1.0,
    )


if __name__ == "__main__":
    main()
