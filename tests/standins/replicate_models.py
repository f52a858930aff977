"""Inputs and outputs of the Replicate models that the stand-in runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .schema import Schema, table

QUALITY = (
    "output_format enum(webp,jpg,png)=webp; output_quality int(0..100)=95; disable_safety_checker bool=false"
)
WIDE = "enum(1:1,16:9,21:9,3:2,2:3,4:5,5:4,3:4,4:3,9:16,9:21)"
SOME = "enum(1:1,16:9,9:16,4:3,3:4,3:2,2:3)"
FLUX = (
    f"prompt* str; aspect_ratio {WIDE}=1:1; num_outputs int(1..4)=1; seed int; megapixels enum(1,0.25)=1; "
    f"go_fast bool=true; {QUALITY}"
)
WAN = (
    "prompt* str; num_frames int(81..121)=81; resolution enum(480p,720p)=480p; frames_per_second int(5..30)=16; "
    "go_fast bool=true; sample_shift num; seed int; lora_weights_transformer str; lora_scale_transformer num=1; "
    "lora_weights_transformer_2 str; lora_scale_transformer_2 num=1"
)
SEEDREAM = (
    "prompt* str; image_input uri[](0..10)=[]; size enum(1K,2K,4K,custom)=2K; "
    "aspect_ratio enum(match_input_image,1:1,4:3,3:4,16:9,9:16,3:2,2:3,21:9)=match_input_image; "
    "width int(1024..4096)=2048; height int(1024..4096)=2048; "
    "sequential_image_generation enum(disabled,auto)=disabled; max_images int(1..15)=1; enhance_prompt bool=true"
)
KONTEXT = (
    "prompt* str; input_image uri; aspect_ratio enum(match_input_image,1:1,16:9,9:16,4:3,3:4,3:2,2:3,4:5,5:4,"
    "21:9,9:21,2:1,1:2)=match_input_image; seed int; output_format enum(jpg,png)=png; "
    "safety_tolerance int(0..6)=2; prompt_upsampling bool=false"
)


@dataclass(frozen=True)
class Spec:
    """A model: its input table, the type of its output, what it makes, and how it is run."""

    inputs: str
    output: str = "list"
    kind: str = "image"
    official: bool = True
    sides: tuple[int, int] | None = None

    @property
    def schema(self) -> Schema:
        """The JSON schema of the input."""
        return table(self.inputs)


MODELS: dict[str, Spec] = {
    "qwen/qwen-image-edit": Spec(
        f"prompt* str; image* uri; go_fast bool=true; seed int; {QUALITY}", sides=(384, 3072)
    ),
    "qwen/qwen-image-edit-plus": Spec(
        "prompt* str; image* uri[](1..3); aspect_ratio enum(1:1,16:9,9:16,4:3,3:4,match_input_image)=match_input_image; "
        f"go_fast bool=true; seed int; {QUALITY}",
        sides=(384, 3072),
    ),
    "qwen/qwen-image": Spec(
        f"prompt* str; negative_prompt str; image uri; strength num(0..1)=0.9; aspect_ratio {SOME}=16:9; "
        "image_size enum(optimize_for_quality,optimize_for_speed)=optimize_for_quality; guidance num(0..10)=3; "
        "num_inference_steps int(1..50)=30; enhance_prompt bool=false; go_fast bool=true; seed int; lora_weights str; "
        f"lora_scale num=1; extra_lora_weights strs; extra_lora_scale nums; {QUALITY}"
    ),
    "tencent/hunyuan-image-3": Spec(
        f"prompt* str; aspect_ratio {WIDE}=1:1; go_fast bool=true; seed int; {QUALITY}"
    ),
    "bytedance/seedream-4": Spec(SEEDREAM),
    "black-forest-labs/flux-schnell": Spec(f"{FLUX}; num_inference_steps int(1..4)=4"),
    "black-forest-labs/flux-dev": Spec(
        f"{FLUX}; image uri; prompt_strength num(0..1)=0.8; guidance num(0..10)=3; num_inference_steps int(1..50)=28"
    ),
    "black-forest-labs/flux-dev-lora": Spec(
        f"{FLUX}; image uri; prompt_strength num(0..1)=0.8; guidance num(0..10)=3; num_inference_steps int(1..50)=28; "
        "lora_weights str; lora_scale num(-1..3)=1; extra_lora str; extra_lora_scale num(-1..3)=1; hf_api_token str; "
        "civitai_api_token str"
    ),
    "black-forest-labs/flux-kontext-pro": Spec(KONTEXT, output="string"),
    "google/nano-banana": Spec(
        "prompt* str; image_input uri[]; output_format enum(jpg,png)=jpg", output="string"
    ),
    "wan-video/wan-2.2-t2v-fast": Spec(
        f"{WAN}; aspect_ratio enum(16:9,9:16)=16:9", output="string", kind="video"
    ),
    "wan-video/wan-2.2-i2v-fast": Spec(f"{WAN}; image* uri; last_image uri", output="string", kind="video"),
    "bytedance/seedance-1-lite": Spec(
        "prompt* str; image uri; last_frame_image uri; duration int(2..12)=5; resolution enum(480p,720p,1080p)=720p; "
        "aspect_ratio enum(16:9,4:3,1:1,3:4,9:16,21:9,9:21)=16:9; fps ienum(24)=24; camera_fixed bool=false; seed int",
        output="string",
        kind="video",
    ),
    "nightmareai/real-esrgan": Spec(
        "image* uri; scale num(0..10)=4; face_enhance bool=false",
        output="string",
        kind="upscale",
        official=False,
    ),
    "someone/paint-by-words": Spec(
        "prompt* str; init_image uri; mask uri; strength num(0..1)=0.7; width ienum(256,512,768)=512; "
        "height ienum(256,512,768)=512; num_outputs int(1..4)=1; steps int(1..60)=20; brush enum(round,flat)=round; seed int",
        output="object",
        official=False,
    ),
}
VERSION_OF = {name: f"{index:02x}" * 32 for index, name in enumerate(MODELS, 16)}


def openapi(name: str) -> dict[str, Any]:
    """A model's `openapi_schema` as Replicate publishes it: enums are references, `x-order` gives the order."""
    spec = MODELS[name]
    properties: dict[str, Any] = {}
    enums: dict[str, Any] = {}
    schema = spec.schema
    for field, entry in schema["properties"].items():
        if "enum" not in entry:
            properties[field] = entry
            continue
        enums[field] = {
            "title": field,
            "type": entry["type"],
            "enum": entry["enum"],
            "description": "An enumeration.",
        }
        properties[field] = {
            "allOf": [{"$ref": f"#/components/schemas/{field}"}],
            "x-order": entry["x-order"],
        }
        if "default" in entry:
            properties[field]["default"] = entry["default"]
    uri = {"type": "string", "format": "uri"}
    output = {"list": {"type": "array", "items": uri}, "string": uri, "object": {"type": "object"}}[
        spec.output
    ]
    inputs = {"type": "object", "title": "Input", "required": schema["required"], "properties": properties}
    return {"openapi": "3.0.2", "components": {"schemas": {"Input": inputs, **enums, "Output": output}}}
