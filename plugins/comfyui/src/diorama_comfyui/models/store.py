"""Imported workflows on disk, one JSON file each."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from diorama.contract import InvalidRequest, NotFound

_FORMAT = 1
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True, slots=True)
class WorkflowRecord:
    """An imported workflow.

    Attributes:
        id: Slug; the native id of the model.
        title: Name for people.
        document: The workflow as it was imported, in UI or API form.
        description: Free text.
        server: Address of the server that must run it; None for any.
        overrides: By parameter name, what the user changed about it: ``label``, ``group``
            (``main`` or ``advanced``), ``hidden``, ``default``.
        model: The catalog entry as of the last look, for times when no server can be asked.
        created_at: Seconds since 1970.
        updated_at: Seconds since 1970.
    """

    id: str
    title: str
    document: dict[str, Any]
    description: str = ""
    server: str | None = None
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    model: dict[str, Any] | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class WorkflowStore:
    """The folder with the imported workflows. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._cache: dict[str, tuple[int, WorkflowRecord]] = {}

    def all(self) -> list[WorkflowRecord]:
        """All workflows by title. A damaged file is left out."""
        found = []
        with self._lock:
            for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
                try:
                    found.append(self._read(path))
                except (OSError, ValueError, TypeError, KeyError):
                    continue
        return sorted(found, key=lambda record: (record.title.lower(), record.id))

    def get(self, workflow_id: str) -> WorkflowRecord:
        """One workflow. Raises ``NotFound``."""
        path = self._path(workflow_id)
        with self._lock:
            try:
                return self._read(path)
            except FileNotFoundError:
                raise NotFound(f"There is no imported workflow {workflow_id!r:.90}.") from None
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise NotFound(
                    f"The file of workflow {workflow_id!r:.90} can not be read ({error})."
                ) from None

    def add(self, title: str, document: Mapping[str, Any], **more: Any) -> WorkflowRecord:
        """Store a new workflow under a free id made from its title."""
        with self._lock:
            base = slug(title)
            workflow_id, number = base, 1
            while self._path(workflow_id).exists():
                number += 1
                workflow_id = f"{base}-{number}"
            now = time.time()
            record = WorkflowRecord(
                workflow_id, title, dict(document), created_at=now, updated_at=now, **more
            )
            self._write(record)
            return record

    def change(self, workflow_id: str, **fields: Any) -> WorkflowRecord:
        """Change some fields of a workflow. Raises ``NotFound``."""
        with self._lock:
            record = replace(self.get(workflow_id), updated_at=time.time(), **fields)
            self._write(record)
            return record

    def remember_model(self, workflow_id: str, model: dict[str, Any]) -> None:
        """Keep the catalog entry without counting it as a change."""
        with self._lock:
            record = self.get(workflow_id)
            if record.model != model:
                self._write(replace(record, model=model))

    def delete(self, workflow_id: str) -> int:
        """Remove a workflow and return the freed bytes. Raises ``NotFound``."""
        path = self._path(workflow_id)
        with self._lock:
            self.get(workflow_id)
            size = path.stat().st_size
            path.unlink()
            self._cache.pop(workflow_id, None)
            return size

    def _path(self, workflow_id: str) -> Path:
        if not _SLUG.fullmatch(workflow_id):
            raise NotFound(f"There is no imported workflow {workflow_id!r:.90}.")
        return self._folder / f"{workflow_id}.json"

    def _read(self, path: Path) -> WorkflowRecord:
        stamp = path.stat().st_mtime_ns
        known = self._cache.get(path.stem)
        if known is not None and known[0] == stamp:
            return known[1]
        raw = json.loads(path.read_bytes())
        if raw.pop("format") != _FORMAT:
            raise ValueError("written by a newer version")
        record = WorkflowRecord(**raw)
        self._cache[path.stem] = (stamp, record)
        return record

    def _write(self, record: WorkflowRecord) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        body = json.dumps({"format": _FORMAT, **asdict(record)}, ensure_ascii=True, indent=1)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=f".{record.id}")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path(record.id))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._cache.pop(record.id, None)


def slug(title: str) -> str:
    """An id made from a title: lower-case words with hyphens, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-") or "workflow"


def check_overrides(overrides: object, names: set[str]) -> dict[str, dict[str, Any]]:
    """Return clean overrides. Raises ``InvalidRequest`` naming the entry that makes no sense."""
    if not isinstance(overrides, Mapping):
        raise InvalidRequest("overrides is an object by parameter name.", field="overrides")
    clean: dict[str, dict[str, Any]] = {}
    for name, change in overrides.items():
        place = f"overrides.{name}"
        if name not in names:
            raise InvalidRequest(f"The workflow has no parameter {name!r:.60}.", field=place)
        if not isinstance(change, Mapping):
            raise InvalidRequest(f"{place} is an object.", field=place)
        checks = {
            "label": lambda value: isinstance(value, str) and 0 < len(value) <= 120,
            "group": lambda value: value in ("main", "advanced"),
            "hidden": lambda value: isinstance(value, bool),
            "default": lambda value: isinstance(value, (str, int, float, bool)),
        }
        for key, value in change.items():
            if key not in checks:
                known = ", ".join(checks)
                raise InvalidRequest(f"{place} can hold {known}, not {key!r:.40}.", field=place)
            if not checks[key](value):
                raise InvalidRequest(f"{place}.{key} can not be {value!r:.40}.", field=f"{place}.{key}")
        clean[str(name)] = dict(change)
    return clean
