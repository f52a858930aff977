"""The list of models: workflows and checkpoints over all servers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from diorama.contract import Availability, AvailabilityState, DioramaError, ModelInfo, from_plain, to_plain

from diorama_comfyui.models.checkpoints import CheckpointReader
from diorama_comfyui.models.store import WorkflowRecord, WorkflowStore
from diorama_comfyui.schema import ObjectInfo
from diorama_comfyui.server.errors import ServerError
from diorama_comfyui.server.servers import Server, Servers, ServerState

if TYPE_CHECKING:
    from diorama_comfyui.models.analysed import AnalysedWorkflow


class Lister:
    """Makes the catalog entries of a backend.

    What understands workflows is loaded where there are any: a server without ComfyUI needs none of it.

    Args:
        backend: Its id.
        servers: Where things run.
        store: The imported workflows.
        analysed: Understands one of them with a server's node classes.
        previews: Whether the servers send some.
        checkpoints: Whether the servers' checkpoints are models too.
    """

    def __init__(
        self, backend: str, servers: Servers, store: WorkflowStore,
        analysed: Callable[[WorkflowRecord, ObjectInfo], AnalysedWorkflow], *, previews: bool, checkpoints: bool,
    ) -> None:  # fmt: skip
        self._backend = backend
        self._servers = servers
        self._store, self._analysed = store, analysed
        self._previews = previews
        self._checkpoints = checkpoints
        self.readers = {server.url: CheckpointReader(server.client) for server in servers.all}

    def entries(
        self, log: logging.Logger, *, may_use_network: bool, refresh: bool, has_key: bool
    ) -> list[ModelInfo]:
        """All models, the ones that can not run now included."""
        states = self._servers.probe(lambda server: may_use_network or server.is_local)
        infos = self._infos(states, refresh)
        found: list[ModelInfo] = []
        for record in self._store.all():
            try:
                entry = self._workflow(record, states, infos, has_key)
            except (DioramaError, ValueError) as error:
                log.warning("workflow %s is left out: %s", record.id, error)
                continue
            if entry is not None:
                found.append(entry)
        return [*found, *(self._checkpoint_entries(states, infos) if self._checkpoints else ())]

    def _infos(self, states: Mapping[str, ServerState], refresh: bool) -> dict[str, ObjectInfo]:
        infos = {}
        for server in self._servers.all:
            info = None
            if states[server.url].online:
                try:
                    info = server.info(refresh=refresh)
                except ServerError:
                    info = None
            info = info or server.known_info()
            if info is not None:
                infos[server.url] = info
        return infos

    def _workflow(
        self,
        record: WorkflowRecord,
        states: Mapping[str, ServerState],
        infos: Mapping[str, ObjectInfo],
        has_key: bool,
    ) -> ModelInfo | None:
        """The entry on the first server where it can run, else on the first that is up, else from memory."""
        from diorama_comfyui.models.entries import availability_of, offline, workflow_entry

        urls = [server.url for server in self._own_servers(record)]
        best: ModelInfo | None = None
        for url in sorted((url for url in urls if url in infos), key=lambda url: not states[url].online):
            analysed = self._analysed(record, infos[url])
            availability = availability_of(analysed, has_key=has_key)
            entry = workflow_entry(self._backend, record, analysed, availability, previews=self._previews)
            if entry is None:
                return None
            if not states[url].online:
                best = best or offline(entry, ", ".join(urls))
                break
            if best is None or availability.state is AvailabilityState.READY:
                best = entry
            if availability.state is AvailabilityState.READY:
                break
        if best is not None:
            self._store.remember_model(record.id, to_plain(best))
        elif record.model is not None:
            best = offline(from_plain(ModelInfo, record.model), ", ".join(urls))
        return best

    def _own_servers(self, record: WorkflowRecord) -> tuple[Server, ...]:
        if record.server is None:
            return self._servers.all
        return tuple(server for server in self._servers.all if server.url == record.server)

    def _checkpoint_entries(
        self, states: Mapping[str, ServerState], infos: Mapping[str, ObjectInfo]
    ) -> list[ModelInfo]:
        if not infos:
            return []
        from diorama_comfyui.models.builtin import checkpoint_entry
        from diorama_comfyui.models.entries import offline

        found: dict[str, ModelInfo] = {}
        for server in sorted(self._servers.all, key=lambda server: not states[server.url].online):
            info = infos.get(server.url)
            if info is None:
                continue
            online = states[server.url].online
            for checkpoint in self.readers[server.url].read(info, online=online):
                entry = checkpoint_entry(
                    self._backend, checkpoint, info, Availability(), previews=self._previews
                )
                found.setdefault(entry.id, entry if online else offline(entry, server.url))
        return list(found.values())
