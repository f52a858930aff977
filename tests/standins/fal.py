"""fal on loopback: the queue, the storage (REST and CDN), the platform interface and the public media host."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import results
from .fal_models import MODELS, Spec
from .media import Media
from .script import Job
from .server import Refused, Standin, on

PAGE = 7
CDN_TOKEN = "cdn-token"
POLICY = "content_policy_violation"
ERROR_TYPES = {
    504: "request_timeout",
    503: "runner_scheduling_failure",
    502: "runner_incomplete_response",
    500: "internal_error",
    499: "client_cancelled",
    400: "bad_request",
}


class FalStandin(Standin):
    """The stand-in of queue.fal.run (`queue`), rest.fal.ai (`rest`), v3.fal.media (`cdn`) and api.fal.ai (`api`)."""

    scheme: ClassVar[str] = "Key"
    hosts: ClassVar[tuple[str, ...]] = ("queue", "rest", "cdn", "api")

    def error_headers(self, status: int) -> dict[str, str]:
        """Request errors carry their type in a header too."""
        return (
            {"x-fal-request-id": "standin", "x-fal-error-type": ERROR_TYPES[status]}
            if status in ERROR_TYPES
            else {}
        )

    def error_body(self, status: int, detail: Any) -> Any:
        """`detail` is a string or a list; request errors name their type."""
        body = {"detail": detail}
        return {**body, "error_type": ERROR_TYPES[status]} if status in ERROR_TYPES else body

    # --- queue --------------------------------------------------

    @on("GET", "/{app:path}/requests/{job_id}/status", "poll", host="queue")
    async def status(self, request: Request) -> Response:
        """202 while it waits or runs, 200 when it is over."""
        job = self._job(request)
        phase = job.look()
        row = self._addresses(job)
        if phase == "queued":
            left = max(0, job.script.queued - job.requests["poll"])
            return JSONResponse({**row, "status": "IN_QUEUE", "queue_position": left}, 202)
        logs = self._logs(job) if request.query_params.get("logs") in ("1", "true") else None
        row["logs"] = logs
        if phase == "running":
            return JSONResponse({**row, "status": "IN_PROGRESS"}, 202)
        return JSONResponse({**row, "status": "COMPLETED", "metrics": {"inference_time": 1.93}})

    @on("PUT", "/{app:path}/requests/{job_id}/cancel", "cancel", host="queue")
    async def cancel(self, request: Request) -> Response:
        """Ask for a cancel; a finished request refuses."""
        job = self._job(request)
        job.requests["cancel"] += 1
        if job.look(poll=False) == "done":
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        job.cancelled = True
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    @on("GET", "/{app:path}/requests/{job_id}", "result", host="queue")
    async def result(self, request: Request) -> Response:
        """The model's output, or its error."""
        job = self._job(request)
        job.requests["result"] += 1
        if job.look(poll=False) != "done":
            raise Refused(400, "Request is still in progress")
        if job.cancelled or job.script.outcome == "canceled":
            raise Refused(499, "Request was cancelled")
        if job.script.outcome in ("failed", "refused"):
            kind = POLICY if job.script.outcome == "refused" else "generation_timeout"
            text = job.script.error or (
                "The content was flagged by a content checker." if kind == POLICY else "Took too long."
            )
            entry = {
                "loc": ["body", "prompt"],
                "msg": text,
                "type": kind,
                "url": f"https://docs.fal.ai/errors#{kind}",
                "input": "x",
            }
            return JSONResponse(
                {"detail": [entry]},
                422 if kind == POLICY else 504,
                {"x-fal-request-id": job.id, "X-Fal-Retryable": "false"},
            )
        if job.result is None:
            job.result = self._make(job)
        return JSONResponse(job.result, headers={"x-fal-request-id": job.id, "X-Fal-Billable-Units": "1.5"})

    @on("POST", "/{endpoint:path}", "submit", host="queue")
    async def submit(self, request: Request) -> Response:
        """Put a request into the queue."""
        endpoint = request.path_params["endpoint"]
        body = await self.json(request)
        if endpoint not in MODELS:
            raise Refused(404, f"Application {endpoint!r} not found")
        spec = MODELS[endpoint]
        self.check(spec.schema, body, f"input of {endpoint}")
        self._inputs(spec, body)
        for name in request.query_params:
            if name not in ("fal_webhook", "fal_max_queue_length"):
                self.complain(f"submit: unknown query {name}")
        job = self.accept(endpoint, body)
        row = {**self._addresses(job), "status": "IN_QUEUE", "queue_position": job.script.queued}
        return JSONResponse(row, headers={"x-fal-request-id": job.id})

    def _job(self, request: Request) -> Job:
        job = self.find(request.path_params["job_id"], "Request")
        if request.path_params["app"] != self._app(job.model):
            self.complain(f"{request.url.path}: the address of a request drops the sub-path of {job.model}")
        return job

    def _app(self, endpoint: str) -> str:
        parts = endpoint.split("/")
        return "/".join(parts[:3] if parts[0] in ("workflows", "comfy") else parts[:2])

    def _addresses(self, job: Job) -> dict[str, Any]:
        address = self.url("queue", f"/{self._app(job.model)}/requests/{job.id}")
        return {
            "request_id": job.id,
            "response_url": address,
            "status_url": f"{address}/status",
            "cancel_url": f"{address}/cancel",
        }

    def _logs(self, job: Job) -> list[dict[str, str]]:
        return [
            {
                "message": f"step {7 * count}/28",
                "level": "INFO",
                "source": "USER",
                "timestamp": "2026-11-20T10:00:03Z",
            }
            for count in range(1, min(4, job.requests["poll"] - job.script.queued) + 1)
        ]

    def _inputs(self, spec: Spec, given: dict[str, Any]) -> list[Media]:
        found = []
        for name, field in spec.schema["properties"].items():
            values = given.get(name) or []
            if field.get("format") == "uri":
                values = [values] if values else []
            elif field.get("items", {}).get("format") != "uri":
                continue
            found += [self.given(value) for value in values]
        return found

    def _make(self, job: Job) -> dict[str, Any]:
        spec = MODELS[job.model]
        if job.script.outcome == "hollow":
            return {"seed": 1}
        made = results.make(
            job, spec.kind, self._inputs(spec, job.arguments), job.arguments.get("num_images", 1)
        )
        files = [self._file(item, job.arguments.get("sync_mode", False)) for item in made]
        if job.script.shape == "strings":
            return {"images": [item["url"] for item in files]}
        if spec.key != "images":
            return {spec.key: files[0] if files else None, "seed": job.arguments.get("seed", 1)}
        black = job.script.outcome == "black"
        return {
            "images": files,
            "seed": job.arguments.get("seed", 4242),
            "prompt": job.arguments.get("prompt", ""),
            "timings": {"inference": 1.2},
            "has_nsfw_concepts": [black] * len(files),
        }

    def _file(self, item: Media, inline: bool) -> dict[str, Any]:
        url = (
            f"data:{item.mime};base64,{base64.b64encode(item.content).decode()}"
            if inline
            else self.publish(item)
        )
        return {
            "url": url,
            "content_type": item.mime,
            "file_name": f"out.{item.extension}",
            "file_size": len(item.content),
            "width": item.width,
            "height": None,
        }

    # --- storage --------------------------------------------------

    @on("POST", "/storage/auth/token", "upload_token", host="rest")
    async def token(self, request: Request) -> Response:
        """A short-lived token for the CDN."""
        await self.json(request)
        if request.query_params.get("storage_type") != "fal-cdn-v3":
            self.complain("storage: storage_type has to be fal-cdn-v3")
        return JSONResponse(
            {
                "token": CDN_TOKEN,
                "token_type": "Bearer",
                "base_url": self.url("cdn"),
                "expires_at": "2099-01-01T00:00:00+00:00",
            }
        )

    @on("POST", "/files/upload", "upload", host="cdn", auth=False)
    async def upload(self, request: Request) -> Response:
        """Take a raw body."""
        if request.headers.get("authorization") != f"Bearer {CDN_TOKEN}":
            self.complain("cdn: the upload needs the storage token and not the key")
            raise Refused(401, "bad token")
        kind = request.headers.get("content-type", "")
        if not kind.startswith(("image/", "video/")) or "x-fal-file-name" not in request.headers:
            self.complain(f"cdn: an upload as {kind!r} without type or name")
        return JSONResponse({"access_url": self.receive(await request.body(), kind)})

    # --- platform --------------------------------------------------

    def _authenticate(self, request: Request) -> None:
        listing = request.scope["server"][1] == self.ports["api"] and request.url.path == "/v1/models"
        if not listing or "authorization" in request.headers:  # the listing is public
            super()._authenticate(request)

    @on("GET", "/v1/models", "discover", host="api")
    async def models(self, request: Request) -> Response:
        """The listing, in pages with opaque cursors."""
        asked = request.query_params.getlist("endpoint_id")
        names = [
            name
            for name in MODELS
            if not name.startswith("workflows/")
            and (not asked or name in asked)
            and MODELS[name].status == request.query_params.get("status", MODELS[name].status)
            and MODELS[name].category == request.query_params.get("category", MODELS[name].category)
            and request.query_params.get("q", "") in name
        ]
        cursor = request.query_params.get("cursor")
        start = json.loads(base64.b64decode(cursor)) if cursor else 0
        page = min(int(request.query_params.get("limit", PAGE)), PAGE)
        rows = [
            self._listed(name, "openapi-3.0" in request.query_params.getlist("expand"))
            for name in names[start : start + page]
        ]
        more = start + page < len(names)
        following = base64.b64encode(json.dumps(start + page).encode()).decode() if more else None
        return JSONResponse({"models": rows, "next_cursor": following, "has_more": more, "unknown_key": 1})

    def _listed(self, name: str, expanded: bool) -> dict[str, Any]:
        spec = MODELS[name]
        row: dict[str, Any] = {
            "endpoint_id": name,
            "metadata": {
                "display_name": name.removeprefix("fal-ai/").replace("/", " ").title(),
                "category": spec.category,
                "description": "A stand-in.",
                "status": spec.status,
                "tags": ["upscale"] if spec.kind == "upscale" else [],
                "updated_at": "2026-01-26T21:10:00Z",
                "is_favorited": False,
                "model_url": f"https://fal.run/{name}",
                "date": "2024-08-01T00:00:00Z",
                "highlighted": False,
                "pinned": False,
                "license_type": "commercial",
            },
        }
        if expanded and "broken" in name:
            row["openapi"] = {"error": {"code": "schema_unavailable", "message": "could not be expanded"}}
        elif expanded:
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}
            row["openapi"] = {
                "openapi": "3.0.4",
                "paths": {f"/{name}": {"post": {"requestBody": {"content": content}}}},
                "components": {"schemas": {"Input": spec.schema}},
            }
        return row

    @on("GET", "/v1/models/pricing", "pricing", host="api")
    async def pricing(self, request: Request) -> Response:
        """Unit prices of up to 50 endpoints."""
        asked = request.query_params.getlist("endpoint_id")
        if not 1 <= len(asked) <= 50:
            self.complain(f"pricing: 1 to 50 endpoint ids, got {len(asked)}")
            raise Refused(422, "1 to 50 endpoint ids")
        rows = [
            {
                "endpoint_id": name,
                "unit_price": MODELS[name].price[0],
                "unit": MODELS[name].price[1],
                "currency": "USD",
            }
            for name in asked
            if name in MODELS
        ]
        return JSONResponse({"prices": rows, "next_cursor": None, "has_more": False})

    @on("POST", "/v1/models/pricing/estimate", "estimate", host="api")
    async def estimate(self, request: Request) -> Response:
        """The price of a number of units."""
        body = await self.json(request)
        total = sum(
            MODELS[name].price[0] * entry["unit_quantity"] for name, entry in body["endpoints"].items()
        )
        return JSONResponse({"estimate_type": body["estimate_type"], "total_cost": total, "currency": "USD"})
