"""Texts with alternatives: what the web page does to them before it sends a prompt, and the server does not."""

from __future__ import annotations

import random
import re
from typing import Any

from diorama_comfyui.schema import ObjectInfo, expand_inputs

_COMMENT = re.compile(r"/\*.*?\*/|(?:^|(?<=\s))//[^\n]*", re.DOTALL)
"""Comments as the page knows them; the slashes of an address are none."""
_GROUP = re.compile(r"(?<!\\)\{((?:[^{}\\]|\\.)*)\}", re.DOTALL)
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([{}|])")
_KEPT = "\0{}\0"
_MOST = 1000
_LONGEST = 100_000


def choose_alternatives(
    prompt: dict[str, dict[str, Any]], info: ObjectInfo, seed: int | None
) -> dict[str, str]:
    """Settle ``{a|b}`` and drop comments in all inputs that the server marks for it, in place.

    The same seed makes the same choices, so that a run can be repeated. Braces without a bar are left as they are.

    Args:
        prompt: In API form.
        info: The server's node classes.
        seed: Of the run; without one the choice is left to chance.

    Returns:
        The texts that were changed, by node and input (``6.text``), as they are sent.
    """
    changed: dict[str, str] = {}
    for node_id, node in prompt.items():
        cls = info.get(node["class_type"])
        for name, spec in expand_inputs(cls.inputs, node["inputs"]) if cls else ():
            text = node["inputs"].get(name)
            if not (spec.dynamic_prompts and isinstance(text, str) and len(text) <= _LONGEST):
                continue
            settled = settle(text, random.Random(f"{seed} {node_id} {name}" if seed is not None else None))
            if settled != text:
                node["inputs"][name] = changed[f"{node_id}.{name}"] = settled
    return changed


def settle(text: str, chance: random.Random) -> str:
    """Return ``text`` without comments, and with one of each group of alternatives, innermost first."""
    if "{" not in text and "/" not in text and "\\" not in text:
        return text
    settled = _COMMENT.sub("", text) if "/" in text else text
    kept: list[str] = []

    def one(found: re.Match[str]) -> str:
        options = _BAR.split(found[1])
        if len(options) > 1:
            return chance.choice(options)
        kept.append(found[0])
        return _KEPT.format(len(kept) - 1)

    for _ in range(_MOST):
        settled, count = _GROUP.subn(one, settled)
        if not count:
            break
    for number in reversed(range(len(kept))):
        settled = settled.replace(_KEPT.format(number), kept[number])
    return _ESCAPED.sub(r"\1", settled)
