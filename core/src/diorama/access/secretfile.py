"""``secrets.toml``: the place for keys where there is no system keyring. Readable by its owner only."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import tomllib
from pathlib import Path

log = logging.getLogger(__name__)


class SecretFile:
    """One table per backend in a TOML file of mode 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def get(self, backend_id: str, name: str) -> str | None:
        """Return a value, or ``None``; a damaged file counts as empty and is reported."""
        value = (self._read() or {}).get(backend_id, {}).get(name)
        return value if isinstance(value, str) and value else None

    def set(self, backend_id: str, name: str, value: str) -> None:
        """Write a value; the file is replaced as a whole, so that it is never half written."""
        with self._lock:
            tables = self._kept()
            tables.setdefault(backend_id, {})[name] = value
            self._write(tables)

    def delete(self, backend_id: str, name: str) -> bool:
        """Remove a value; True when there was one."""
        with self._lock:
            tables = self._read() or {}
            if name not in tables.get(backend_id, {}):
                return False
            del tables[backend_id][name]
            self._write({key: table for key, table in tables.items() if table})
            return True

    def _kept(self) -> dict[str, dict[str, str]]:
        """Return what a change starts from. A damaged file is put aside first: somebody may want to mend it."""
        tables = self._read()
        if tables is not None:
            return tables
        aside = self.path.with_suffix(".damaged.toml")
        os.replace(self.path, aside)
        log.warning("The damaged file is now %s.", aside)
        return {}

    def _read(self) -> dict[str, dict[str, str]] | None:
        """Return all tables, ``None`` when the file is damaged."""
        try:
            with self.path.open("rb") as file:
                self._tighten(file.fileno())
                tables = tomllib.load(file)
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            log.error("%s is not valid TOML; the secrets in it are not used.", self.path)
            return None
        return {key: table for key, table in tables.items() if isinstance(table, dict)}

    def _tighten(self, descriptor: int) -> None:
        if os.name == "posix" and os.fstat(descriptor).st_mode & 0o077:
            log.warning("%s could be read by other users; its mode is now 0600.", self.path)
            os.fchmod(descriptor, 0o600)

    def _write(self, tables: dict[str, dict[str, str]]) -> None:
        import tomli_w

        self.path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp creates with mode 0600
        descriptor, temporary = tempfile.mkstemp(prefix=".secrets-", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                tomli_w.dump(tables, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
