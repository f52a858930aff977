"""Inputs and outputs of the fal endpoints that the stand-in runs, and their places in the platform listing."""

# ruff: noqa: E501 - the input tables read best on one line

from __future__ import annotations

from dataclasses import dataclass

from .schema import Schema, table

COMMON = "seed int; num_images int(1..4)=1; sync_mode bool=false; enable_safety_checker bool=true; output_format enum(jpeg,png)=jpeg"
STEPS = "num_inference_steps int(1..50)=28; guidance_scale num(1..20)=3.5"
SPEED = "acceleration enum(none,regular,high)=none"
SEEDREAM = (
    "prompt* str; image_size any; num_images int(1..6)=1; max_images int(1..6)=1; "
    "enhance_prompt_mode enum(standard,fast)=standard; seed int; sync_mode bool=false; enable_safety_checker bool=true"
)
WAN = (
    "prompt* str; negative_prompt str; num_frames int(17..161)=81; frames_per_second int(4..60)=16; seed int; "
    "resolution enum(480p,580p,720p)=720p; aspect_ratio enum(16:9,9:16,1:1,auto)=16:9; num_inference_steps int(2..40)=27; "
    "guidance_scale num(1..10)=3.5; guidance_scale_2 num(1..10)=4; shift num(1..10)=5; enable_safety_checker bool=false; "
    "enable_prompt_expansion bool=false; acceleration enum(none,regular)=regular"
)


@dataclass(frozen=True)
class Spec:
    """An endpoint: its input table, what it makes, its listing row and its price."""

    inputs: str
    kind: str = "image"
    key: str = "images"
    category: str = "text-to-image"
    price: tuple[float, str] = (0.03, "image")
    status: str = "active"

    @property
    def schema(self) -> Schema:
        """The JSON schema of the input."""
        return table(self.inputs)


MODELS: dict[str, Spec] = {
    "fal-ai/flux/dev": Spec(
        f"prompt* str; image_size any; {STEPS}; {SPEED}; {COMMON}", price=(0.025, "megapixels")
    ),
    "fal-ai/flux/schnell": Spec(
        f"prompt* str; image_size any; num_inference_steps int(1..12)=4; guidance_scale num=3.5; "
        f"{SPEED}; {COMMON}",
        price=(0.003, "megapixels"),
    ),
    "fal-ai/flux/dev/image-to-image": Spec(
        f"image_url* uri; prompt* str; strength num(0.01..1)=0.95; {STEPS}; {SPEED}; {COMMON}",
        category="image-to-image",
        price=(0.03, "megapixels"),
    ),
    "fal-ai/flux-lora": Spec(
        f"prompt* str; image_size any; loras pairs(path,scale); {STEPS}; {COMMON}",
        price=(0.035, "megapixels"),
    ),
    "fal-ai/flux-lora/image-to-image": Spec(
        f"image_url* uri; prompt* str; image_size any; strength num(0.01..1)=0.85; loras pairs(path,scale); {STEPS}; {COMMON}",
        category="image-to-image",
        price=(0.035, "megapixels"),
    ),
    "fal-ai/qwen-image": Spec(
        f"prompt* str; image_size any; negative_prompt str; loras pairs(path,scale); use_turbo bool=false; {STEPS}; "
        f"{SPEED}; {COMMON}",
        price=(0.02, "megapixels"),
    ),
    "fal-ai/flux-kontext/dev": Spec(
        f"image_url* uri; prompt* str; resolution_mode enum(auto,match_input,1:1,16:9,9:16)=match_input; {STEPS}; {SPEED}; {COMMON}",
        category="image-to-image",
        price=(0.025, "megapixels"),
    ),
    "fal-ai/flux-pro/kontext": Spec(
        "image_url* uri; prompt* str; aspect_ratio enum(21:9,16:9,4:3,3:2,1:1,2:3,3:4,9:16,9:21); guidance_scale num(1..20)=3.5; "
        "safety_tolerance enum(1,2,3,4,5,6)=2; enhance_prompt bool=false; num_images int(1..4)=1; output_format enum(jpeg,png)=jpeg; "
        "seed int; sync_mode bool=false",
        category="image-to-image",
        price=(0.04, "image"),
    ),
    "fal-ai/bytedance/seedream/v4/text-to-image": Spec(SEEDREAM),
    "fal-ai/bytedance/seedream/v4/edit": Spec(
        f"{SEEDREAM}; image_urls* uri[](1..10)", category="image-to-image"
    ),
    "fal-ai/qwen-image-edit-plus": Spec(
        f"image_urls* uri[](1..3); prompt* str; image_size any; negative_prompt str; {STEPS}; acceleration enum(none,regular)=regular; "
        f"{COMMON}",
        category="image-to-image",
        price=(0.03, "megapixels"),
    ),
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video": Spec(
        "prompt* str; image_url* uri; tail_image_url uri; duration enum(5,10)=5; negative_prompt str; cfg_scale num(0..1)=0.5",
        kind="video",
        key="video",
        category="image-to-video",
        price=(0.07, "second"),
    ),
    "fal-ai/kling-video/v2.1/master/text-to-video": Spec(
        "prompt* str; duration enum(5,10)=5; aspect_ratio enum(16:9,9:16,1:1)=16:9; negative_prompt str; cfg_scale num(0..1)=0.5",
        kind="video",
        key="video",
        category="text-to-video",
        price=(0.28, "second"),
    ),
    "fal-ai/wan/v2.2-a14b/text-to-video": Spec(
        WAN, kind="video", key="video", category="text-to-video", price=(0.08, "second")
    ),
    "fal-ai/wan/v2.2-a14b/image-to-video": Spec(
        f"{WAN}; image_url* uri; end_image_url uri",
        kind="video",
        key="video",
        category="image-to-video",
        price=(0.08, "second"),
    ),
    "fal-ai/ltx-video": Spec(
        "prompt* str; negative_prompt str; num_inference_steps int(1..50)=30; guidance_scale num(1..10)=3; seed int",
        kind="video",
        key="video",
        category="text-to-video",
        price=(0.02, "video"),
    ),
    "fal-ai/esrgan": Spec(
        "image_url* uri; model enum(RealESRGAN_x4plus,RealESRGAN_x2plus,RealESRGAN_x4plus_anime_6B)=RealESRGAN_x4plus; "
        "scale num(1..8)=2; tile int=0; face bool=false; output_format enum(png,jpeg)=png",
        kind="upscale",
        key="image",
        category="image-to-image",
        price=(0.001, "megapixels"),
    ),
    "fal-ai/clarity-upscaler": Spec(
        "image_url* uri; prompt str; upscale_factor num(1..4)=2; creativity num(0..1)=0.35; resemblance num(0..1)=0.6; "
        "guidance_scale num(0..20)=4; num_inference_steps int(4..50)=18; negative_prompt str; seed int; enable_safety_checker bool=true",
        kind="upscale",
        key="image",
        category="image-to-image",
        price=(0.03, "megapixels"),
    ),
    "fal-ai/topaz/upscale/video": Spec(
        "video_url* uri; upscale_factor num(1..4)=2",
        kind="video",
        key="video",
        category="video-to-video",
        price=(0.1, "second"),
    ),
    "fal-ai/new-painter": Spec(
        "prompt* str; image_size any; brush enum(round,flat)=round; seed int; num_images int(1..4)=1"
    ),
    "fal-ai/old-painter": Spec("prompt* str", status="deprecated"),
    "fal-ai/broken-schema": Spec("prompt* str"),
    "workflows/someone/portrait": Spec("prompt* str; seed int"),
}
