"""Replicate on loopback: predictions, files, models, account; the media host is its replicate.delivery."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import results
from .media import Media
from .replicate_models import MODELS, VERSION_OF, Spec, openapi
from .script import Job
from .server import CANARY, Refused, Standin, on

STATUS = {"queued": "starting", "running": "processing"}
FAILURES = {"failed": "E1001: CUDA out of memory", "refused": "The input was flagged as sensitive (E005)"}
INLINE_LIMIT = 256 * 1024
BODY_FIELDS = {"input", "version", "webhook", "webhook_events_filter", "stream"}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class ReplicateStandin(Standin):
    """The stand-in of api.replicate.com. `files_uploaded` maps file ids to their bytes."""

    scheme: ClassVar[str] = "Bearer"
    webhook_secret = "whsec_" + base64.b64encode(b"a stand-in's secret").decode()

    def __init__(self, key: str = f"r8_{CANARY}") -> None:
        super().__init__(key)
        self.files_uploaded: dict[str, tuple[str, Media]] = {}

    def error_body(self, status: int, detail: Any) -> Any:
        """Replicate's problem object; throttling carries only `detail`."""
        if status == 429:
            return {"detail": detail}
        return {
            "title": {401: "Unauthenticated", 422: "Invalid input"}.get(status, "Error"),
            "detail": detail,
            "status": status,
        }

    # --- predictions --------------------------------------------------

    @on("POST", "/v1/models/{owner}/{name}/predictions", "submit")
    async def create_official(self, request: Request) -> Response:
        """Run an official model by its name."""
        return await self._create(request, "{owner}/{name}".format(**request.path_params))

    @on("POST", "/v1/predictions", "submit")
    async def create_version(self, request: Request) -> Response:
        """Run a community model by its version."""
        return await self._create(request, None)

    async def _create(self, request: Request, model: str | None) -> Response:
        body = await self.json(request)
        if unknown := set(body) - BODY_FIELDS:
            self.complain(f"create: unknown fields {sorted(unknown)}")
        if model is None:
            version = str(body.get("version", "")).rsplit(":", 1)[-1]
            model = next((name for name, known in VERSION_OF.items() if known == version), None)
        if model is None or model not in MODELS:
            raise Refused(404 if model else 422, "The requested model or version does not exist")
        spec, arguments = MODELS[model], body.get("input")
        if not spec.official and "version" not in body:
            raise Refused(404, f"{model} is not an official model: run it by version")
        self.check(spec.schema, arguments, f"input of {model}")
        assert isinstance(arguments, dict)
        self._check_files(model, spec, arguments)
        job = self.accept(model, arguments, uuid.uuid4().hex[:26])
        return await self._created(request, job)

    async def _created(self, request: Request, job: Job) -> Response:
        prefer = request.headers.get("prefer", "")
        if job.script.hold:
            return JSONResponse(self._prediction(job, "queued"), 202)
        if not prefer.startswith("wait") or job.script.seconds is not None:
            return JSONResponse(self._prediction(job, "queued"), 201)
        while job.look() != "done":
            pass
        return JSONResponse(self._prediction(job, "done"), 201)

    def _check_files(self, model: str, spec: Spec, arguments: dict[str, Any]) -> None:
        for media in self._inputs(spec, arguments):
            low, high = spec.sides or (1, 1 << 16)
            if not all(low <= side <= high for side in (media.width, media.height)):
                self.complain(
                    f"{model}: an input is {media.width}x{media.height}, allowed are sides of {low}-{high}"
                )
                raise Refused(422, "image size out of range")

    def _inputs(self, spec: Spec, arguments: dict[str, Any]) -> list[Media]:
        found = []
        for name, field in spec.schema["properties"].items():
            values = arguments.get(name) or []
            if field.get("format") == "uri":
                values = [values] if values else []
            elif field.get("items", {}).get("format") != "uri":
                continue
            found += [self._input(value) for value in values]
        return found

    def _input(self, address: str) -> Media:
        if address.startswith("data:") and len(address) > INLINE_LIMIT * 4 // 3 + 64:
            self.complain("a data URI above 256 KB: large files have to be uploaded")
        file_id = address.rsplit("/", 1)[-1]
        return self.files_uploaded[file_id][1] if file_id in self.files_uploaded else self.given(address)

    def _prediction(self, job: Job, phase: str) -> dict[str, Any]:
        api = self.url(path=f"/v1/predictions/{job.id}")
        row: dict[str, Any] = {
            "id": job.id,
            "model": job.model,
            "version": "hidden" if MODELS[job.model].official else VERSION_OF[job.model],
            "input": job.arguments,
            "logs": self._logs(job, phase),
            "output": None,
            "error": None,
            "source": "api",
            "status": STATUS.get(phase, "succeeded"),
            "created_at": _now(),
            "started_at": None,
            "completed_at": None,
            "data_removed": False,
            "urls": {"get": api, "cancel": f"{api}/cancel"},
        }
        if phase == "done":
            row |= {
                "completed_at": _now(),
                "metrics": {"predict_time": 1.5, "total_time": 2.0},
            } | self._ending(job)
        return row

    def _logs(self, job: Job, phase: str) -> str:
        step = {"queued": 0, "running": 5, "done": 10}[phase]
        bar = f"Using seed: 7\n {step * 10}%|#####     | {step}/10 [00:01<00:01]\n" if step else ""
        return bar + (job.script.logs if phase == "done" else "")

    def _ending(self, job: Job) -> dict[str, Any]:
        outcome = "canceled" if job.cancelled else job.script.outcome
        if outcome in ("canceled", "aborted"):
            return {"status": outcome}
        if outcome in FAILURES:
            return {"status": "failed", "error": job.script.error or FAILURES[outcome]}
        if outcome == "removed":
            return {"data_removed": True, "logs": None}
        if outcome == "hollow":
            return {"output": None}
        if job.result is None:
            job.result = self._make(job)
        return {"output": job.result}

    def _make(self, job: Job) -> Any:
        spec, given = MODELS[job.model], job.arguments
        count = given.get("num_outputs", 1)
        if given.get("sequential_image_generation") == "auto":
            count = given.get("max_images", 1)
        urls = [self.publish(item) for item in results.make(job, spec.kind, self._inputs(spec, given), count)]
        shape = spec.output if job.script.shape == "default" else job.script.shape
        if shape == "string":
            return urls[0] if urls else None
        return {"images": urls} if shape == "object" else urls

    @on("GET", "/v1/predictions", "list")
    async def list_predictions(self, request: Request) -> Response:
        """The newest predictions first."""
        rows = [self._prediction(job, job.look(poll=False)) for job in reversed(self.jobs.values())]
        return JSONResponse({"next": None, "previous": None, "results": rows[:100]})

    @on("GET", "/v1/predictions/{job_id}", "poll")
    async def poll(self, request: Request) -> Response:
        """The state of one prediction."""
        job = self.find(request.path_params["job_id"], "prediction")
        return JSONResponse(self._prediction(job, job.look()))

    @on("POST", "/v1/predictions/{job_id}/cancel", "cancel")
    async def cancel(self, request: Request) -> Response:
        """Cancel; a finished prediction comes back unchanged."""
        job = self.find(request.path_params["job_id"], "prediction")
        job.requests["cancel"] += 1
        if job.look(poll=False) != "done":
            job.cancelled = True
        return JSONResponse(self._prediction(job, job.look(poll=False)))

    # --- files --------------------------------------------------

    @on("POST", "/v1/files", "upload")
    async def upload(self, request: Request) -> Response:
        """Take a multipart file in the part `content`."""
        form = await request.form()
        part = form.get("content")
        if part is None or isinstance(part, str) or set(form) - {"content", "type", "filename", "metadata"}:
            self.complain(f"files: a multipart part named content is needed, got {sorted(form)}")
            raise Refused(400, "content is missing")
        content, kind = await part.read(), part.content_type or ""
        if not kind.startswith(("image/", "video/")) or "." not in (part.filename or ""):
            self.complain(f"files: {part.filename!r} as {kind!r} says neither its type nor its name")
        self.receive(content, kind)
        file_id = uuid.uuid4().hex
        self.files_uploaded[file_id] = (part.filename or "file", Media(content, kind, *self._size(content)))
        return JSONResponse(self._file(file_id), 201)

    def _size(self, content: bytes) -> tuple[int, int]:
        return results.size(content)

    def _file(self, file_id: str) -> dict[str, Any]:
        name, media = self.files_uploaded[file_id]
        return {
            "id": file_id,
            "name": name,
            "content_type": media.mime,
            "size": len(media.content),
            "etag": "x1",
            "checksums": {"sha256": hashlib.sha256(media.content).hexdigest()},
            "metadata": {},
            "created_at": _now(),
            "urls": {"get": self.url(path=f"/v1/files/{file_id}")},
        }

    @on("GET", "/v1/files/{file_id}", "file")
    async def get_file(self, request: Request) -> Response:
        """One uploaded file's record."""
        if request.path_params["file_id"] not in self.files_uploaded:
            raise Refused(404, "file not found")
        return JSONResponse(self._file(request.path_params["file_id"]))

    @on("DELETE", "/v1/files/{file_id}", "file")
    async def delete_file(self, request: Request) -> Response:
        """Forget an upload."""
        if self.files_uploaded.pop(request.path_params["file_id"], None) is None:
            raise Refused(404, "file not found")
        return Response(status_code=204)

    # --- account and models --------------------------------------------------

    @on("GET", "/v1/account", "account")
    async def account(self, request: Request) -> Response:
        """Who the key belongs to."""
        return JSONResponse({"type": "user", "username": "standin", "name": "Stand-in", "github_url": None})

    @on("QUERY", "/v1/models", "search")
    async def search(self, request: Request) -> Response:
        """Search by words in a plain-text body."""
        words = (await request.body()).decode().lower()
        found = [self._model(name) for name in MODELS if words in name]
        return JSONResponse({"next": None, "previous": None, "results": found})

    @on("GET", "/v1/models/{owner}/{name}", "model")
    async def model(self, request: Request) -> Response:
        """One model with its newest version and schema."""
        name = "{owner}/{name}".format(**request.path_params)
        if name not in MODELS:
            raise Refused(404, "The requested resource could not be found.")
        return JSONResponse(self._model(name))

    @on("GET", "/v1/models/{owner}/{name}/versions/{version}", "version")
    async def version(self, request: Request) -> Response:
        """One version of a model."""
        name = "{owner}/{name}".format(**request.path_params)
        if VERSION_OF.get(name) != request.path_params["version"]:
            raise Refused(404, "no such version")
        return JSONResponse(self._model(name)["latest_version"])

    def _model(self, name: str) -> dict[str, Any]:
        owner, short = name.split("/")
        version = {
            "id": VERSION_OF[name],
            "created_at": "2026-01-01T00:00:00Z",
            "cog_version": "0.16.0",
            "openapi_schema": openapi(name),
        }
        return {
            "url": f"https://replicate.com/{name}",
            "owner": owner,
            "name": short,
            "description": f"{short} runs here",
            "visibility": "public",
            "github_url": None,
            "paper_url": None,
            "license_url": None,
            "run_count": 1,
            "cover_image_url": None,
            "default_example": None,
            "is_official": MODELS[name].official,
            "latest_version": version,
        }

    @on("GET", "/v1/collections/{slug}", "collection")
    async def collection(self, request: Request) -> Response:
        """A collection: all models of one kind."""
        kind = {"text-to-image": "image", "text-to-video": "video", "super-resolution": "upscale"}.get(
            request.path_params["slug"]
        )
        if kind is None:
            raise Refused(404, "no such collection")
        rows = [self._model(name) for name, spec in MODELS.items() if spec.kind == kind]
        return JSONResponse(
            {"name": kind, "slug": request.path_params["slug"], "description": "", "models": rows}
        )

    @on("GET", "/v1/hardware", "hardware")
    async def hardware(self, request: Request) -> Response:
        """The machines one could run on."""
        return JSONResponse([{"name": "Nvidia T4 GPU", "sku": "gpu-t4"}])

    # --- webhooks --------------------------------------------------

    @on("GET", "/v1/webhooks/default/secret", "secret")
    async def secret(self, request: Request) -> Response:
        """The key that signs webhooks."""
        return JSONResponse({"key": self.webhook_secret})

    def webhook(self, job: Job, *, age: float = 0.0, good: bool = True) -> tuple[dict[str, str], bytes]:
        """Headers and body of a signed webhook call, `age` seconds old, with a good or a wrong signature."""
        body = json.dumps(self._prediction(job, job.look(poll=False))).encode()
        stamp, call = str(int(time.time() - age)), f"msg_{uuid.uuid4().hex}"
        key = base64.b64decode(self.webhook_secret.removeprefix("whsec_")) if good else b"another secret"
        digest = hmac.new(key, f"{call}.{stamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "webhook-id": call,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }, body
