"""The WebSocket of one job."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from diorama_comfyui.server.errors import ServerOffline
from diorama_comfyui.server.frames import Frame, decode_frame

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_HELLO = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})


class EventSocket:
    """A connection with a client id of its own.

    The server forgets a client id when any socket of it closes, so a socket is closed fully before
    the next one with the same id is opened, and there is never more than one.
    """

    def __init__(self, url: str, client_id: str, headers: Mapping[str, str]) -> None:
        address = "ws" + url.removeprefix("http")
        self._address = f"{address}/ws?clientId={quote(client_id)}"
        self._headers = dict(headers)
        self._connection: ClientConnection | None = None
        self._closing = contextlib.ExitStack()

    @property
    def is_open(self) -> bool:
        """Whether it was connected and not closed since."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect and say which frames are understood. Raises :class:`ServerOffline`."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        self.close()
        try:
            opening = connect(
                self._address,
                additional_headers=self._headers,
                open_timeout=10,
                close_timeout=2,
                max_size=None,  # frames with pictures are megabytes long
                compression=None,
                proxy=None,
                ping_interval=None,  # a busy server does not answer pings for minutes
            )
            self._connection = self._closing.enter_context(opening)
            self._connection.send(_HELLO)
        except (OSError, WebSocketException) as error:
            self.close()
            raise ServerOffline(f"the connection for progress failed ({type(error).__name__})") from error

    def receive(self, timeout: float) -> Frame | None:
        """The next frame, or None after ``timeout`` seconds. Raises :class:`ServerOffline` when the socket is closed."""
        from websockets.exceptions import ConnectionClosed

        connection = self._connection
        if connection is None:
            raise ServerOffline("the connection for progress is closed")
        try:
            return decode_frame(connection.recv(timeout=timeout))
        except TimeoutError:
            return None
        except (ConnectionClosed, OSError) as error:
            raise ServerOffline("the connection for progress broke") from error

    def close(self) -> None:
        """Close; also from another thread, which ends a waiting :meth:`receive`."""
        self._connection = None
        closing = self._closing.pop_all()
        with contextlib.suppress(OSError):
            closing.close()
