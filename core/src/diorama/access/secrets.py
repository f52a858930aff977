"""The user's keys: exported variables first, then the system keyring, then a file that only the user can read.

Values are write-only for every surface: what can be asked is whether one is set, where, and its last four characters.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from diorama.access import redaction
from diorama.access.keyrings import SystemKeyring
from diorama.access.secretfile import SecretFile
from diorama.contract import Backend, InvalidRequest
from diorama.settings import Settings

log = logging.getLogger(__name__)

Source = Literal["environment", "keyring", "file"]
"""Where a secret was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretStatus:
    """What may be told about a secret.

    Attributes:
        name: Such as ``api_key``.
        set: Whether it has a value.
        source: Where the value comes from; ``None`` when there is none.
        variables: Environment variables that are looked at first.
        ending: Last four characters of a value of at least 16, else empty.
    """

    name: str
    set: bool
    source: Source | None
    variables: tuple[str, ...]
    ending: str


class Secrets:
    """Finds and keeps secrets.

    Args:
        settings: ``config_dir`` holds the file; ``keyring`` switches the system keyring off.
        backends: Backends by id, as they are at the time of a call; their ``secrets`` name the variables.
        environ: Variables; the process's own when ``None``.
    """

    def __init__(
        self, settings: Settings, backends: Mapping[str, Backend], environ: Mapping[str, str] | None = None
    ) -> None:
        self._backends = backends
        self._environ = os.environ if environ is None else environ
        self._keyring = SystemKeyring(settings) if settings.keyring else None
        self._file = SecretFile(settings.config_dir / "secrets.toml")

    def get(self, backend_id: str, name: str) -> str | None:
        """Return a secret, or ``None``. The value is scrubbed from all log lines of this process from then on."""
        value, _ = self._find(backend_id, name)
        redaction.register(value)
        return value

    def set(self, backend_id: str, name: str, value: str) -> Source:
        """Keep a secret and return where: in the system keyring if there is one, else in the file.

        Raises:
            InvalidRequest: the backend reads no such secret, or the value is empty or spans lines.
        """
        self._check_name(backend_id, name)
        value = value.strip()
        if not value or any(ord(character) < 32 for character in value):
            raise InvalidRequest(
                f"The secret {name!r} of {backend_id!r} is empty or spans lines.",
                field=name,
                fix="Paste the key alone, as one line.",
            )
        redaction.register(value)
        if self._keyring is not None and self._keyring.set(backend_id, name, value):
            self._file.delete(backend_id, name)  # an older copy must not outlive a change
            return "keyring"
        self._file.set(backend_id, name, value)
        log.warning("No system keyring is in use: %r of %s is kept in %s.", name, backend_id, self._file.path)
        return "file"

    def delete(self, backend_id: str, name: str) -> bool:
        """Forget a stored secret; True when there was one. An exported variable stays in force."""
        in_keyring = self._keyring is not None and self._keyring.delete(backend_id, name)
        in_file = self._file.delete(backend_id, name)
        return in_keyring or in_file

    def status(self, backend_id: str) -> tuple[SecretStatus, ...]:
        """Return what may be told about each secret that a backend reads."""
        answers = []
        for name, variables in self._declared(backend_id).items():
            value, source = self._find(backend_id, name)
            redaction.register(value)
            ending = value[-4:] if value and len(value) >= 16 else ""
            answers.append(
                SecretStatus(
                    name=name, set=value is not None, source=source, variables=variables, ending=ending
                )
            )
        return tuple(answers)

    def _find(self, backend_id: str, name: str) -> tuple[str | None, Source | None]:
        for variable in self._declared(backend_id).get(name, ()):
            if exported := self._environ.get(variable, "").strip():
                return exported, "environment"
        if self._keyring is not None and (kept := self._keyring.get(backend_id, name)):
            return kept, "keyring"
        if stored := self._file.get(backend_id, name):
            return stored, "file"
        return None, None

    def _declared(self, backend_id: str) -> Mapping[str, tuple[str, ...]]:
        backend = self._backends.get(backend_id)
        return {} if backend is None else backend.secrets

    def _check_name(self, backend_id: str, name: str) -> None:
        known = self._declared(backend_id)
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise InvalidRequest(
                f"The backend {backend_id!r} reads no secret {name!r}.",
                field=name,
                fix=f"Its secrets: {names}.",
            )
