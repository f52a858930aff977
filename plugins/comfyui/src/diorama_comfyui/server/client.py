"""The HTTP side of one ComfyUI server."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    import httpx2

from diorama_comfyui.server.errors import PromptRefused, ServerError, ServerOffline

DEFAULT_URL = "http://127.0.0.1:8188"
_CONNECT_SECONDS = 3.0
_QUICK = (_CONNECT_SECONDS, 10.0, 10.0, 10.0)
_LONG = (_CONNECT_SECONDS, 120.0, 120.0, 120.0)
"""Seconds to connect, to read, to write, and to wait for a free connection."""
_BLOCK = 1 << 20
MAX_OUTPUT = 8 << 30
"""Bytes beyond which an output is not fetched."""


class ComfyClient:
    """Calls the routes of one server. Safe to use from several threads.

    No ``Origin`` header is sent, because the server refuses foreign ones; proxies of the
    environment are passed by. Every method raises :class:`ServerOffline` when nothing answers and
    :class:`ServerError` for an answer that makes no sense.
    """

    def __init__(self, url: str = DEFAULT_URL, headers: Mapping[str, str] | None = None) -> None:
        self.url = normal_url(url)
        self.headers = dict(headers or {})

    @cached_property
    def _http(self) -> httpx2.Client:
        """Made at first use: most people have no ComfyUI, and its import would cost every start."""
        import httpx2

        return httpx2.Client(base_url=self.url, headers=self.headers, timeout=_QUICK, trust_env=False)

    def close(self) -> None:
        """Close all connections."""
        if "_http" in self.__dict__:
            self._http.close()

    def knock(self) -> None:
        """Find out cheaply whether anything listens there. Raises :class:`ServerOffline`."""
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            raise _offline(self.url, error) from error

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except httpx2.TransportError as error:
            raise _offline(self.url, error) from error

    # -- what the server is ------------------------------------------------------------------

    def system_stats(self) -> dict[str, Any]:
        """Version, memory and devices."""
        return _object(self._get("/system_stats"))

    def features(self) -> dict[str, Any]:
        """Feature flags; empty for old servers."""
        try:
            return _object(self._get("/features"))
        except ServerOffline:
            raise
        except ServerError:
            return {}

    def object_info(self) -> bytes:
        """The JSON text of all node classes."""
        return self._get("/object_info", timeout=_LONG).content

    def node_replacements(self) -> dict[str, Any]:
        """Classes that the server replaces by others; empty for servers that have no such list."""
        try:
            return _object(self._get("/api/node_replacements"))
        except ServerOffline:
            raise
        except ServerError:
            return {}

    def model_files(self, folder: str) -> list[dict[str, Any]]:
        """Files of a models folder with ``name`` and, where the server says so, ``size`` in bytes."""
        for path in (f"/api/experiment/models/{quote(folder)}", f"/models/{quote(folder)}"):
            try:
                items = _json(self._get(path))
            except ServerOffline:
                raise
            except ServerError:
                continue
            if isinstance(items, list):
                return [item if isinstance(item, dict) else {"name": str(item)} for item in items]
        return []

    def model_metadata(self, folder: str, name: str) -> dict[str, Any]:
        """The metadata inside a safetensors file; empty if it has none."""
        try:
            return _object(self._get(f"/view_metadata/{quote(folder)}", params={"filename": name}))
        except ServerOffline:
            raise
        except ServerError:
            return {}

    # -- prompts -----------------------------------------------------------------------------

    def submit(
        self,
        prompt: Mapping[str, Any],
        *,
        prompt_id: str,
        client_id: str,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Queue a prompt and return the id that the server gave it.

        Raises :class:`PromptRefused` if any part of it is refused, also where the server would
        run the rest.
        """
        body = {
            "prompt": prompt,
            "prompt_id": prompt_id,
            "client_id": client_id,
            "extra_data": dict(extra or {}),
        }
        with self._reaching():
            response = self._http.post("/prompt", json=body, timeout=_LONG)
        answer = _maybe_object(response)
        node_errors = answer.get("node_errors")
        node_errors = node_errors if isinstance(node_errors, dict) else {}
        if response.status_code != 200 or not answer.get("prompt_id"):
            said = answer.get("error")
            reason = said if isinstance(said, dict) else {"message": _text(response)}
            raise PromptRefused(reason, node_errors, response.status_code)
        accepted = str(answer["prompt_id"])
        if node_errors:
            self.cancel(accepted)
            raise PromptRefused({"message": "parts of the workflow were refused"}, node_errors, 200)
        return accepted

    def queue(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Running and pending prompts, each ``{number, prompt_id, client_id}``, pending in order of execution."""
        answer = _object(self._get("/queue"))
        running, pending = (_entries(answer.get(key)) for key in ("queue_running", "queue_pending"))
        return running, sorted(pending, key=lambda item: float(item["number"]))

    def queue_length(self) -> int:
        """How many prompts run or wait."""
        info = _object(self._get("/prompt")).get("exec_info")
        count = info.get("queue_remaining") if isinstance(info, dict) else None
        return count if isinstance(count, int) else 0

    def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The end of a prompt, None while it is not over or not known."""
        entry = _object(self._get(f"/history/{quote(prompt_id)}")).get(prompt_id)
        return entry if isinstance(entry, dict) else None

    def cancel(self, prompt_id: str) -> None:
        """Stop exactly this prompt, queued or running. Nothing happens if it is over."""
        with self._reaching():
            response = self._http.post(f"/api/jobs/{quote(prompt_id)}/cancel")
            if response.status_code == 200:
                return
            self._http.post("/queue", json={"delete": [prompt_id]})
        running, _ = self.queue()
        if any(item["prompt_id"] == prompt_id for item in running):  # old servers stop whatever runs
            with self._reaching():
                self._http.post("/interrupt", json={"prompt_id": prompt_id})

    def interrupt(self) -> None:
        """Stop whatever runs now, whoever started it."""
        self._post("/interrupt", {})

    def free(self, *, unload_models: bool = True, free_memory: bool = True) -> None:
        """Ask the server to drop models (and with ``free_memory`` its result cache) before the next prompt."""
        self._post("/free", {"unload_models": unload_models, "free_memory": free_memory})

    # -- files -------------------------------------------------------------------------------

    def upload(self, content: BinaryIO | bytes, name: str, subfolder: str) -> str:
        """Put an image, video or sound into the input folder and return how prompts refer to it."""
        files = {"image": (name, content)}
        data = {"type": "input", "subfolder": subfolder}
        with self._reaching():
            response = self._http.post("/upload/image", files=files, data=data, timeout=_LONG)
        answer = _maybe_object(response)
        if response.status_code != 200 or not isinstance(answer.get("name"), str):
            raise ServerError(
                f"the upload of {name} was refused ({response.status_code})", response.status_code
            )
        folder = answer.get("subfolder")
        return f"{folder}/{answer['name']}" if folder else str(answer["name"])

    def download(self, item: Mapping[str, Any], target: Path) -> Path:
        """Copy an output to ``target``. Raises :class:`ServerError` with status 404 if it is gone."""
        params = {key: str(item.get(key) or "") for key in ("filename", "subfolder")}
        params["type"] = str(item.get("type") or "output")
        with self._reaching(), self._http.stream("GET", "/view", params=params, timeout=_LONG) as response:
            if response.status_code != 200:
                raise ServerError(
                    f"{params['filename']} is not there ({response.status_code})", response.status_code
                )
            with target.open("wb") as file:
                for block in response.iter_bytes(_BLOCK):
                    if file.tell() > MAX_OUTPUT:
                        raise ServerError(f"{params['filename']} is larger than {MAX_OUTPUT >> 30} GB")
                    file.write(block)
        return target

    # -- helpers -----------------------------------------------------------------------------

    def _get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        timeout: tuple[float, float, float, float] = _QUICK,
    ) -> httpx2.Response:
        with self._reaching():
            response = self._http.get(path, params=params, timeout=timeout)
        if response.status_code != 200:
            raise ServerError(f"{self.url}{path} answered {response.status_code}", response.status_code)
        return response

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        with self._reaching():
            response = self._http.post(path, json=body)
        if response.status_code >= 400:
            raise ServerError(f"{self.url}{path} answered {response.status_code}", response.status_code)


