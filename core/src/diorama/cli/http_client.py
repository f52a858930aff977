"""The engine behind a server, over the REST API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from diorama.contract.errors import BackendError, InvalidRequest, NotFound, error_from_plain
from diorama.ids import is_id

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0


class HttpClient:
    """A :class:`diorama.cli.client.Client` over a running server.

    Args:
        url: Such as ``http://127.0.0.1:8031``.
        api_key: Key of that server, where it demands one.

    Raises:
        InvalidRequest: the address is not http or https.
    """

    def __init__(self, url: str, *, api_key: str | None = None) -> None:
        import httpx2

        if not url.startswith(("http://", "https://")):
            raise InvalidRequest(
                f"{url!r} is no server address.", field="--server", fix="Write it like http://127.0.0.1:8031."
            )
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=self._url,
            headers=headers,
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def models(self, **filters: str | None) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return self._listed("/api/models", "models", _asked(filters))

    def model(self, model_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("GET", f"/api/models/{quote(model_id, safe=':/')}")

    def refresh(self) -> None:
        """See :class:`Client`."""
        self._json("POST", "/api/models/refresh")

    def add_model(self, backend: str, source: str) -> dict[str, Any]:
        """See :class:`Client`."""
        raise InvalidRequest(
            "A server takes no files of this machine.",
            field="source",
            fix="Run this where the server runs, with the server stopped.",
        )

    def delete_model(self, model_id: str) -> int:
        """See :class:`Client`."""
        return int(
            self._json("DELETE", f"/api/models/{quote(model_id, safe=':/')}/cache").get("freed_bytes", 0)
        )

    def remove_model(self, model_id: str) -> str:
        """See :class:`Client`."""
        return str(self._json("DELETE", f"/api/models/{quote(model_id, safe=':/')}")["model"])

    def unload_model(self, model_id: str) -> str:
        """See :class:`Client`."""
        self._json("POST", f"/api/models/{quote(model_id, safe=':/')}/unload")
        return model_id

    def disk_use(self) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [
            {name: item[name] for name in ("id", "path", "size_bytes", "freeable_bytes", "shared_with")}
            for item in self._listed("/api/models/cache-status", "models", {})
            if item["path"] is not None
        ]

    def loras(self, kind: str | None = None) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return self._listed("/api/loras", "loras", _given({"model_type": kind}))

    def plan(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("POST", "/api/plan", json=_wire(body))

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`Client`."""
        if body.get("kind") == "download":
            return self._json("POST", f"/api/models/{quote(str(body['model']), safe=':/')}/download")
        return self._json("POST", "/api/jobs", json=_wire(body))

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        """See :class:`Client`."""
        while True:
            job = self.job(job_id)
            yield job
            if job["status"] in ("completed", "failed", "cancelled"):
                return
            for event in self._events(job_id):
                if event.get("status") in ("completed", "failed", "cancelled"):
                    break
                if "progress" in event:
                    yield job | event

    def job(self, job_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return _with_assets(self._json("GET", f"/api/jobs/{_id(job_id, 'job')}"))

    def jobs(self, **filters: Any) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return [_with_assets(job) for job in self._listed("/api/jobs", "jobs", _given(filters))]

    def cancel(self, job_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("DELETE", f"/api/jobs/{_id(job_id, 'job')}")

    def retry(self, job_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("POST", f"/api/jobs/{_id(job_id, 'job')}/retry")

    def assets(self, **filters: Any) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return self._listed("/api/assets", "assets", _given(filters))

    def asset(self, asset_id: str) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("GET", f"/api/assets/{_id(asset_id, 'asset')}")

    def asset_bytes(self, asset_id: str, *, format: str | None = None) -> bytes:
        """See :class:`Client`."""
        params = {"format": format} if format else {}
        return bytes(self._send("GET", f"/api/assets/{_id(asset_id, 'asset')}/file", params=params).content)

    def plugins(self) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("GET", "/api/plugins")

    def service(self, name: str, **arguments: Any) -> dict[str, Any]:
        """See :class:`Client`."""
        from diorama.services.table import SERVICES

        service, given = SERVICES[name], _given(arguments)
        named = {key for key in given if f"{{{key}}}" in service.path}
        path = service.path.format(**{key: quote(str(given[key]), safe="") for key in named})
        rest = {key: value for key, value in given.items() if key not in named}
        return self._json(service.method, path, **{"params" if service.method == "GET" else "json": rest})

    def status(self) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("GET", "/api/system/status")

    def families(self, **filters: str | None) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return self._listed("/api/models", "families", _asked(filters) | {"group": "family"})

    def estimate(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("POST", "/api/estimate", json=_wire(body))

    def costs(self, **filters: str | None) -> dict[str, Any]:
        """See :class:`Client`."""
        return dict(self._send("GET", "/api/costs", params=_given(filters)).json())

    def providers(self) -> list[dict[str, Any]]:
        """See :class:`Client`."""
        return self._listed("/api/providers", "providers", {})

    def set_secret(self, provider_id: str, name: str, value: str | None) -> dict[str, Any]:
        """See :class:`Client`."""
        return self._json("PUT", f"/api/providers/{quote(provider_id)}", json={"secrets": {name: value}})

    def test_provider(self, provider_id: str) -> str:
        """See :class:`Client`."""
        answer = self._json("POST", f"/api/providers/{quote(provider_id)}/test")
        if not answer["ok"]:
            raise error_from_plain(dict(answer["error"]))
        return str(answer["message"])

    def _events(self, job_id: str) -> Iterator[dict[str, Any]]:
        import httpx2

        try:
            with self._http.stream("GET", f"/api/jobs/{_id(job_id, 'job')}/events", timeout=None) as stream:
                for line in stream.iter_lines():
                    if line.startswith("data:"):
                        event = json.loads(line.removeprefix("data:"))
                        if isinstance(event, dict):
                            yield event
        except httpx2.HTTPError:
            return  # the next look at the job tells whether the server is still there

    def _listed(self, path: str, key: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = self._send("GET", path, params=params).json()
        return list(answer if isinstance(answer, list) else answer.get(key) or answer.get("items") or [])

    def _json(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        answer = self._send(method, path, **content).json()
        return dict(answer)

    def _send(self, method: str, path: str, **content: Any) -> Any:
        import httpx2

        try:
            response = self._http.request(method, path, **content)
        except httpx2.HTTPError as error:
            raise BackendError(
                f"The server {self._url} does not answer: {type(error).__name__}.",
                fix="Start it with `diorama serve`, or leave out --server.",
            ) from error
        if response.is_success:
            return response
        try:
            raise error_from_plain(dict(response.json()["error"]))
        except (ValueError, KeyError, TypeError):
            raise BackendError(
                f"The server answered {response.status_code}.", fix="Is that a Diorama server?"
            ) from None


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in filters.items() if value not in (None, False)}


def _id(text: str, noun: str) -> str:
    """Return an id that may stand in an address: anything else would name another address.

    Raises:
        NotFound: it is no id.
    """
    if not is_id(text):
        raise NotFound(f"There is no {noun} {text[:64]!r}.", field=f"{noun}_id")
    return text


def _asked(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters of models under the API's names."""
    given = _given(filters)
    return given | {"q": given.pop("text")} if "text" in given else given


def _wire(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with files as base64 and the API's names."""
    wire = {
        key: value
        for key, value in body.items()
        if key not in ("images", "sounds", "mask", "media", "control")
    }
    if body.get("images"):
        wire["reference_images"] = [_encoded(path) for path in body["images"]]
    if body.get("sounds"):
        wire["sounds"] = [_encoded(path) for path in body["sounds"]]
    if body.get("control"):
        wire["control_images"] = {kind: _encoded(path) for kind, path in body["control"].items()}
    for name in ("mask", "media"):
        if body.get(name) is not None:
            wire[name] = _encoded(body[name])
    return wire


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _with_assets(job: dict[str, Any]) -> dict[str, Any]:
    if "asset_ids" not in job:
        found = [image["id"] for image in job.get("images") or []]
        found += [job["video"]["id"]] if job.get("video") else []
        job["asset_ids"] = found + [sound["id"] for sound in job.get("sounds") or []]
    return job
