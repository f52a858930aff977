"""The asset store: results as files and rows, found again, thrown away, brought back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.assets import query
from diorama.assets.files import digest, folder_of, inside, make_folder, sync_folder, write_whole
from diorama.assets.formats import BY_MIME
from diorama.assets.recipe import plain
from diorama.assets.records import Asset, Count, Filters, Page, from_row
from diorama.assets.staged import StagedOutput
from diorama.assets.sweep import SweepReport, remove_unfinished, sweep
from diorama.contract import InvalidRequest, MediaInput, NotFound
from diorama.database.writer import Database
from diorama.ids import id_time, is_id
from diorama.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_TITLE = 200

CLOCK_STEP = 0.1
"""Seconds. File systems stamp with a clock that lags behind ``time.time()`` by up to a tick of the kernel; without this
a sweep would take a folder made right after the store for an older one."""


class AssetStore:
    """Files under ``settings.assets_dir`` and their rows. Thread-safe.

    Args:
        database: Migrated.
        settings: Where files lie.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self.root = settings.assets_dir
        self._born = time.time() - CLOCK_STEP

    # Coming in

    def place(
        self,
        staged: StagedOutput,
        recipe: Mapping[str, Any],
        asset_id: str,
        *,
        job: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Put a staged output at its final place, with its recipe inside, and return its row for :meth:`insert`.

        The file is on disk when this returns. Until the row is committed nobody sees it; :meth:`sweep` removes it
        should that never happen.

        Args:
            staged: From :func:`diorama.assets.staging.stage`.
            recipe: From :func:`diorama.assets.recipe.build_recipe`.
            asset_id: A new id.
            job: The job as plain values: ``id``, ``owner``, ``session_id``, ``batch_id``.

        Raises:
            InsufficientStorage: the disk is full.
        """
        from diorama.assets.metadata import embed

        _checked(asset_id)
        relative = f"{folder_of(asset_id)}/{asset_id}"
        path = self.root / f"{relative}.{BY_MIME[staged.mime].extension}"
        make_folder(path.parent)
        thumbnail = self._place_thumbnail(staged.thumbnail, relative)
        write_whole(path, lambda new: embed(staged.path, new, recipe, staged.mime))
        sync_folder(path.parent)
        return self._row(staged, recipe, asset_id, job or {}, path, thumbnail)

    def _place_thumbnail(self, source: Path | None, relative: str) -> str | None:
        if source is None:
            return None
        data = source.read_bytes()
        write_whole(self.root / f"{relative}.thumb.webp", lambda new: new.write_bytes(data), durable=False)
        return f"{relative}.thumb.webp"

    def _row(
        self,
        staged: StagedOutput,
        recipe: Mapping[str, Any],
        asset_id: str,
        job: Mapping[str, Any],
        path: Path,
        thumbnail: str | None,
    ) -> dict[str, Any]:
        loras = [item["id"] for item in recipe.get("loras") or ()]
        parents = [item["asset_id"] for item in recipe.get("parents") or () if item.get("asset_id")]
        cost = recipe.get("cost") or {}
        return {
            "id": asset_id, "job_id": job.get("id") or recipe.get("job_id"), "position": staged.index,
            "kind": staged.kind, "mime": staged.mime, "path": path.relative_to(self.root).as_posix(),
            "thumbnail": thumbnail, "placeholder": staged.placeholder or None, "width": staged.width,
            "height": staged.height, "duration": staged.duration, "fps": staged.fps, "frames": staged.frames,
            "has_audio": staged.has_audio, "sample_rate": staged.sample_rate,
            "channels": staged.channels, "bytes": path.stat().st_size, "sha256": digest(path),
            "prompt": str(recipe.get("prompt") or ""), "title": None, "model": str(recipe.get("model") or ""),
            "operation": str(recipe.get("operation") or ""), "seed": _storable(recipe.get("seed")),
            "loras": json.dumps(loras, ensure_ascii=False) if loras else None, "owner": job.get("owner") or "",
            "session_id": job.get("session_id"), "batch_id": job.get("batch_id"),
            "parents": json.dumps(parents) if parents else None, "favourite": False,
            "cost": cost.get("amount") if isinstance(cost, Mapping) else None,
            "recipe": json.dumps(recipe), "created_at": id_time(asset_id), "trashed_at": None,
        }  # fmt: skip

    def insert(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows of :meth:`place` within the caller's transaction."""
        from diorama.database.tables import assets

        if rows:
            connection.execute(assets.insert(), [dict(row) for row in rows])

    def discard(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Remove the files of rows that were placed and will not be inserted (the job was cancelled meanwhile)."""
        for row in rows:
            for name in filter(None, (row["path"], row["thumbnail"])):
                (self.root / name).unlink(missing_ok=True)

    # Looking

    def get(self, asset_id: str) -> Asset:
        """Return one asset, also from the trash.

        Raises:
            NotFound: there is none with that id.
        """
        from sqlalchemy import select

        from diorama.database.tables import assets

        _checked(asset_id)
        with self._database.read() as connection:
            row = connection.execute(select(assets).where(assets.c.id == asset_id)).mappings().first()
        if row is None:
            raise _missing(asset_id)
        return from_row(row)  # type: ignore[arg-type]

    def list(self, *, limit: int = 50, cursor: str | None = None, **filters: Any) -> Page:
        """Return one page, newest first.

        Args:
            limit: 1 to 500.
            cursor: ``next_cursor`` of the page before.
            filters: Fields of :class:`diorama.assets.records.Filters`.

        Raises:
            InvalidRequest: a filter, the cursor or the limit is not known.
        """
        with self._database.read() as connection:
            return query.list_assets(connection, _filters(filters), limit=limit, cursor=cursor)

    def count(self, **filters: Any) -> Count:
        """Count assets, up to ten thousand.

        Raises:
            InvalidRequest: a filter is not known.
        """
        with self._database.read() as connection:
            return query.count_assets(connection, _filters(filters))

    # Files

    def file(self, asset_id: str) -> Path:
        """Return the asset's file.

        Raises:
            NotFound: there is no such asset, or its file is gone.
        """
        return inside(self.root, self.get(asset_id).path)

    def thumbnail(self, asset_id: str) -> Path:
        """Return the asset's WebP thumbnail, made anew should it be missing.

        Raises:
            NotFound: there is no such asset, or its file is gone.
        """
        asset = self.get(asset_id)
        relative = asset.thumbnail or f"{folder_of(asset.id)}/{asset.id}.thumb.webp"
        path = self.root / relative
        if not path.is_file() or path.stat().st_size == 0:
            from diorama.assets import export

            data = export.thumbnail_of(inside(self.root, asset.path), self._settings.limits)
            write_whole(path, lambda new: new.write_bytes(data), durable=False)
        return inside(self.root, relative)

    def moving_preview(self, asset_id: str) -> Path:
        """Return the first seconds of a video as a small animated WebP, made when it is first asked for.

        Raises:
            NotFound: there is no such asset, or its file is gone or damaged.
            InvalidRequest: it is no video.
        """
        asset = self.get(asset_id)
        path = self.root / preview_of(asset)
        if not path.is_file() or path.stat().st_size == 0:
            from diorama.assets.moving import moving_preview

            data = moving_preview(inside(self.root, asset.path))
            write_whole(path, lambda new: new.write_bytes(data), durable=False)
        return inside(self.root, preview_of(asset))

    def export(
        self, asset_id: str, format: str | None = None, *, metadata: bool = True
    ) -> tuple[Path | bytes, str]:
        """Return the asset as a file or as bytes, with its content type.

        Args:
            asset_id: Id.
            format: ``png``, ``jpeg`` or ``webp`` for pictures, ``flac``, ``mp3``, ``ogg``, ``wav`` or ``m4a`` for sound;
                ``None`` for the format it has.
            metadata: Whether the recipe goes along.

        Raises:
            NotFound: there is no such asset, or its file is gone.
            InvalidRequest: it cannot be had in that format.
        """
        from diorama.assets import export

        asset = self.get(asset_id)
        return export.export_asset(
            asset, inside(self.root, asset.path), format, metadata, self._settings.limits
        )

    def export_zip(
        self, asset_ids: Sequence[str], format: str | None = None, *, metadata: bool = True
    ) -> Iterator[bytes]:
        """Return a ZIP archive of assets, made while it is read; a missing file is left out and listed in it.

        Raises:
            NotFound: there is no asset with one of the ids; raised before the first byte.
        """
        from diorama.assets import export

        wanted = [self.get(asset_id) for asset_id in dict.fromkeys(asset_ids)]

        def read(asset: Asset) -> tuple[Path | bytes, str]:
            return self.export(asset.id, export.fitting(asset, format), metadata=metadata)

        return export.stream_zip(wanted, read)

    def as_input(self, asset_id: str) -> MediaInput:
        """Return an asset as the input of a new job.

        Raises:
            NotFound: there is no such asset, or its file is gone.
        """
        asset = self.get(asset_id)
        return MediaInput(
            path=str(inside(self.root, asset.path).absolute()),
            kind=asset.kind,
            mime=asset.mime,
            width=asset.width,
            height=asset.height,
            sha256=asset.sha256,
            asset_id=asset.id,
        )

    # Changing

    def trash(self, asset_id: str) -> Asset:
        """Throw an asset away; :meth:`restore` brings it back, :meth:`purge` ends it.

        Raises:
            NotFound: there is no such asset.
        """
        return self._change(asset_id, trashed_at=time.time())

    def restore(self, asset_id: str) -> Asset:
        """Bring an asset back from the trash.

        Raises:
            NotFound: there is no such asset.
        """
        return self._change(asset_id, trashed_at=None)

    def favourite(self, asset_id: str, on: bool = True) -> Asset:
        """Mark an asset, or take the mark away.

        Raises:
            NotFound: there is no such asset.
        """
        return self._change(asset_id, favourite=on)

    def rename(self, asset_id: str, title: str | None) -> Asset:
        """Give an asset a title, or take it away.

        Raises:
            NotFound: there is no such asset.
            InvalidRequest: the title is too long.
        """
        if title is not None and len(title) > MAX_TITLE:
            raise InvalidRequest(
                "The title is too long.", field="title", fix=f"Use at most {MAX_TITLE} characters."
            )
        return self._change(asset_id, title=plain(title) or None)

    def purge(self, asset_id: str) -> None:
        """Delete an asset and its files for good.

        Raises:
            NotFound: there is no such asset.
        """
        self._purge([self.get(asset_id)])

    def empty_trash(self, *, before: float | None = None) -> int:
        """Purge what was thrown away before a moment (Unix seconds; now when not said); return how many."""
        number, moment = 0, time.time() if before is None else before
        cursor: str | None = None
        while True:
            page = self.list(limit=query.MAX_PAGE, cursor=cursor, trashed=True)
            old = [asset for asset in page.items if (asset.trashed_at or 0) <= moment]
            self._purge(old)
            number, cursor = number + len(old), page.next_cursor
            if cursor is None:
                return number

    def sweep(self, *, before: float | None = None) -> SweepReport:
        """Remove what a crash left: staged work, half-written files, files whose row never came.

        Args:
            before: Only what was last changed before this moment (Unix seconds); when not said, before this store was
                opened, so that running jobs are never touched.
        """
        moment = self._born if before is None else before
        remove_unfinished(self._settings.inputs_dir, moment)
        with self._database.read() as connection:
            return sweep(connection, self.root, self._settings.work_dir, moment)

    def _purge(self, found: Sequence[Asset]) -> None:
        from diorama.database.tables import assets

        ids = [asset.id for asset in found]
        self._database.write(lambda c: c.execute(assets.delete().where(assets.c.id.in_(ids)))).result()
        for asset in found:
            for name in filter(None, (asset.path, asset.thumbnail, preview_of(asset))):
                (self.root / name).unlink(missing_ok=True)

    def _change(self, asset_id: str, **values: Any) -> Asset:
        from diorama.database.tables import assets

        _checked(asset_id)
        statement = assets.update().where(assets.c.id == asset_id).values(**values)
        if self._database.write(lambda connection: connection.execute(statement).rowcount).result() == 0:
            raise _missing(asset_id)
        return self.get(asset_id)


def preview_of(asset: Asset) -> str:
    """Return where the moving preview of a video lies once somebody asked for it, relative to the assets folder."""
    return f"{folder_of(asset.id)}/{asset.id}.moving.webp"


_KNOWN = frozenset(item.name for item in fields(Filters))


def _filters(values: Mapping[str, Any]) -> Filters:
    known: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _KNOWN:
            raise InvalidRequest(
                f"Unknown filter {name!r}.", field=name, fix=f"Known: {', '.join(sorted(_KNOWN))}."
            )
        if isinstance(value, int | float) and not -(2**63) <= value < 2**63:
            raise InvalidRequest(f"{name} is out of range.", field=name, fix="Give a smaller number.")
        known[name] = plain(value)
    return Filters(**known)


def _storable(number: int | None) -> int | None:
    """Return what a column of 64 bits holds; a larger seed (ComfyUI has some) stays in the recipe."""
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _checked(asset_id: str) -> None:
    if not is_id(asset_id):
        raise _missing(asset_id)


def _missing(asset_id: str) -> NotFound:
    shown = asset_id if is_id(asset_id) else "that id"
    return NotFound(f"There is no asset {shown}.", field="asset_id", fix="See `diorama assets list`.")
