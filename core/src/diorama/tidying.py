"""What is cleared away while the engine runs: leftovers of a crash at its start, unneeded inputs once a day."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from diorama.assets import leftovers
from diorama.assets.store import AssetStore
from diorama.database.tables import values
from diorama.database.writer import Database
from diorama.settings import Settings

log = logging.getLogger(__name__)
EVERY = 24 * 3600.0
LAST = "tidy.inputs"
"""Key under which the database keeps when inputs were last looked through."""


class Tidying:
    """A thread of its own, until :meth:`close`.

    Args:
        assets: Their folder is compared with its rows at the start.
        database: Says which inputs are needed.
        settings: Where inputs lie.
    """

    def __init__(self, assets: AssetStore, database: Database, settings: Settings) -> None:
        self._assets, self._database, self._settings = assets, database, settings
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidy", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; what is under way is given a moment."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _run(self) -> None:
        self._guarded(self._sweep)
        while not self._closing.is_set():
            self._guarded(self._inputs)
            self._closing.wait(EVERY + 1.0)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            if not self._closing.is_set():
                log.exception("Tidying up failed")

    def _sweep(self) -> None:
        for asset_id in self._assets.sweep().missing:
            log.warning("The file of asset %s is missing", asset_id)

    def _inputs(self) -> None:
        now = time.time()
        if self._last() > now - EVERY:
            return  # commands that come and go look no more often than a server does
        before = now - leftovers.KEPT_SECONDS
        count, size = leftovers.remove_unneeded(self._database, self._settings.inputs_dir, before)
        if count:
            log.info("Removed %d inputs (%.1f MB) that nothing needs any more", count, size / 1e6)
        self._database.write(lambda connection: _note(connection, now)).result()

    def _last(self) -> float:
        with self._database.read() as connection:
            found = connection.execute(select(values.c.value).where(values.c.key == LAST)).scalar()
        return float(found) if found else 0.0


def _note(connection: Connection, now: float) -> None:
    connection.execute(delete(values).where(values.c.key == LAST))
    connection.execute(insert(values).values(key=LAST, value=str(now)))
