"""One process's open models and the way a job runs on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any

from diorama.contract import (
    Artifact,
    BackendSettings,
    JobContext,
    Request,
    Result,
)

from diorama_local_diffusers.models.download import fetch_missing
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import revision_of
from diorama_local_diffusers.models.locate import locate
from diorama_local_diffusers.models.needs import variant_bytes
from diorama_local_diffusers.models.peaks import Peaks, decoded_at_once, work_of
from diorama_local_diffusers.models.quantized import FLOAT8, default_type, variant_of
from diorama_local_diffusers.models.sidecar import noted_hash
from diorama_local_diffusers.runtime.device import (
    free_bytes,
    peak_bytes,
    pick_device,
    pick_dtype,
    release_cache,
    start_measuring,
)
from diorama_local_diffusers.runtime.loras import use_loras
from diorama_local_diffusers.runtime.memory import (
    ON_DEVICE,
    apply_plan,
    choose_plan,
    is_out_of_memory,
    leaner,
    out_of_memory,
    tell_of_leaner,
)
from diorama_local_diffusers.runtime.opening import Opener
from diorama_local_diffusers.runtime.residency import Loaded, Residents

Runner = Callable[[Loaded, Any, JobContext], list[Artifact]]


class EngineRoom:
    """Opens models, keeps them, and turns what goes wrong into errors that help.

    Args:
        settings: Of this backend; options ``memory_budget_gb`` bounds what stays open, ``memory_plan`` sets the plan.
    """

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings
        self.device = pick_device(settings.device or str(settings.options.get("device", "")))
        self.dtype = pick_dtype(self.device)
        budget = float(settings.options.get("memory_budget_gb", 0))
        self.residents = Residents(self.device, int(budget * 1e9))
        self._peaks = Peaks(settings.cache_dir)
        self._dtype_name = str(self.dtype).removeprefix("torch.")

    def run(self, entry: ModelEntry, request: Request, context: JobContext, run: Runner) -> Result:
        """Open the model if needed and run one job on it."""
        started = time.perf_counter()
        variant, work = variant_of(entry, request), work_of(request)
        name = self._name(entry, variant)
        loaded: Loaded | None = None
        try:
            loaded = self.open(entry, context, variant, work, decoded_at_once(request))
            loaded.retries, loaded.outgrown = (), ""
            loras = use_loras(loaded, request.loras, self._settings)
            if loaded.family.negative_is_idle(request, entry):
                why = "Without guidance (above 1) a negative prompt has no effect."
                context.ignored("negative_prompt", request.negative_prompt, why)
            opened = time.perf_counter()
            start_measuring(self.device)
            artifacts = run(loaded, request, context)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if loaded is not None:
                self._fell_short(name, loaded, work)
            release_cache(self.device)
            raise out_of_memory(entry.name, self.device) from error
        self._measured(name, loaded, work)
        facts = self._facts(loaded, loras) | {
            "seconds_loading": round(opened - started, 3),
            "seconds_running": round(time.perf_counter() - opened, 3),
        }
        return Result(artifacts=tuple(artifacts), facts=facts)

    def open(
        self, entry: ModelEntry, context: JobContext, variant: str = "", work: int = 0, pixels: int = 0
    ) -> Loaded:
        """Return the open model, loading it first when needed.

        Args:
            entry: Its row.
            context: Told how far loading is.
            variant: GGUF type, or ``fp8``; empty for what is usual.
            work: Pixels times frames of the job, for the choice of the memory plan.
            pixels: How many of them are decoded at once.

        Raises:
            BackendNotReady: it is not on this machine.
        """
        name = self._name(entry, variant)
        kind = name.partition("|")[2]
        parts: dict[str, int] = {}
        if name not in self.residents:
            fetch_missing(entry, self._settings, context, "" if kind == FLOAT8 else kind)
            parts = variant_bytes(entry, self._settings, self.dtype.itemsize, kind)

        def make() -> Loaded:
            wanted = str(self._settings.options.get("memory_plan", ""))
            plan = choose_plan(
                self.device,
                parts,
                free_bytes(self.device),
                wanted,
                lambda plan: self._peaks.need(name, self._dtype_name, plan, work),
                pixels,
            )
            try:
                return self._load(entry, kind, plan, context)
            except RuntimeError as error:
                following = leaner(plan) if self.device.startswith("cuda") and not wanted else None
                if not is_out_of_memory(error) or following is None:
                    raise
            # Here and not above: the error holds on to what was loaded so far.
            for short in ON_DEVICE if plan in ON_DEVICE else (plan,):
                self._peaks.fell_short(name, self._dtype_name, short, work, free_bytes(self.device))
            release_cache(self.device)
            tell_of_leaner(plan, following, "loading_model", context)
            return self._load(entry, kind, following, context)

        return self.residents.get(name, sum(parts.values()), make)

    def _load(self, entry: ModelEntry, variant: str, plan: str, context: JobContext) -> Loaded:
        place = self.device if plan in ON_DEVICE else "cpu"
        opener = Opener(entry, self._settings, context, place, self.dtype)
        pipe, folder = opener.open(variant)
        if plan != "full":
            apply_plan(pipe, plan, self.device)
        return Loaded(entry, opener.family, folder, pipe, self._settings, self.device, plan, variant)

    def _name(self, entry: ModelEntry, variant: str) -> str:
        """Return the key of a model with everything that changes its weights."""
        if entry.gguf and not variant:
            variant = default_type(entry)
        return f"{entry.name}|{variant}" if variant else entry.name

    def _measured(self, name: str, loaded: Loaded, work: int) -> None:
        """Keep what the job took, for the next choice of a plan."""
        if loaded.outgrown:
            own = loaded.bytes if loaded.plan in ON_DEVICE else 0
            self._peaks.fell_short(
                name, self._dtype_name, loaded.outgrown, work, free_bytes(self.device) + own
            )
        peak = peak_bytes(self.device)
        if peak is not None and not loaded.retries:
            own = peak - self.residents.bytes_beside(loaded)
            self._peaks.note(name, self._dtype_name, loaded.plan, work, own)

    def _fell_short(self, name: str, loaded: Loaded, work: int) -> None:
        free = free_bytes(self.device) + (loaded.bytes if loaded.plan in ON_DEVICE else 0)
        self._peaks.fell_short(name, self._dtype_name, loaded.plan, work, free)

    def unload(self, name: str | None) -> None:
        """Close one model, or all."""
        self.residents.drop(name)

    def _facts(self, loaded: Loaded, loras: list[dict[str, Any]]) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "device": self.device,
            "dtype": self._dtype_name,
            "memory_plan": loaded.plan,
            "profile_rungs": list(loaded.rungs),
            "pipeline": type(loaded.pipe).__name__,
            "versions": dict(_versions()),
        }
        if loaded.variant:
            facts["weights"] = loaded.variant
        if loaded.retries:
            facts["out_of_memory"] = list(loaded.retries)
        if loras:
            facts["loras"] = loras
        place = locate(loaded.entry, self._settings)
        if place is not None and place.is_file() and (digest := noted_hash(place)):
            facts["model_hash"] = digest
        revision = revision_of(loaded.entry, place)
        if revision:
            facts["revision"] = revision
        return facts


@cache
def _versions() -> dict[str, str]:
    """Return the versions of the libraries; looking them up takes longer than anything else that a job adds."""
    return {name: version(name) for name in ("torch", "diffusers", "transformers")}
