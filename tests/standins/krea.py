"""KREA on loopback: the OpenAPI document, generation jobs, assets."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import results
from .krea_spec import TABLES, body_schema, document
from .media import Media
from .script import Job
from .server import CANARY, Refused, Standin, on

ASSET_LIMIT = 75 * 1024 * 1024
QUEUED = ("backlogged", "queued", "scheduled")
RUNNING = ("processing", "sampling", "intermediate-complete")
ASSET_TYPES = ("image/jpeg", "image/png", "image/webp", "video/mp4")


class KreaStandin(Standin):
    """The stand-in of api.krea.ai."""

    scheme: ClassVar[str] = "Bearer"

    def __init__(self, key: str = f"krea-{CANARY}:krea-{CANARY}-secret") -> None:
        super().__init__(key)
        self.created: dict[str, str] = {}

    def error_body(self, status: int, detail: Any) -> Any:
        """KREA's error shape."""
        return {"error": detail}

    @on("GET", "/openapi.json", "discover", auth=False)
    async def openapi(self, request: Request) -> Response:
        """The public document."""
        if request.headers.get("if-none-match") == '"v1"':
            return Response(status_code=304)
        return JSONResponse(document(self.url()), headers={"ETag": '"v1"'})

    @on("POST", "/generate/{model:path}", "submit")
    async def submit(self, request: Request) -> Response:
        """Start a job."""
        model = request.path_params["model"]
        if model not in TABLES:
            raise Refused(404, "Not found")
        arguments = await self.json(request)
        self.check(body_schema(model), arguments, f"input of {model}", status=400)
        if None in arguments.values():
            self.complain(f"input of {model}: nullable fields are left out, not sent as null")
        self._inputs(model, arguments)
        job = self.accept(model, arguments)
        self.created[job.id] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return JSONResponse(self._row(job, "queued"))

    @on("GET", "/jobs/{job_id}", "poll")
    async def poll(self, request: Request) -> Response:
        """One job."""
        job = self.find(request.path_params["job_id"], "Job")
        return JSONResponse(self._row(job, job.look()))

    @on("GET", "/jobs", "jobs")
    async def list_jobs(self, request: Request) -> Response:
        """The newest jobs first."""
        limit = int(request.query_params.get("limit", 100))
        rows = [self._row(job, job.look(poll=False)) for job in reversed(self.jobs.values())]
        return JSONResponse({"items": rows[:limit], "next_cursor": None})

    @on("DELETE", "/jobs/{job_id}", "cancel")
    async def cancel(self, request: Request) -> Response:
        """Cancel a job that is not over."""
        job = self.find(request.path_params["job_id"], "Job")
        job.requests["cancel"] += 1
        if job.look(poll=False) == "done":
            raise Refused(400, "Job is already finished")
        job.cancelled = True
        return Response(status_code=200)

    @on("POST", "/assets", "upload")
    async def upload(self, request: Request) -> Response:
        """Take a multipart file in the part `file`."""
        form = await request.form()
        part = form.get("file")
        if part is None or isinstance(part, str) or set(form) - {"file", "description"}:
            self.complain(f"assets: a multipart part named file is needed, got {sorted(form)}")
            raise Refused(400, "file is missing")
        content, kind = await part.read(), part.content_type or ""
        if len(content) > ASSET_LIMIT or kind not in ASSET_TYPES:
            raise Refused(400, "file too large or of an unknown type")
        url = self.receive(content, kind)
        width, height = results.size(content)
        return JSONResponse(
            {
                "id": str(uuid.uuid4()),
                "image_url": url,
                "uploaded_at": "2026-11-20T10:00:00Z",
                "width": width,
                "height": height,
                "size_bytes": len(content),
                "mime_type": kind,
                "description": None,
                "metadata": {},
            }
        )

    def _inputs(self, model: str, given: dict[str, Any]) -> list[Media]:
        found = []
        for name, field in body_schema(model)["properties"].items():
            if field.get("format") == "uri" and given.get(name):
                found.append(self._uploaded(given[name]))
            elif field.get("items", {}).get("format") == "uri":
                found += [self._uploaded(value) for value in given.get(name, [])]
        return found

    def _uploaded(self, address: str) -> Media:
        if address.startswith("data:"):
            self.complain("data URIs are not documented: upload an asset")
        return self.given(address)

    def _row(self, job: Job, phase: str) -> dict[str, Any]:
        row: dict[str, Any] = {"job_id": job.id, "created_at": self.created[job.id]}
        if phase == "queued":
            return {**row, "status": QUEUED[min(job.requests["poll"], 2)]}
        if phase == "running":
            status = RUNNING[min(max(job.requests["poll"] - job.script.queued - 1, 0), 2)]
            half = (
                {"result": {"urls": ["https://gen.example/unfinished.png"]}}
                if status == "intermediate-complete"
                else {}
            )
            return {**row, "status": status, "completed_at": None, **half}
        return {**row, "completed_at": row["created_at"], **self._ending(job)}

    def _ending(self, job: Job) -> dict[str, Any]:
        outcome = "canceled" if job.cancelled else job.script.outcome
        if outcome == "canceled":
            return {"status": "cancelled"}
        if outcome in ("failed", "refused"):
            text = job.script.error or ("NSFW content detected" if outcome == "refused" else None)
            return {"status": "failed", "result": {"error": text} if text else None}
        if outcome == "hollow":
            return {"status": "completed"}
        if job.result is None:
            kind = {"enhance": "upscale"}.get(job.model.split("/")[0], job.model.split("/")[0])
            job.result = [
                self.publish(item) for item in results.make(job, kind, self._inputs(job.model, job.arguments))
            ]
        return {"status": "completed", "result": {"urls": job.result}}
