"""The system keyring, bounded in time: a desktop service that hangs or is missing costs seconds once, then is left alone."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from diorama.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

_PATIENCE = 3.0
"""Seconds that one call of the keyring may take; the first one also imports it."""
_FRESH = 60.0
"""Seconds that an answer is kept: listing models asks often, and another process may have changed it."""


class SystemKeyring:
    """Secrets of one configuration folder in the keyring of the desktop.

    Args:
        settings: ``config_dir`` tells apart the secrets of several installations of one user.
        load: Returns the keyring backend; for tests.
        patience: Seconds that a call may take.
    """

    def __init__(
        self, settings: Settings, *, load: Callable[[], Any] | None = None, patience: float = _PATIENCE
    ) -> None:
        self._service = f"diorama ({settings.config_dir})"
        self._load = load or _load_keyring
        self._patience = patience
        self._lock = threading.Lock()
        self._ring: Any = None
        self._loaded = False
        self._answers: dict[tuple[str, str], tuple[float, str | None]] = {}

    def get(self, backend_id: str, name: str) -> str | None:
        """Return a secret, or ``None`` when it is not there or there is no keyring."""
        known = self._answers.get((backend_id, name))
        if known and time.monotonic() - known[0] < _FRESH:
            return known[1]
        value: str | None = self._bounded(
            lambda ring: ring.get_password(self._service, f"{backend_id}/{name}"), None
        )
        self._answers[backend_id, name] = (time.monotonic(), value)
        return value

    def set(self, backend_id: str, name: str, value: str) -> bool:
        """Store a secret; False when there is no keyring that takes it."""

        def store(ring: Any) -> bool:
            ring.set_password(self._service, f"{backend_id}/{name}", value)
            return True

        return self._changed(backend_id, name, store)

    def delete(self, backend_id: str, name: str) -> bool:
        """Remove a secret; True when there was one."""
        if self.get(backend_id, name) is None:
            return False

        def remove(ring: Any) -> bool:
            ring.delete_password(self._service, f"{backend_id}/{name}")
            return True

        return self._changed(backend_id, name, remove)

    def _changed(self, backend_id: str, name: str, change: Callable[[Any], bool]) -> bool:
        try:
            return self._bounded(change, False)
        finally:  # afterwards, or one who asks meanwhile would bring the old answer back
            self._answers.pop((backend_id, name), None)

    def _bounded(self, action: Callable[[Any], T], otherwise: T) -> T:
        """Run ``action`` in a thread that may be left behind; without a usable keyring return ``otherwise``."""
        with self._lock:
            if self._loaded and self._ring is None:
                return otherwise
            outcome: list[tuple[Any, T]] = []
            failure: list[BaseException] = []

            def work() -> None:
                try:
                    ring = self._ring if self._loaded else self._load()
                    outcome.append((ring, otherwise if ring is None else action(ring)))
                except BaseException as error:  # keyring services raise whatever they like
                    failure.append(error)

            worker = threading.Thread(target=work, name="keyring", daemon=True)
            worker.start()
            worker.join(self._patience)
            # Only here is the state changed: a thread that was left behind must not bring the keyring back.
            if outcome:
                self._ring, self._loaded = outcome[0][0], True
                return outcome[0][1]
            reason = (
                f"failed: {type(failure[0]).__name__}"
                if failure
                else f"gave no answer in {self._patience:g} s"
            )
            self._give_up(reason)
        return otherwise

    def _give_up(self, reason: str) -> None:
        log.warning(
            "The system keyring %s; secrets are kept in secrets.toml instead. DIORAMA_KEYRING=0 skips it.",
            reason,
        )
        self._ring, self._loaded = None, True


def _load_keyring() -> Any:
    if not _may_exist():
        return None
    import keyring
    from keyring.backends import fail, null

    ring = keyring.get_keyring()
    return None if isinstance(ring, fail.Keyring | null.Keyring) else ring


def _may_exist() -> bool:
    """Tell whether importing the keyring (several megabytes) can lead anywhere: on Linux it needs a session bus."""
    if sys.platform != "linux":
        return True
    own_choice = os.environ.get("PYTHON_KEYRING_BACKEND") or os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    configured = Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser() / "python_keyring"
    return bool(own_choice) or configured.exists() or Path(f"/run/user/{os.getuid()}/bus").exists()
