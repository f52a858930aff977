"""``providers.toml``, where addresses and switches of providers are kept, and what may stand in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from diorama.contract import InvalidRequest

_HEADER = (
    "# Written by Diorama when a provider is changed in the page or through the API; goes over config.toml.\n"
)


def write_providers(path: Path, tables: Mapping[str, Any]) -> None:
    """Replace the file of the providers."""
    write_table(path, _HEADER, tables)


def write_table(path: Path, header: str, tables: Mapping[str, Any]) -> None:
    """Replace a TOML file as a whole, so that it is never half written; ``header`` is a comment."""
    import tomli_w

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(header.encode())
            tomli_w.dump(tables, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def refuse_variables(provider_id: str, changes: Mapping[str, Any]) -> None:
    """A variable is stronger than what is kept here, so a change would end with the next start.

    Raises:
        InvalidRequest: a variable sets one of the values.
    """
    for key in changes:
        variable = f"DIORAMA_BACKENDS__{provider_id}__{key}".upper()
        if variable in os.environ:
            field = "is_enabled" if key == "enabled" else key
            raise InvalidRequest(
                f"The variable {variable} decides this.",
                field=field,
                fix="Unset it, or change it and restart.",
            )


def origin(address: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port: what makes two addresses the same server."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port


def checked_address(address: str) -> str:
    """Return an address that a backend can use.

    Raises:
        InvalidRequest: it is not http or https, or carries a name and password.
    """
    text = address.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or ord(character) < 32 for character in text):
        raise InvalidRequest(
            "That is no address of a service.",
            field="api_url",
            fix="Write it like https://api.example.com/v1.",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidRequest(
            "The address carries a password or a query.",
            field="api_url",
            fix="Give the key as api_key instead.",
        )
    return text
