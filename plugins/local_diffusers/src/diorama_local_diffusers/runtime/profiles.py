"""Profiles: ``quality`` is the reference, ``balanced`` and ``fast`` add what a measurement on this device proves faster.

A rung of a profile is tried on the model's own denoiser with the inputs of a real step. It stays on only when it is
clearly faster, and the verdict is kept on disk for the next time. The first picture with a new verdict to find runs
as ``quality``; nothing is assumed.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diorama.contract import JobContext

from diorama_local_diffusers.runtime.memory import ON_DEVICE
from diorama_local_diffusers.runtime.residency import Loaded

PROFILES = ("quality", "balanced", "fast")
GAIN = 1.03
"""A rung must be at least this much faster to be used; less is noise."""
ATTENTION = ("_native_cudnn", "_native_flash", "_flash_3", "flash", "xformers")
"""Attention kernels that compute the same sum as the reference, in another order."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One change of a denoiser that can be taken back.

    Attributes:
        name: For the recipe.
        on: Makes the change; raises when this model or machine cannot.
        off: Takes it back.
        part: Network that it changes: ``denoiser``, or ``decoder`` of the VAE.
    """

    name: str
    on: Callable[[Any], None]
    off: Callable[[Any], None]
    part: str = "denoiser"


def rungs_of(profile: str, parts: dict[str, Any], device: str) -> list[Rung]:
    """Return what a profile tries on the networks of a model, in order."""
    if profile == "quality":
        return []
    found, denoiser = [], parts["denoiser"]
    if _convolves(denoiser):
        found.append(Rung("channels_last", _channels_last, _contiguous))
    if profile == "balanced":
        return found
    if _may_fuse(denoiser):
        found.append(Rung("fused_qkv", _fuse, _unfuse))
    if _convolves(parts.get("decoder")) and not _keeps_frames(parts["decoder"]):
        found.append(Rung("vae_channels_last", _channels_last, _contiguous, "decoder"))
    if device.startswith("cuda"):
        found += [Rung(f"attention:{name}", _attention(name), _usual_attention) for name in ATTENTION]
        found.append(Rung("compile", _compile, _interpret))
    return found


@contextmanager
def profile_on(loaded: Loaded, profile: str, pipe: Any, context: JobContext) -> Iterator[None]:
    """Run the block under a profile, and take every change back after it.

    What the model runs under is written to ``loaded.rungs``.
    """
    parts = {"denoiser": getattr(pipe, loaded.family.denoiser)}
    if decoder := getattr(getattr(pipe, "vae", None), "decoder", None):
        parts["decoder"] = decoder
    wanted = rungs_of(profile, parts, loaded.device)
    verdicts = Verdicts(loaded)
    active: list[Rung] = []
    try:
        for rung in verdicts.winners(wanted):
            if _try(rung, parts[rung.part]):
                active.append(rung)
        loaded.rungs = tuple(rung.name for rung in active)
        unknown = [rung for rung in wanted if verdicts.known(rung.name) is None]
        with ExitStack() as stack:
            inputs = {
                name: stack.enter_context(_captured(part, any(rung.part == name for rung in unknown)))
                for name, part in parts.items()
            }
            yield
        if loaded.plan in ON_DEVICE:
            for name, part in parts.items():
                new = [rung for rung in unknown if rung.part == name]
                if new and inputs[name]:
                    _measure(part, inputs[name][0], new, verdicts, context, loaded.device)
    finally:
        for rung in reversed(active):
            rung.off(parts[rung.part])


class Verdicts:
    """Whether each rung wins for one model on one device; kept in the cache folder."""

    def __init__(self, loaded: Loaded) -> None:
        self._file: Path = loaded.settings.cache_dir / "profiles.json"
        self._key = "|".join(
            filter(None, (loaded.entry.name, loaded.variant, loaded.device, str(loaded.pipe.dtype)))
        )
        try:
            self._all = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            self._all = {}

    def known(self, name: str) -> bool | None:
        """Return whether the rung wins, ``None`` when that was not measured."""
        found = self._all.get(self._key, {}).get(name)
        return None if found is None else bool(found >= GAIN)

    def winners(self, rungs: list[Rung]) -> list[Rung]:
        """Return the rungs that win; of the attention kernels only the best one, for they replace each other."""
        gains = self._all.get(self._key, {})
        good = [rung for rung in rungs if self.known(rung.name)]
        kernels = [rung for rung in good if rung.name.startswith("attention:")]
        best = max(kernels, key=lambda rung: float(gains[rung.name]), default=None)
        return [rung for rung in good if rung not in kernels or rung is best]

    def keep(self, name: str, gain: float) -> None:
        """Write down how many times faster the rung is."""
        self._all.setdefault(self._key, {})[name] = round(gain, 4)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(self._file.name + ".new")
        draft.write_text(json.dumps(self._all, indent=1))
        os.replace(draft, self._file)


@contextmanager
def _captured(denoiser: Any, wanted: bool) -> Iterator[list[tuple[tuple[Any, ...], dict[str, Any]]]]:
    """Collect the inputs of the denoiser's first call."""
    inputs: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def keep(_: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if not inputs:
            inputs.append((arguments, dict(options)))

    handle = denoiser.register_forward_pre_hook(keep, with_kwargs=True) if wanted else None
    try:
        yield inputs
    finally:
        if handle is not None:
            handle.remove()


def _measure(
    denoiser: Any, inputs: Any, rungs: list[Rung], verdicts: Verdicts, context: JobContext, device: str
) -> None:
    usual = _seconds_or_none(denoiser, inputs, device, context)
    for rung in rungs:
        context.progress("generating", None, f"Measuring {rung.name} on this device")
        if usual is None or not _try(rung, denoiser):
            verdicts.keep(rung.name, 0.0)
            continue
        try:
            taken = _seconds_or_none(denoiser, inputs, device, context)
            verdicts.keep(rung.name, usual / taken if taken else 0.0)
        finally:
            rung.off(denoiser)


def _seconds_or_none(denoiser: Any, inputs: Any, device: str, context: JobContext) -> float | None:
    """Return how long a call takes, ``None`` when it fails: the picture is made, and a measurement must not cost it."""
    try:
        return _seconds(denoiser, inputs, device)
    except Exception as error:
        context.log.info("%s cannot be measured here: %s", type(denoiser).__name__, error)
        return None


def _seconds(denoiser: Any, inputs: Any, device: str) -> float:
    import torch

    arguments, options = inputs
    taken = []
    with torch.inference_mode():
        for _ in range(4):
            started = time.perf_counter()
            denoiser(*arguments, **options)
            if device.startswith("cuda"):
                torch.cuda.synchronize(device)
            taken.append(time.perf_counter() - started)
    return max(statistics.median(taken[1:]), 1e-9)


def _try(rung: Rung, denoiser: Any) -> bool:
    try:
        rung.on(denoiser)
    except (RuntimeError, ValueError, ImportError, AttributeError):
        rung.off(denoiser)
        return False
    return True


def _channels_last(denoiser: Any) -> None:
    import torch

    denoiser.to(memory_format=torch.channels_last)


def _contiguous(denoiser: Any) -> None:
    import torch

    denoiser.to(memory_format=torch.contiguous_format)


def _convolves(network: Any) -> bool:
    """Whether a network has convolutions over pictures; those of videos have a dimension more."""
    weights = network.parameters() if network is not None else ()
    return any(weight.ndim == 4 and weight.shape[-1] > 1 for weight in weights)


def _keeps_frames(decoder: Any) -> bool:
    """Whether a decoder is one of videos: those keep frames from call to call, so a call cannot be repeated."""
    return any(weight.ndim == 5 for weight in decoder.parameters())


def _may_fuse(denoiser: Any) -> bool:
    """Whether the projections can be joined: not over quantised weights, and not while a LoRA lies on them."""
    plain = not getattr(denoiser, "peft_config", None) and getattr(denoiser, "hf_quantizer", None) is None
    plain = plain and not any(weight.dtype.itemsize == 1 for weight in denoiser.parameters())
    return plain and hasattr(denoiser, "fuse_qkv_projections") and hasattr(denoiser, "unfuse_qkv_projections")


def _fuse(denoiser: Any) -> None:
    denoiser.fuse_qkv_projections()


def _unfuse(denoiser: Any) -> None:
    """Take the joined projections away too; the library only stops using them, and they are a copy of the weights."""
    denoiser.unfuse_qkv_projections()
    for module in denoiser.modules():
        for name in ("to_qkv", "to_kv", "to_added_qkv"):
            if name in module._modules:
                del module._modules[name]
        if getattr(module, "fused_projections", False):
            module.fused_projections = False


def _attention(name: str) -> Callable[[Any], None]:
    return lambda denoiser: denoiser.set_attention_backend(name)


def _usual_attention(denoiser: Any) -> None:
    denoiser.set_attention_backend("native")
    denoiser.reset_attention_backend()


def _compile(denoiser: Any) -> None:
    denoiser.compile_repeated_blocks(dynamic=True)


def _interpret(denoiser: Any) -> None:
    for module in denoiser.modules():
        module._compiled_call_impl = None
