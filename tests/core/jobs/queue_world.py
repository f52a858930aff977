"""A queue over a real database and a real asset store, with an executor that runs scripted work in its own thread.

Run as a program it is the process that the crash tests kill.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.contract import (
    Artifact,
    Backend,
    BackendError,
    BackendSettings,
    Capabilities,
    GenerateRequest,
    JobCancelled,
    ModelInfo,
    Operation,
    OutOfMemory,
    Price,
    Result,
    UnknownModel,
    to_plain,
)
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.jobs.queue import JobQueue
from diorama.jobs.records import Job, JobKind
from diorama.jobs.submission import Submission
from diorama.settings import load_settings
from diorama.workers.executor import Task, TaskSink
from PIL import Image

Work = Callable[[Task, TaskSink], Result]


def model(model_id: str, *, paid: bool = False) -> ModelInfo:
    return ModelInfo(
        id=model_id, title=model_id, operations={Operation.GENERATE: Capabilities()}, data_leaves_machine=paid,
        price=Price(amount=0.05) if paid else None, downloadable=True,
    )  # fmt: skip


class Catalog:
    def __init__(self) -> None:
        ids = ("local:a", "local:b", "local:c", "free:m")
        self.arrivals: list[str] = []
        self.models = {name: model(name) for name in ids} | {"paid:m": model("paid:m", paid=True)}

    def get(self, model_id: str) -> ModelInfo:
        try:
            return self.models[model_id]
        except KeyError:
            raise UnknownModel(f"There is no {model_id}.") from None

    def arrived(self, model: ModelInfo) -> None:
        self.arrivals.append(model.id)


class Registry:
    def __init__(self, concurrency: int = 3) -> None:
        self.backends: dict[str, Backend] = {}
        for name, placement in (("local", "worker"), ("paid", "thread"), ("free", "thread")):
            backend = Backend(BackendSettings(id=name))
            backend.placement, backend.concurrency = placement, concurrency  # type: ignore[assignment]
            self.backends[name] = backend

    def backend(self, backend_id: str) -> Backend:
        if backend_id not in self.backends:
            raise UnknownModel(f"There is no backend {backend_id}.")
        return self.backends[backend_id]


class InProcess:
    """An executor that calls a Python function; ``parameters["do"]`` of the request names it."""

    def __init__(self, devices: tuple[str, ...] = ("cpu",)) -> None:
        self.devices = devices
        self.works: dict[str, Work] = dict(WORKS)
        self.started: list[str] = []
        self.most_at_once = 0
        self.in_memory: dict[str, tuple[str, ...]] = {}
        self._now = 0
        self._lock = threading.Lock()

    def lanes(self) -> tuple[str, ...]:
        return self.devices

    def loaded(self) -> Mapping[str, tuple[str, ...]]:
        return dict(self.in_memory)

    def unload(self, backend: str, native_id: str | None = None) -> None:
        self.in_memory.clear()

    def close(self) -> None:
        return

    def run(self, task: Task, sink: TaskSink) -> Result:
        with self._lock:
            self.started.append(task.job_id)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.in_memory[task.lane] = (task.model.id,)
        try:
            do = "nothing" if task.request is None else task.request.parameters.get("do", "nothing")
            return self.works[str(do)](task, sink)
        finally:
            with self._lock:
                self._now -= 1


def nothing(task: Task, sink: TaskSink) -> Result:
    return Result()


def picture(task: Task, sink: TaskSink) -> Result:
    """Load, take two steps, save two pictures."""
    sink.progress("loading_model", None, "Loading.", {})
    saved = []
    for index in range(2):
        sink.progress("generating", (index + 0.5) / 2, "", {"step": index + 1, "steps": 2})
        if sink.cancel.cancelled:
            raise JobCancelled
        image = Image.new("RGB", (32, 24), (index * 90, 20, 40))
        sink.staged(stage(image, index=index, work_dir=task.work_dir, seed=7 + index))
        saved.append(Artifact(index=index, width=32, height=24, seed=7 + index))
    return Result(artifacts=tuple(saved), facts={"model_revision": "r1"})


def until_cancelled(task: Task, sink: TaskSink) -> Result:
    sink.progress("generating", 0.1, "", {})
    if not sink.cancel.wait(30):
        raise BackendError("Nobody cancelled it.")
    raise JobCancelled


def slow_picture(task: Task, sink: TaskSink) -> Result:
    """Save a picture, then notice a cancel."""
    result = picture(task, sink)
    until_cancelled(task, sink)
    return result


def buy(task: Task, sink: TaskSink) -> Result:
    """A paid provider: each purchase is a line in a file beside the database."""
    if "request_id" not in task.memory:
        with (task.work_dir.parent.parent / "purchases").open("a") as file:
            file.write(task.job_id + "\n")
        sink.remember({"request_id": "r-" + task.job_id})
    return picture(task, sink)


def fail(task: Task, sink: TaskSink) -> Result:
    raise OutOfMemory("The device is full.", fix="Ask for less.")


def bug(task: Task, sink: TaskSink) -> Result:
    raise KeyError("foreign")


def dies(task: Task, sink: TaskSink) -> Result:
    raise BackendError("The worker died.", retryable=True)


def unsure(task: Task, sink: TaskSink) -> Result:
    raise BackendError("The provider may have taken it.", unsure=True)


WORKS: dict[str, Work] = {
    work.__name__: work
    for work in (nothing, picture, until_cancelled, slow_picture, buy, fail, bug, dies, unsure)
}


class World:
    """Everything that a queue needs, under one folder."""

    def __init__(
        self, home: Path, *, devices: tuple[str, ...] = ("cpu",), concurrency: int = 3, url: str = ""
    ) -> None:
        self.settings = load_settings({"DIORAMA_HOME": str(home)})
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        engine = open_engine(url or f"sqlite:///{self.settings.data_dir}/diorama.sqlite")
        migrate(engine)
        self.database = Database(engine)
        self.assets = AssetStore(self.database, self.settings)
        self.executor = InProcess(devices)
        self.catalog = Catalog()
        self.queue = JobQueue(
            self.database, self.executor, self.assets, self.catalog, Registry(concurrency), self.settings
        )

    def close(self, drain: float = 2.0) -> None:
        self.queue.close(drain)
        self.database.close()

    def job(self, do: str = "nothing", model_id: str = "local:a", **fields: Any) -> Job:
        request = GenerateRequest(model=model_id, prompt="a ball", parameters={"do": do})
        return self.queue.new_job(
            kind=JobKind.GENERATE, model=model(model_id), request=to_plain(request), asked={"prompt": "a ball"},
            submission=Submission(**fields),
        )  # fmt: skip

    def submit(self, do: str = "nothing", model_id: str = "local:a", **fields: Any) -> Job:
        return self.queue.submit([self.job(do, model_id, **fields)]).result(10)[0]

    def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("It did not happen in time.")
            time.sleep(0.005)

    def running(self, job: Job) -> None:
        self.until(lambda: self.queue.job(job.id).progress > 0)


def main(home: str, command: str) -> None:
    """Submit and wait (``picture``, ``buy``, ``cancel``), or only pick up what is there (``resume``)."""
    begun = time.perf_counter()
    world = World(Path(home))
    world.assets.sweep()
    world.queue.start()
    if command == "resume":
        print(json.dumps({"ready": time.perf_counter() - begun}), flush=True)
    elif command == "cancel":
        job = world.submit("slow_picture")
        print(json.dumps({"accepted": job.id}), flush=True)
        world.running(job)
        world.queue.cancel(job.id)
    else:
        for _ in range(3):
            job = world.submit(command, "paid:m" if command == "buy" else "local:a")
            print(json.dumps({"accepted": job.id}), flush=True)
    for job in world.queue.jobs(limit=1000).items:
        if not job.held:
            world.queue.wait(job.id, 20)
    world.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
