"""Small workflows in API form, which the stand-in can run."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

TEXT_TO_IMAGE: Json = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red apple", "clip": ["4", 1]}, "_meta": {"title": "Prompt"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}, "_meta": {"title": "Negative"}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["4", 0], "seed": 9, "steps": 3, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal",
            "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0], "denoise": 1.0,
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "sd15"}},
}  # fmt: skip

UPSCALE: Json = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "x2.pth"}},
    "3": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["2", 0], "image": ["1", 0]}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "large"}},
}

IMAGE_TO_VIDEO: Json = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 5}},
    "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 8.0}},
    "4": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["3", 0], "filename_prefix": "clip", "format": "auto", "format.codec": "auto"},
    },
}

TEXT_TO_SOUND: Json = {
    "4": TEXT_TO_IMAGE["4"],
    "5": {"class_type": "EmptyLatentAudio", "inputs": {"seconds": 2.0, "batch_size": 1}},
    "6": TEXT_TO_IMAGE["6"],
    "7": TEXT_TO_IMAGE["7"],
    "3": TEXT_TO_IMAGE["3"],
    "8": {"class_type": "VAEDecodeAudio", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveAudio", "inputs": {"audio": ["8", 0], "filename_prefix": "song"}},
}

SOUND_TO_SOUND: Json = {
    "1": {"class_type": "LoadAudio", "inputs": {"audio": "voice.wav"}},
    "2": {"class_type": "AudioAdjustVolume", "inputs": {"audio": ["1", 0], "volume": -6}},
    "3": {
        "class_type": "SaveAudioMP3",
        "inputs": {"audio": ["2", 0], "filename_prefix": "quiet", "quality": "V0"},
    },
}

INVERT: Json = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "negative"}},
}
