"""The OpenAPI document of the KREA stand-in: models with all the odd shapes that the real one has."""

from __future__ import annotations

import copy
from typing import Any

from .schema import Schema, table

SIZED = "width int(512..2368)=1024; height int(512..2368)=1024"
TABLES: dict[str, tuple[str, str, str]] = {
    "image/bfl/flux-1-dev": (
        "Flux",
        "| ~3 | ~7 seconds |",
        f"prompt* str; {SIZED}; steps int(1..100)=25; guidance_scale_flux num(0..24)=3; "
        "strength num(0..1)=1; seed int=1337; image_url uri; styles pairs(id,strength)",
    ),
    "image/google/nano-banana": (
        "Nano Banana",
        "| 22.3 | 12 seconds |",
        f"prompt* str; {SIZED}; image_urls uri[](0..8); "
        "aspect_ratio enum(21:9,1:1,4:3,3:2,2:3,5:4,4:5,3:4,16:9,9:16)",
    ),
    "image/bytedance/seededit": ("SeedEdit", "", "prompt* str; image_url* uri; seed int"),
    "image/krea/krea-2/medium": (
        "Krea 2 Medium",
        "| ~5 | ~9 seconds |",
        "prompt* str; aspect_ratio* enum(1:1,4:3,3:2,16:9,2.35:1,4:5,2:3,9:16); "
        "resolution* enum(1K); seed int; creativity enum(raw,low,medium,high)",
    ),
    "enhance/topaz/standard-enhance": (
        "Topaz",
        "| 12 | ~20 seconds |",
        "image_url* uri; width* int(1..32000); height* int(1..32000); "
        "model* enum(Standard V2,Low Resolution V2,CGI,High Fidelity V2,Text Refine); output_format enum(png,jpg,webp)=jpg; "
        "upscaling_activated bool=false; image_scaling_factor num(1..32)=1; sharpen num(0..1)=0.5; seed int",
    ),
    "video/kling/kling-2.5": (
        "Kling 2.5",
        "| 200 | 60 seconds |",
        "prompt* str; start_image uri; end_image uri; "
        "aspect_ratio enum(16:9,9:16,1:1)=16:9; duration ienum(5,10)=5; mode enum(pro)=pro",
    ),
    "video/alibaba/wan-2.5": (
        "Wan 2.5",
        "| 143 | 90 seconds |\n| 280 | 160 seconds |",
        "prompt* str; start_image uri; aspect_ratio enum(16:9,9:16,1:1)=16:9; "
        "resolution enum(480p,720p,1080p)=1080p; duration int(5..10)=5; generate_audio bool=false; seed int",
    ),
}


def body_schema(model: str) -> Schema:
    """The schema of a model's request body, inline, with nullable fields as type lists and one enum as `anyOf` of constants."""
    schema = copy.deepcopy(table(TABLES[model][2]))
    for name, field in schema["properties"].items():
        if field.get("format") == "uri" and name not in schema["required"]:
            field["type"] = ["string", "null"]
        if name == "resolution" and "enum" in field:
            field["anyOf"] = [{"const": value} for value in field.pop("enum")]
    if model == "image/bfl/flux-1-dev":
        schema["x-krea-deprecated-field-aliases"] = [
            {"from": "imageUrl", "to": "image_url", "sunset_date": "2026-06-19", "reason": "snake_case"}
        ]
    return schema


def document(server: str) -> dict[str, Any]:
    """The whole OpenAPI document."""
    paths: dict[str, Any] = {
        "/jobs/{id}": {"get": {"tags": ["Jobs"], "responses": {"200": {}}}},
        "/styles/train": {"post": {"tags": ["Styles"], "summary": "Train a style", "responses": {"200": {}}}},
        "/generate/image/history": {
            "get": {"tags": ["Image"], "summary": "Not a model", "responses": {"200": {}}}
        },
    }
    for model, (title, rows, _) in TABLES.items():
        description = (
            f"Makes things.\n| Compute Units | Average Completion Time |\n|---|---|\n{rows}\n"
            if rows
            else "Makes things."
        )
        paths[f"/generate/{model}"] = {
            "post": {
                "tags": [model.split("/")[0].capitalize()],
                "summary": title,
                "description": description,
                "requestBody": {"content": {"application/json": {"schema": body_schema(model)}}},
                "responses": {code: {} for code in ("200", "400", "401", "402", "429")},
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Krea API", "version": "v1"},
        "servers": [{"url": server}],
        "security": [{"bearerAuth": []}],
        "paths": paths,
    }
