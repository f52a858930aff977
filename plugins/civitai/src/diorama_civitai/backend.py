"""The backend: nothing runs here; files are found, fetched and handed to the backend that loads them."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diorama.contract import (
    Backend,
    BackendSettings,
    BaseContext,
    JobContext,
    ListContext,
    ModelInfo,
    NotFound,
    UnknownModel,
    hookimpl,
)

from diorama_civitai.api.client import CivitaiClient, Sleep, refuse_offline
from diorama_civitai.api.hosts import Hosts
from diorama_civitai.api.names import Name, read_hash, read_link, read_native
from diorama_civitai.api.search import read_filters, search
from diorama_civitai.api.shapes import ModelPage, VersionInfo, read_model, read_version, text
from diorama_civitai.download.choice import Choice, choose
from diorama_civitai.download.partial import Partial, PartState
from diorama_civitai.download.shelf import Shelf
from diorama_civitai.download.sidecar import describe_file, write_sidecar
from diorama_civitai.entry import model_entry
from diorama_civitai.options import read_options
from diorama_civitai.views import model_summary, model_view, version_view

KEY = "api_key"


class CivitaiBackend(Backend):
    """Model files of Civitai.

    It lists nothing and runs nothing: a file is named as ``civitai:<version>`` or ``civitai:<version>/<file>``, and a
    download job brings it into the models folders. :meth:`search`, :meth:`model`, :meth:`version`, :meth:`by_hash` and
    :meth:`native_id` serve pages and commands.
    """

    title = "Civitai"
    concurrency = 2
    secrets = {KEY: ("CIVITAI_API_TOKEN", "CIVITAI_TOKEN", "CIVITAI_API_KEY")}  # noqa: RUF012

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self.options = read_options(settings.options)
        self._hosts = Hosts(self.options)
        self._client = CivitaiClient(self.options, self._hosts)
        self._shelf = Shelf(settings.models_dirs)

    # -- hooks -------------------------------------------------------------------------------

    @hookimpl
    def list_models(self, context: ListContext) -> Sequence[ModelInfo]:
        """Nothing: what there is on Civitai is found by :meth:`search`."""
        return ()

    def describe(self, native_id: str, context: ListContext) -> ModelInfo | None:
        """Return the entry of a file that may be downloaded, ``None`` for what is no name of one.

        Raises:
            DioramaError: it exists and is not given out, or is in a format that is never loaded.
        """
        name = read_native(native_id)
        if name is None:
            return None
        refuse_offline(context.offline)
        model, version = self._version(name.version, context)
        choice = choose(version, model.type, name.file)
        here = self._here(version, choice)
        stem = here.stem if here is not None else ""
        return model_entry(self.name, native_id, model, version, choice, self.options.url, stem)

    # -- downloads ---------------------------------------------------------------------------

    def download(self, native_id: str, context: JobContext) -> None:
        """Fetch a file into the models folder of its kind, check it, and write what is known of it beside it.

        What is there already, by content, is not fetched again; what was begun is continued.

        Raises:
            DioramaError: it could not be had, or is not what Civitai lists.
        """
        name = read_native(native_id)
        if name is None:
            raise UnknownModel(f"{native_id!r:.80} names no version of Civitai.", field="model")
        refuse_offline(self.settings.offline)
        context.progress("downloading", 0.0, "Asking Civitai about the file")
        model, version = self._version(name.version, context, context.wait)
        choice = choose(version, model.type, name.file)
        with self._shelf.alone(choice.file.sha256 or f"{version.id}/{choice.file.id}", context):
            if self._here(version, choice) is not None:
                context.progress("downloading", 1.0, "It is here already")
                return
            self._fetch(model, version, choice, context)

    def _fetch(self, model: ModelPage, version: VersionInfo, choice: Choice, context: JobContext) -> None:
        file, target = choice.file, self._shelf.target(version, choice)
        digest = self._left_behind(target, file.sha256, context) or self._transferred(
            version, choice, target, context
        )
        size = target.stat().st_size
        plain = describe_file(model, version, choice, digest, size, self.options.url)
        write_sidecar(target, plain)
        context.progress("downloading", 1.0, f"Saved as {target.name}", bytes_done=size, bytes_total=size)

    def _left_behind(self, target: Path, sha256: str, context: JobContext) -> str:
        """Return the digest of a whole file that a crash left without its note, empty when there is none."""
        if not sha256 or not target.is_file():
            return ""
        context.progress("downloading", None, "Checking what is here already")
        with target.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        return found if found == sha256 else ""

    def _transferred(self, version: VersionInfo, choice: Choice, target: Path, context: JobContext) -> str:
        """Fetch a file to its place and return its digest."""
        file = choice.file
        route = f"{self.options.url}/api/download/models/{version.id}?fileId={file.id}"
        listed = file.url if self._hosts.may_see_key(file.url) else route
        from diorama_civitai.download.transfer import Source, Transfer  # later: an idle server holds less

        source = Source(tuple(dict.fromkeys((listed, route))), file.name, file.size, file.sha256)
        partial = Partial(target, PartState(version.id, file.id, file.sha256))
        key = context.secret(KEY)
        return Transfer(source, target, partial, context, self.options, self._hosts, key).run()

    def _here(self, version: VersionInfo, choice: Choice) -> Path | None:
        digest = choice.file.sha256
        found = (
            self._shelf.find(sha256=digest)
            if digest
            else self._shelf.find(version=version.id, file=choice.file.id)
        )
        return found[0] if found else None

    def delete(self, native_id: str) -> int:
        """Remove a downloaded file and what is kept about it."""
        name = read_native(native_id)
        return self._shelf.remove(name.version, name.file) if name else 0

    # -- pages and commands ------------------------------------------------------------------

    def search(self, filters: Mapping[str, Any], context: ListContext) -> dict[str, Any]:
        """Return ``{"models", "next_cursor"}`` for filters as :class:`diorama_civitai.api.search.Filters` names them.

        Raises:
            InvalidRequest: a filter is unknown or has a value that cannot be.
            DioramaError: Civitai does not answer, or refuses.
        """
        refuse_offline(context.offline)
        wanted = read_filters(filters)
        models, cursor = search(self._client, wanted, context.secret(KEY))
        shown = [model_summary(model, self.options.url, nsfw=wanted.nsfw) for model in models]
        return {"models": shown, "next_cursor": cursor}

    def model(self, model_id: int, context: ListContext, *, nsfw: bool = False) -> dict[str, Any]:
        """Return everything about a model. Raises ``NotFound`` and as :meth:`search`."""
        refuse_offline(context.offline)
        found = self._model(model_id, context, fresh=context.refresh)
        return model_view(found, self.options.url, nsfw=nsfw)

    def version(self, version_id: int, context: ListContext, *, nsfw: bool = False) -> dict[str, Any]:
        """Return everything about a version. Raises ``NotFound`` and as :meth:`search`."""
        refuse_offline(context.offline)
        model, version = self._version(version_id, context)
        return version_view(version, model, self.options.url, nsfw=nsfw)

    def by_hash(self, digest: str, context: ListContext, *, nsfw: bool = False) -> dict[str, Any]:
        """Return the version that holds a file with this hash, whichever kind of hash it is.

        A file that was downloaded here is known without asking.

        Raises:
            InvalidRequest: it is no hash.
            NotFound: Civitai knows no such file.
        """
        wanted = read_hash(digest)
        here = self._shelf.by_hash(wanted)
        if here is None:
            refuse_offline(context.offline)
            found = read_version(self._client.page(f"model-versions/by-hash/{wanted}", context.secret(KEY)))
            version_id = found.id
        else:
            version_id = int(here["version_id"])
        return self.version(version_id, context, nsfw=nsfw)

    def native_id(self, text: str, context: ListContext) -> str:
        """Return the native id that a version's number, a link, an AIR or a hash names.

        Raises:
            UnknownModel: it names nothing that could be downloaded.
        """
        name = read_native(text) or read_link(text) or Name()
        if name.model and not name.version:
            refuse_offline(context.offline)
            page = self._model(name.model, context)
            name = Name(version=page.versions[0].id if page.versions else 0)
        if not name.version and len(text.strip()) in (10, 12, 64):
            name = Name(version=int(self.by_hash(text, context)["id"]))
        if not name.version:
            raise UnknownModel(
                f"{text!r:.80} names nothing on Civitai.",
                field="model",
                fix="Give the number of a version, a link to a model, an AIR, or a hash.",
            )
        return f"{name.version}/{name.file}" if name.file else str(name.version)

    def check(self, context: BaseContext) -> str:
        """Ask Civitai with the key, when there is one."""
        key = context.secret(KEY)
        if not key:
            self._client.search((("limit", "1"),), None)
            return f"{self.options.url} answers; no key is set, which most downloads do not need."
        me = self._client.page("me", key, fresh=True)
        return f"{self.options.url} knows the key of {text(me.get('username')) or 'somebody':.60}."

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _model(self, model_id: int, context: BaseContext, *, fresh: bool = False) -> ModelPage:
        return read_model(self._client.page(f"models/{int(model_id)}", context.secret(KEY), fresh=fresh))

    def _version(
        self, version_id: int, context: BaseContext, sleep: Sleep = time.sleep
    ) -> tuple[ModelPage, VersionInfo]:
        """Return a version with its model, whose page adds licence and creator; without one the version's own words."""
        key = context.secret(KEY)
        version = read_version(self._client.page(f"model-versions/{int(version_id)}", key, sleep=sleep))
        if not version.id:
            raise NotFound(f"Civitai has no version {version_id}.", field="version_id")
        page: Any = {"id": version.model_id, **version.model}
        if version.model_id:
            with contextlib.suppress(NotFound):
                page = self._client.page(f"models/{version.model_id}", key, sleep=sleep)
        return read_model(page), version
