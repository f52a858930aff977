from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diorama
from diorama.assets.recipe import SCHEMA, build_recipe
from diorama.assets.staged import StagedOutput


def output(**more: Any) -> StagedOutput:
    return StagedOutput(
        index=more.pop("index", 0),
        kind="image",
        path=Path("x.png"),
        mime="image/png",
        width=96,
        height=64,
        **more,
    )


def test_it_holds_what_ran(job: dict[str, Any]) -> None:
    facts = {
        "model_revision": "r1", "model_hash": "ab" * 32, "loras": {"my lora, v2": "cd" * 32}, "versions": {"diffusers": "1.2"},
        "timings": {"generating": 1.5}, "device": "cpu",
    }  # fmt: skip
    recipe = build_recipe(job, output(index=2), facts, {"torch": "2"})
    assert recipe["schema"] == SCHEMA
    assert recipe["diorama"] == diorama.__version__
    assert (recipe["operation"], recipe["backend"], recipe["model"]) == ("generate", "local", "local:pocket")
    assert recipe["seed"] == 9  # third output of seed 7
    assert recipe["loras"] == [{"id": "my lora, v2", "weight": 0.8, "sha256": "cd" * 32}]
    assert recipe["versions"]["diffusers"] == "1.2"
    assert recipe["versions"]["torch"] == "2"
    assert (recipe["model_revision"], recipe["timings"], recipe["facts"]) == (
        "r1",
        {"generating": 1.5},
        {"device": "cpu"},
    )
    assert (recipe["width"], recipe["height"], recipe["parameters"]) == (96, 64, {"tiling": True})
    assert json.loads(json.dumps(recipe)) == recipe
    assert "strength" not in recipe


def test_the_outputs_own_seed_and_facts_win(job: dict[str, Any]) -> None:
    recipe = build_recipe(job, output(index=1, seed=123, facts={"device": "cuda:0"}), {"device": "cpu"})
    assert (recipe["seed"], recipe["facts"]) == (123, {"device": "cuda:0"})


def test_inputs_are_named_by_content_and_never_by_path(job: dict[str, Any]) -> None:
    given = {"path": "/home/ann/secret.png", "sha256": "ef" * 32, "asset_id": None}
    ours = {"path": "/home/ann/data/a.png", "sha256": "01" * 32, "asset_id": "01" * 13}
    request = {**job["request"], "images": [given, ours], "mask": given, "control": {"canny": ours}}
    recipe = build_recipe({**job, "kind": "edit", "request": request}, output(), {})
    assert "/home" not in json.dumps(recipe)
    assert [item["role"] for item in recipe["parents"]] == ["image", "image", "mask", "control:canny"]
    assert recipe["parents"][1] == {"role": "image", "sha256": "01" * 32, "asset_id": "01" * 13}


def test_seeds_wrap_around(job: dict[str, Any]) -> None:
    request = {**job["request"], "seed": 2**32 - 1}
    assert build_recipe({**job, "request": request}, output(index=1), {})["seed"] == 0


def test_a_job_without_a_request_has_a_recipe_too() -> None:
    assert build_recipe({"id": "x", "kind": "upscale", "model": "a:b"}, output(), {})["backend"] == "a"


def test_whatever_a_backend_says_becomes_plain_json(job: dict[str, Any]) -> None:
    facts: dict[Any, Any] = {"nan": float("nan"), "odd": "a\ud800b", "path": Path("x"), 3: (1, {2})}
    recipe = build_recipe({**job, "request": {**job["request"], "prompt": "\udcff"}}, output(), facts)
    assert recipe["facts"] == {"nan": None, "odd": "a?b", "path": "x", "3": [1, [2]]}
    assert recipe["prompt"] == "?"


def test_what_an_address_of_a_lora_carries_behind_its_path_is_not_written_down() -> None:
    lora = {"id": "https://files.example/kite.safetensors?token=canary#canary", "weight": 0.5}
    job = {"kind": "generate", "request": {"model": "a:b", "loras": [lora]}}
    recipe = build_recipe(job, output(), {})
    assert recipe["loras"] == [{"id": "https://files.example/kite.safetensors", "weight": 0.5}]
