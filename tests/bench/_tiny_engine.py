"""An engine with a worker over tiny stand-ins, for benches of the local backend."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def standins(families: tuple[str, ...], home: Path, size: int = 64) -> Path:
    """Write stand-ins of some families, for pictures of ``size`` pixels, and return the list that names them."""
    from diorama_local_diffusers.testing.standins import build_standins

    return build_standins(home / "standins", families, size)


@contextmanager
def tiny_engine(families: tuple[str, ...], size: int = 64) -> Iterator[tuple[Any, Path]]:
    """Give an engine whose local backend lists ``tiny-<family>``, and the folder of the stand-ins."""
    from diorama.engine import Engine
    from diorama.settings import load_settings

    with tempfile.TemporaryDirectory(prefix="diorama-bench-") as name:
        home = Path(name)
        listed = standins(families, home, size)
        settings = replace(
            load_settings({"DIORAMA_HOME": str(home / "data")}),
            plugins_allow=("local",),
            offline=True,
            devices=("cpu",),
            backends={"local": {"models_file": str(listed)}},
        )
        with Engine(settings) as engine:
            yield engine, listed.parent


def run(engine: Any, kind: str, model: str, **values: Any) -> Any:
    """Run one job to its end and return it; nothing of what was asked may be changed."""
    from diorama.jobs.submission import Submission

    job = engine.submit(Submission(kind=kind, model=f"local:{model}", seed=1, strict=True, **values))
    done = engine.wait(job.id, 600)
    if done.status != "completed":
        raise SystemExit(f"{model}: {done.error}")
    return done


def worker_bytes(engine: Any) -> int:
    """Return the resident memory of the worker."""
    from diorama.workers.free_memory import resident_bytes

    return sum(resident_bytes(worker.pid) for worker in engine.executor.workers() if worker.pid)
