"""Numbers, words and LoRAs: checked for sense, then fitted to what the model offers."""

from __future__ import annotations

import math
import secrets
from dataclasses import replace

from diorama.contract import Capabilities, InvalidRequest, LoraRef, ModelInfo, Range
from diorama.contract.loras import check_lora
from diorama.resolution.notebook import Notebook

MAX_PROMPT = 100_000
MAX_LORA_WEIGHT = 1.5
SEEDS = 2**32

SANE: dict[str, tuple[float, float]] = {
    "num_inference_steps": (1, 1000),
    "guidance_scale": (0, 100),
    "strength": (0, 1),
    "num_images": (1, 100),
    "num_frames": (1, 2000),
    "fps": (1, 240),
    "duration": (0.1, 3600),
    "scale": (1, 16),
}
"""What any model could mean. Beyond it a value is a mistake; inside it is fitted to the model's own range."""


def check_prompt(prompt: str, capabilities: Capabilities, notes: Notebook) -> str:
    """Return the prompt to run with.

    Raises:
        InvalidRequest: it is missing, or longer than the model takes.
    """
    if capabilities.prompt == "none":
        if prompt.strip():
            notes.ignore("prompt", prompt, "This model takes no prompt.")
        return ""
    if capabilities.prompt == "required" and not prompt.strip():
        wish = "be heard" if capabilities.produces == "audio" else "be seen"
        raise InvalidRequest("The prompt is empty.", field="prompt", fix=f"Say what should {wish}.")
    limit = min(capabilities.max_prompt_chars, MAX_PROMPT)
    if len(prompt) > limit:
        raise InvalidRequest(
            f"The prompt has {len(prompt)} characters; this model takes {limit}.",
            field="prompt",
            fix="Shorten it.",
        )
    if "\x00" in prompt:
        raise InvalidRequest("The prompt holds a NUL character.", field="prompt", fix="Remove it.")
    notes.apply("prompt", prompt)
    return prompt


def number(field: str, value: float | None, offered: Range | None, notes: Notebook) -> float | None:
    """Return the value of a numeric control, or ``None`` when the model has no such control.

    Raises:
        InvalidRequest: the value makes no sense for any model.
    """
    if value is not None:
        check_sane(field, value)
    if offered is None:
        if value is not None:
            notes.ignore(field, value, f"This model has no {field}.")
        return None
    if value is None:
        default = None if offered.default is None else offered.nearest(offered.default)
        notes.apply(field, default)
        return default
    nearest = offered.nearest(value)
    if not math.isclose(nearest, value, rel_tol=1e-9, abs_tol=1e-9):
        step = f" in steps of {offered.step:g}" if offered.step else ""
        notes.adjust(
            field,
            value,
            nearest,
            f"{field} of this model goes from {offered.minimum:g} to {offered.maximum:g}{step}.",
        )
    notes.apply(field, nearest)
    return nearest


def check_sane(field: str, value: float) -> None:
    """Refuse NaN, infinities and values that no model could mean.

    Raises:
        InvalidRequest: names the field and its range.
    """
    low, high = SANE[field]
    if not low <= value <= high:  # NaN is not between anything
        raise InvalidRequest(
            f"{field} {value!r} is not between {low:g} and {high:g}.",
            field=field,
            fix=f"Give a number from {low:g} to {high:g}.",
        )


def whole(value: float | None) -> int | None:
    """Return ``value`` as an int, keeping ``None``."""
    return None if value is None else round(value)


def choose_seed(seed: int | None, capabilities: Capabilities, notes: Notebook) -> int | None:
    """Return the asked seed brought into the model's range, a random one, or ``None`` for models without seeds.

    Raises:
        InvalidRequest: it is not between 0 and 2^32 - 1.
    """
    if seed is not None and not 0 <= seed < SEEDS:
        raise InvalidRequest(
            f"The seed {seed} is not between 0 and {SEEDS - 1}.",
            field="seed",
            fix="Leave it out for a random one.",
        )
    if not capabilities.seed:
        if seed is not None:
            notes.ignore("seed", seed, "This model takes no seed.")
        return None
    known = capabilities.seed_range
    low, high = (0, SEEDS - 1) if known is None else (int(known.minimum), int(known.maximum))
    if seed is None:
        chosen = low + secrets.randbelow(high - low + 1)
    else:
        chosen = seed if low <= seed <= high else low + seed % (high - low + 1)
    if seed is not None and chosen != seed:
        notes.adjust("seed", seed, chosen, f"This model takes seeds from {low} to {high}.")
    notes.apply("seed", chosen)
    return chosen


def choose_negative(text: str | None, capabilities: Capabilities, notes: Notebook) -> str | None:
    """Return the negative prompt where the model has one."""
    if not text:
        return None
    if len(text) > MAX_PROMPT:
        raise InvalidRequest("The negative prompt is too long.", field="negative_prompt", fix="Shorten it.")
    if not capabilities.negative_prompt:
        notes.ignore("negative_prompt", text, "This model has no negative prompt.")
        return None
    notes.apply("negative_prompt", text)
    return text


def choose_scheduler(name: str | None, capabilities: Capabilities, notes: Notebook) -> str | None:
    """Return the sampler.

    Raises:
        InvalidRequest: the model offers samplers, but not this one.
    """
    if not name:
        return None
    if not capabilities.schedulers:
        notes.ignore("scheduler", name, "This model does not let the sampler be chosen.")
        return None
    known = {item.casefold(): item for item in capabilities.schedulers}
    if name.casefold() not in known:
        raise InvalidRequest(
            f"There is no scheduler {name[:60]!r}.",
            field="scheduler",
            fix=f"Use one of: {', '.join(capabilities.schedulers)}.",
        )
    notes.apply("scheduler", known[name.casefold()])
    return known[name.casefold()]


def choose_loras(
    loras: tuple[LoraRef, ...], capabilities: Capabilities, model: ModelInfo, notes: Notebook
) -> tuple[LoraRef, ...]:
    """Return the LoRAs to apply.

    Raises:
        InvalidRequest: a weight is not between 0 and 1.5, there are too many, or the model runs elsewhere and its provider
            cannot fetch one.
    """
    if not loras:
        return ()
    for item in loras:
        if not 0 <= item.weight <= MAX_LORA_WEIGHT:
            raise InvalidRequest(
                f"The weight {item.weight!r} of LoRA {item.id!r} is not between 0 and {MAX_LORA_WEIGHT}.",
                field="loras",
                fix="0 switches it off, 1 is usual.",
            )
    if not capabilities.lora_kinds:
        notes.ignore("loras", [item.id for item in loras], f"{model.title} takes no LoRA.")
        return ()
    if len(loras) > capabilities.max_loras:
        raise InvalidRequest(
            f"{len(loras)} LoRAs were given; {model.title} takes {capabilities.max_loras}.",
            field="loras",
            fix="Remove some.",
        )
    if sources := capabilities.lora_sources:
        loras = tuple(replace(item, id=check_lora(item.id, sources, model.title).text) for item in loras)
    notes.apply("loras", [{"id": item.id, "weight": item.weight} for item in loras])
    return loras
