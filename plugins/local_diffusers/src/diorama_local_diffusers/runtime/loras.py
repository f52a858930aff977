"""Putting LoRA on an open model for one job, so that nothing of it is left for the next."""

from __future__ import annotations

import re
from typing import Any

from diorama.contract import BackendSettings, InvalidRequest, LoraRef

from diorama_local_diffusers.models.adapters import LoraFile, file_digest, find_lora
from diorama_local_diffusers.runtime.residency import Loaded


def use_loras(loaded: Loaded, wanted: tuple[LoraRef, ...], settings: BackendSettings) -> list[dict[str, Any]]:
    """Make exactly these LoRA active and return their facts for the recipe.

    They are never fused into the weights, so taking them off gives the model back to the bit. Those of the job
    before stay loaded only when the list is the same.

    Raises:
        InvalidRequest: a LoRA is missing, made for another family, or fits no layer.
    """
    always = (LoraRef(id=loaded.entry.lora),) if loaded.entry.lora else ()
    files = [(find_lora(item.id, settings), item.weight) for item in (*always, *wanted) if item.weight != 0]
    for file, _ in files:
        _refuse_stranger(file, loaded)
    key = tuple((str(file.path), file_digest(file.path), weight) for file, weight in files)
    if key != loaded.loras:
        _replace(loaded, files)
        loaded.loras = key
    return [
        {"id": file.id, "weight": weight, "sha256": digest}
        for (file, weight), (_, digest, _) in zip(files, key, strict=True)
    ]


def _replace(loaded: Loaded, files: list[tuple[LoraFile, float]]) -> None:
    pipe = loaded.pipe
    if loaded.loras != ():
        pipe.unload_lora_weights()
    if not files:
        return
    loaded.loras = None  # unknown until all of them are on
    names = []
    for index, (file, _) in enumerate(files):
        name = f"lora{index}"
        _put_on(pipe, file, name)
        names.append(name)
    pipe.set_adapters(names, [weight for _, weight in files])


def _put_on(pipe: Any, file: LoraFile, name: str) -> None:
    options: dict[str, Any] = {
        "weight_name": file.path.name,
        "adapter_name": name,
        "local_files_only": True,
    }
    if is_for_low_noise(file, pipe):
        options["load_into_transformer_2"] = True
    try:
        pipe.load_lora_weights(str(file.path.parent), **options)
        taken = any(name in adapters for adapters in pipe.get_list_adapters().values())
    except (RuntimeError, ValueError, KeyError, IndexError, AttributeError) as error:
        pipe.unload_lora_weights()
        raise InvalidRequest(
            f"LoRA {file.id} does not fit this model: {str(error).splitlines()[0][:200]}",
            field="loras",
            fix="Choose one that was made for this model's family.",
        ) from error
    if not taken:
        pipe.unload_lora_weights()
        raise InvalidRequest(
            f"LoRA {file.id} fits no layer of this model.",
            field="loras",
            fix="Choose one that was made for this model's family.",
        )


def is_for_low_noise(file: LoraFile, pipe: Any) -> bool:
    """Whether a LoRA belongs to the second transformer of Wan 2.2, which its makers say in the file's name."""
    second = getattr(pipe, "transformer_2", None)
    return second is not None and "low" in re.split(r"[^a-z]+", file.path.stem.lower())


def _refuse_stranger(file: LoraFile, loaded: Loaded) -> None:
    if file.kind and file.kind != loaded.family.lora_kind:
        raise InvalidRequest(
            f"LoRA {file.id} was made for {file.kind}; {loaded.entry.name} is {loaded.family.name}.",
            field="loras",
            fix=f"Choose a LoRA for {loaded.family.lora_kind or 'another model'}.",
        )
