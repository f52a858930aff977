"""The engine in this process."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any

from diorama.catalog import ModelFilter
from diorama.contract import LoraRef, to_plain
from diorama.engine import Engine
from diorama.jobs.records import Job
from diorama.jobs.submission import Submission
from diorama.offers import group
from diorama.resolution import Resolved
from diorama.views import costs_view, disk_view, estimate_view, family_view, lora_view

_PLAIN = {item.name for item in fields(Submission)} - {
    "images",
    "sounds",
    "mask",
    "media",
    "control",
    "loras",
}


class LocalClient:
    """A :class:`diorama.cli.client.Client` over an engine of our own."""

    def __init__(self) -> None:
        self._engine = Engine()

    def __enter__(self) -> LocalClient:
        self._engine.start(work=False)  # looking at things runs no job that somebody left waiting
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()

    def models(self, **filters: str | None) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [model_view(model) for model in self._engine.catalog.models(ModelFilter(**filters))]

    def model(self, model_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return model_view(self._engine.catalog.get(model_id))

    def refresh(self) -> None:
        """See :class:`Client`."""
        self._engine.catalog.refresh()

    def add_model(self, backend: str, source: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return model_view(self._engine.add_model(backend, source))

    def delete_model(self, model_id: str) -> int:
        """See :class:`Client`."""
        return self._engine.delete_model(model_id)

    def remove_model(self, model_id: str) -> str:
        """See :class:`Client`."""
        return self._engine.shelf.remove(model_id)

    def unload_model(self, model_id: str) -> str:
        """See :class:`Client`."""
        model = self._engine.catalog.get(model_id)
        self._engine.executor.unload(model.backend, model.native_id)
        return model.id

    def disk_use(self) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [disk_view(item) for item in self._engine.shelf.on_disk()]

    def loras(self, kind: str | None = None) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [lora_view(item) for item in self._engine.shelf.loras(kind or "")]

    def plan(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`Client`."""
        submission = self._submission(body)
        plan = _plan_view(self._engine.plan(submission))
        return plan | {"estimate": estimate_view(self._engine.estimate([submission]))}

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`Client`."""
        return job_view(self._engine.submit(self._submission(body)))

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        """See :class:`Client`."""
        changes: queue.SimpleQueue[None] = queue.SimpleQueue()
        unsubscribe = self._engine.events.subscribe(lambda _event: changes.put(None), job_id=job_id)
        try:
            while True:
                job = self._engine.job(job_id)
                yield job_view(job)
                if job.status.final:
                    return
                changes.get()
                while not changes.empty():
                    changes.get()
        finally:
            unsubscribe()

    def job(self, job_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return job_view(self._engine.job(job_id))

    def jobs(self, **filters: Any) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [job_view(job) for job in self._engine.jobs(**filters).items]

    def cancel(self, job_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return job_view(self._engine.cancel(job_id))

    def retry(self, job_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return job_view(self._engine.retry(job_id))

    def assets(self, **filters: Any) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [_plain(asset) for asset in self._engine.assets.list(**filters).items]

    def asset(self, asset_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return _plain(self._engine.assets.get(asset_id))

    def asset_bytes(self, asset_id: str, *, format: str | None = None) -> bytes:
        """See :class:`Client`."""
        if format:
            content, _mime = self._engine.assets.export(asset_id, format)
            return content if isinstance(content, bytes) else Path(content).read_bytes()
        return Path(self._engine.assets.file(asset_id)).read_bytes()

    def plugins(self) -> dict[str, Any]:
        """See :class:`Client`."""
        registry = self._engine.registry
        return {"loaded": to_plain(registry.loaded), "broken": to_plain(registry.broken)}

    def service(self, name: str, **arguments: Any) -> dict[str, Any]:
        """See :class:`Client`."""
        from diorama.services.table import SERVICES

        answer = SERVICES[name].call(self._engine, **arguments)
        return job_view(answer) if isinstance(answer, Job) else dict(answer)

    def status(self) -> dict[str, Any]:
        """See :class:`Client`."""
        return dict(self._engine.status())

    def families(self, **filters: str | None) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        models = self._engine.catalog.models(ModelFilter(**filters))
        return [family_view(family) for family in group(models, self._engine.estimator.typical())]

    def estimate(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`Client`."""
        return estimate_view(self._engine.estimate([self._submission(body)]))

    def costs(self, **filters: str | None) -> dict[str, Any]:
        """See :class:`Client`."""
        given: dict[str, Any] = {key: value for key, value in filters.items() if value is not None}
        return costs_view(self._engine.costs, self._engine.purse.caps, **given)

    def providers(self) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [_plain(provider) for provider in self._engine.providers.all()]

    def set_secret(self, provider_id: str, name: str, value: str | None) -> dict[str, Any]:
        """See :class:`Client`."""
        return _plain(self._engine.providers.change(provider_id, secrets={name: value}))

    def test_provider(self, provider_id: str) -> str:
        """See :class:`Client`."""
        return self._engine.providers.test(provider_id)

    def _submission(self, body: Mapping[str, Any]) -> Submission:
        values = {key: value for key, value in body.items() if key in _PLAIN and value is not None}
        take_in = self._engine.take_in
        values["images"] = tuple(take_in(image, name="reference_images") for image in body.get("images", ()))
        values["sounds"] = tuple(take_in(sound, name="sounds") for sound in body.get("sounds", ()))
        for name in ("mask", "media"):
            if body.get(name) is not None:
                values[name] = take_in(body[name], name=name)
        maps = body.get("control", {})
        values["control"] = {kind: take_in(file, name=f"control.{kind}") for kind, file in maps.items()}
        values["loras"] = tuple(LoraRef(**lora) for lora in body.get("loras", ()))
        return Submission(**values)


def model_view(model: Any) -> dict[str, Any]:
    """Return a catalog entry as plain values."""
    return dict(to_plain(model)) | {"backend": model.backend, "mode": model.mode}


def job_view(job: Job) -> dict[str, Any]:
    """Return a job as plain values."""
    return dict(to_plain(job)) | {"job_id": job.id}


def _plan_view(plan: Resolved) -> dict[str, Any]:
    return {
        "kind": plan.kind.value,
        "model": plan.model.id,
        "applied": dict(plan.applied),
        "adjusted": to_plain(plan.adjusted),
        "ignored": to_plain(plan.ignored),
    }


def _plain(record: Any) -> dict[str, Any]:
    return dict(to_plain(record))
