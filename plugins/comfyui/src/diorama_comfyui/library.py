"""Importing, showing and changing workflows: what routes and commands call."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diorama.contract import BackendNotReady, InvalidRequest

from diorama_comfyui.convert import WorkflowError, find_workflow, load_document
from diorama_comfyui.models.analysed import AnalysedWorkflow, analyse, analyse_document
from diorama_comfyui.models.plain import analysis_report, record_summary
from diorama_comfyui.models.store import WorkflowRecord, WorkflowStore, check_overrides
from diorama_comfyui.schema import ObjectInfo
from diorama_comfyui.server.errors import ServerError
from diorama_comfyui.server.servers import Server, Servers

_MAX_TITLE = 120


class WorkflowLibrary:
    """The imported workflows of a backend. Safe to use from several threads."""

    def __init__(self, backend: str, store: WorkflowStore, servers: Servers) -> None:
        self._backend = backend
        self.store = store
        self._servers = servers
        self._lock = threading.Lock()
        self._analysed: dict[str, tuple[float, ObjectInfo, AnalysedWorkflow]] = {}

    def analysed(self, record: WorkflowRecord, info: ObjectInfo) -> AnalysedWorkflow:
        """A workflow understood; kept until it or the server's classes change. Raises ``InvalidRequest``."""
        with self._lock:
            known = self._analysed.get(record.id)
            if known is not None and known[0] == record.updated_at and known[1] is info:
                return known[2]
        try:
            found = analyse(record, info)
        except WorkflowError as error:
            raise InvalidRequest(
                f"The workflow {record.title!r:.60} can not be used: {error}.", field="workflow"
            ) from error
        with self._lock:
            self._analysed[record.id] = (record.updated_at, info, found)
        return found

    def import_workflow(
        self,
        data: bytes | str | Path | Mapping[str, Any],
        *,
        title: str | None = None,
        file_name: str | None = None,
        description: str = "",
        server: str | None = None,
    ) -> dict[str, Any]:
        """Store a workflow and return what is known of it.

        Args:
            data: JSON in either format, or a picture, video or sound file that carries one.
            title: Name for people; found in the file or its name if left out.
            file_name: Name of the uploaded file, for the title.
            description: Free text.
            server: Address of the server that must run it; any if left out.

        Raises:
            InvalidRequest: there is no usable workflow in it, or the server is not configured.
            BackendNotReady: no server was ever seen, so its node classes are not known.
        """
        document = _document(data)
        info = self._info(server)
        analysed = _analyse(document, info)
        name = title or analysed.conversion.title or _stem(data, file_name) or "Workflow"
        record = self.store.add(
            name.strip()[:_MAX_TITLE] or "Workflow",
            document,
            description=description[:2000],
            server=_url(server),
        )
        return self._show(record, analysed)

    def convert(
        self, data: bytes | str | Path | Mapping[str, Any], *, server: str | None = None
    ) -> dict[str, Any]:
        """Convert without storing: ``prompt`` in API form and the report. Raises as :meth:`import_workflow`."""
        analysed = _analyse(_document(data), self._info(server))
        return {"prompt": analysed.conversion.prompt, **analysis_report(analysed)}

    def list(self) -> list[dict[str, Any]]:
        """All imported workflows by title."""
        return [record_summary(record, self._backend) for record in self.store.all()]

    def show(self, workflow_id: str) -> dict[str, Any]:
        """Everything about a workflow. Raises ``NotFound``."""
        record = self.store.get(workflow_id)
        return self._show(record, self.analysed(record, self._info(record.server)))

    def update(self, workflow_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change ``title``, ``description``, ``server``, ``overrides`` or the ``workflow`` itself.

        Raises ``NotFound`` and ``InvalidRequest`` naming the field.
        """
        record = self.store.get(workflow_id)
        fields: dict[str, Any] = {}
        for name, value in changes.items():
            if name in ("title", "description"):
                if not isinstance(value, str) or (name == "title" and not value.strip()):
                    raise InvalidRequest(f"{name} is a text.", field=name)
                fields[name] = value.strip()[: _MAX_TITLE if name == "title" else 2000]
            elif name == "server":
                fields["server"] = _url(value)
            elif name == "workflow":
                fields["document"] = _document(value)
            elif name != "overrides":
                raise InvalidRequest(f"A workflow has no {name!r:.40}.", field=name)
        info = self._info(fields.get("server", record.server))
        fresh = _analyse(fields.get("document", record.document), info)
        names = {parameter.name for parameter in fresh.parameters}
        if "overrides" in changes:
            fields["overrides"] = check_overrides(changes["overrides"], names)
        elif "document" in fields:
            fields["overrides"] = {key: value for key, value in record.overrides.items() if key in names}
        record = self.store.change(workflow_id, **fields)
        return self._show(record, self.analysed(record, info))

    def delete(self, workflow_id: str) -> int:
        """Remove a workflow and return the freed bytes. Raises ``NotFound``."""
        with self._lock:
            self._analysed.pop(workflow_id, None)
        return self.store.delete(workflow_id)

    def _show(self, record: WorkflowRecord, analysed: AnalysedWorkflow) -> dict[str, Any]:
        summary = record_summary(record, self._backend)
        report = analysis_report(analysed)
        operations = [report["operation"]] if report["operation"] else []
        return {**summary, "operations": operations, "overrides": record.overrides, **report}

    def _info(self, url: str | None) -> ObjectInfo:
        """The node classes of a server, fresh if it is up."""
        try:
            servers = (self._servers.get(url),) if url else self._servers.all
        except KeyError:
            raise InvalidRequest(
                f"There is no ComfyUI server {url!r:.80} in the settings.", field="server"
            ) from None
        for server in servers:
            try:
                return server.info()
            except ServerError:
                continue
        for server in servers:
            known = server.known_info()
            if known is not None:
                return known
        raise BackendNotReady(
            f"No ComfyUI answers at {_urls(servers)}, and its nodes are not known yet.",
            fix="Start ComfyUI once.",
        )


def _document(data: object) -> dict[str, Any]:
    try:
        if isinstance(data, (bytes, Path)):
            return find_workflow(data)
        if isinstance(data, (str, Mapping)):
            return load_document(data)
    except WorkflowError as error:
        raise InvalidRequest(f"{str(error)[:1].upper()}{str(error)[1:]}.", field="workflow") from error
    except OSError as error:
        raise InvalidRequest(f"The file can not be read ({error.strerror}).", field="workflow") from error
    raise InvalidRequest("A workflow is a file or a JSON object.", field="workflow")


def _analyse(document: dict[str, Any], info: ObjectInfo) -> AnalysedWorkflow:
    try:
        return analyse_document(document, info)
    except WorkflowError as error:
        raise InvalidRequest(f"The workflow can not be used: {error}.", field="workflow") from error


def _stem(data: object, file_name: str | None) -> str:
    name = file_name or (data.name if isinstance(data, Path) else "")
    return Path(name).stem.replace("_", " ") if name else ""


def _url(server: object) -> str | None:
    if server is None or server == "":
        return None
    if not isinstance(server, str):
        raise InvalidRequest("server is an address.", field="server")
    return server.rstrip("/")


def _urls(servers: tuple[Server, ...]) -> str:
    return ", ".join(server.url for server in servers)