def normal_url(url: str) -> str:
    """Return an address without a trailing slash, ``http://`` added. Raises ``ValueError`` if it is none."""
    text = url.strip()
    if "://" not in text:
        text = "http://" + text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _has_good_port(parts):
        raise ValueError(f"{_shown(url)!r} is no address of a ComfyUI server, such as {DEFAULT_URL}")
    return text.rstrip("/")


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """Take ``user:password@`` out of a normal address, as a header, so that what names the server shows no password."""
    parts = urlsplit(url)
    login, mark, host = parts.netloc.rpartition("@")
    if not mark:
        return url, {}
    user, _, password = login.partition(":")
    word = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {word}"}


def _has_good_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _shown(url: str) -> str:
    return url.rpartition("@")[2]


def _entries(items: object) -> list[dict[str, Any]]:
    found = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, list) and len(item) >= 2:
            extra = item[3] if len(item) > 3 and isinstance(item[3], dict) else {}
            number = item[0] if isinstance(item[0], (int, float)) else 0
            found.append({"number": number, "prompt_id": str(item[1]), "client_id": extra.get("client_id")})
    return found


def _offline(url: str, error: Exception) -> ServerOffline:
    return ServerOffline(f"no ComfyUI answers at {url} ({type(error).__name__})")


def _json(response: httpx2.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        raise ServerError("the answer is not JSON; is this a ComfyUI server?", response.status_code) from None


def _object(response: httpx2.Response) -> dict[str, Any]:
    answer = _json(response)
    if not isinstance(answer, dict):
        raise ServerError(
            "the answer is not what ComfyUI gives; is this a ComfyUI server?", response.status_code
        )
    return answer


def _maybe_object(response: httpx2.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(response: httpx2.Response) -> str:
    return f"the server answered {response.status_code}: {response.text.strip()[:120]}"
