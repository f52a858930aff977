"""Higgsfield on loopback: requests by model path, uploads, estimates and the optional model list."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import results
from .media import Media
from .schema import Schema, table
from .script import Job
from .server import Refused, Standin, on

RATIO = "enum(1:1,4:3,3:4,3:2,2:3,5:4,4:5,16:9,9:16,21:9)=4:3"
MODELS: dict[str, tuple[str, str]] = {
    "higgsfield-ai/soul/standard": (
        "image",
        f"prompt* str; num_images int(1..4)=1; resolution enum(2K,4K,720p,1080p)=2K; aspect_ratio {RATIO}",
    ),
    "higgsfield-ai/soul/reference": (
        "image",
        f"prompt* str; image_reference_url* uri; style_id str; style_strength num(0..1)=1; "
        f"batch_size ienum(1,4)=1; resolution enum(720p,1080p)=720p; aspect_ratio {RATIO}; "
        "enhance_prompt bool=true; seed int(1..1000000)",
    ),
    "higgsfield-ai/popcorn/auto": (
        "image",
        f"prompt* str; image_urls uri[](0..8); num_images int(1..8)=1; "
        f"resolution enum(720p,1600p)=720p; aspect_ratio {RATIO}; seed int",
    ),
    "flux-pro/kontext/max/text-to-image": (
        "image",
        f"prompt* str; aspect_ratio {RATIO}; safety_tolerance int(0..6)=6; seed int",
    ),
    "reve/text-to-image": ("image", f"prompt* str; num_images int(1..4)=1; aspect_ratio {RATIO}"),
    "reve/edit": ("image", "prompt* str; image_url* uri; num_images int(1..4)=1"),
    "higgsfield-ai/dop/turbo": (
        "video",
        "prompt* str; image_url* uri; end_image_url uri; motions list; enhance_prompt bool=true; seed int",
    ),
    "bytedance/seedance/v1/pro/fast/text-to-video": (
        "video",
        "prompt* str; duration int(2..12)=5; resolution enum(480,720,1080)=1080; "
        "aspect_ratio enum(16:9,9:16,4:3,3:4,1:1,21:9)=16:9; camera_fixed bool=false",
    ),
    "kling-video/v2.5-turbo/pro/image-to-video": (
        "video",
        "prompt* str; image_url* uri; duration ienum(5,10)=5; cfg_scale num(0..1)=0.5; negative_prompt str",
    ),
    "minimax/hailuo-02/standard/text-to-video": (
        "video",
        "prompt* str; duration ienum(6,10)=6; prompt_optimizer bool=true",
    ),
    "wan-25-preview/text-to-video": (
        "video",
        "prompt* str; duration ienum(5,10)=5; resolution enum(480p,720p,1080p)=720p; audio_url uri; "
        "negative_prompt str; seed int(-1..1000000)=-1",
    ),
    "studio/fresh-paint": ("image", "prompt* str; seed int"),
}
OPERATIONS = {
    "reve/edit": "image_edit",
    "higgsfield-ai/soul/reference": "image_edit",
    "higgsfield-ai/dop/turbo": "image2video",
    "kling-video/v2.5-turbo/pro/image-to-video": "image2video",
}
ENDINGS = {"failed": "failed", "refused": "nsfw", "canceled": "canceled", "aborted": "exploded"}


class HiggsfieldStandin(Standin):
    """The stand-in of api.higgsfield.ai. `lists_models` says whether `GET /models` exists."""

    scheme: ClassVar[str] = "Key"
    lists_models = True

    @on("GET", "/requests/{job_id}/status", "poll")
    async def status(self, request: Request) -> Response:
        """The state of one request, with its result at the end."""
        job = self.find(request.path_params["job_id"], "Request")
        phase = job.look()
        if phase != "done":
            return JSONResponse(
                {**self._row(job), "status": "queued" if phase == "queued" else "in_progress"}
            )
        outcome = "canceled" if job.cancelled else job.script.outcome
        if outcome in ENDINGS:
            extra = {"error": job.script.error} if job.script.error else {}
            return JSONResponse({**self._row(job), "status": ENDINGS[outcome], **extra})
        return JSONResponse({**self._row(job), "status": "completed", **self._result(job)})

    @on("POST", "/requests/{job_id}/cancel", "cancel")
    async def cancel(self, request: Request) -> Response:
        """Cancel while it waits; a running or finished request refuses."""
        job = self.find(request.path_params["job_id"], "Request")
        job.requests["cancel"] += 1
        if job.look(poll=False) != "queued":
            raise Refused(400, "Request can not be cancelled")
        job.cancelled = True
        return JSONResponse({"status": "canceled"}, 202)

    @on("POST", "/files/generate-upload-url", "upload_url")
    async def upload_url(self, request: Request) -> Response:
        """An address to put a file to."""
        kind = (await self.json(request)).get("content_type")
        if kind not in ("image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4"):
            raise Refused(
                422,
                [
                    {
                        "type": "literal_error",
                        "loc": ["body", "content_type"],
                        "msg": "not allowed",
                        "input": kind,
                    }
                ],
            )
        name = f"{uuid.uuid4().hex}.{kind.split('/')[1]}"
        self.files[name] = Media(b"", kind, 0, 0)
        return JSONResponse(
            {
                "public_url": self.url("media", f"/out/{name}"),
                "upload_url": self.url("media", f"/put/{name}"),
                "content_type": kind,
                "upload_headers": {"Content-Type": kind, "x-amz-tagging": "standin"},
            }
        )

    @on("PUT", "/put/{name}", "upload", host="media", auth=False)
    async def upload(self, request: Request) -> Response:
        """Storage: exactly the announced headers and no key."""
        name = request.path_params["name"]
        slot = self.files.get(name)
        if "authorization" in request.headers:
            self.complain("the upload address received the key")
        if (
            slot is None
            or request.headers.get("content-type") != slot.mime
            or request.headers.get("x-amz-tagging") != "standin"
        ):
            self.complain("the upload lacks the announced headers")
            raise Refused(403, "SignatureDoesNotMatch")
        content = await request.body()
        self.files[name] = Media(content, slot.mime, *results.size(content))
        return Response(status_code=200)

    @on("POST", "/estimate/{model:path}", "estimate")
    async def estimate(self, request: Request) -> Response:
        """The price of a request before it is made."""
        self._checked(request.path_params["model"], await self.json(request))
        return JSONResponse({"credits": "1.500", "usd": "0.094"})

    @on("GET", "/models", "discover")
    async def models(self, request: Request) -> Response:
        """The optional model list."""
        if not self.lists_models:
            raise Refused(404, "Not Found")
        return JSONResponse({"items": [self._listed(slug, kind) for slug, (kind, _) in MODELS.items()]})

    def _listed(self, slug: str, kind: str) -> dict[str, Any]:
        usual = "text2image" if kind == "image" else "text2video"
        return {
            "slug": slug,
            "title": slug.split("/")[-1].title(),
            "description": "A stand-in.",
            "output_type": kind,
            "operation_type": OPERATIONS.get(slug, usual),
        }

    @on("POST", "/{model:path}", "submit")
    async def submit(self, request: Request) -> Response:
        """Queue a request."""
        model = request.path_params["model"]
        arguments = await self.json(request)
        schema = self._checked(model, arguments)
        self._inputs(schema, arguments)
        job = self.accept(model, arguments)
        return JSONResponse({**self._row(job), "status": "queued"})

    def _checked(self, model: str, arguments: dict[str, Any]) -> Schema:
        if model not in MODELS:
            raise Refused(404, "Model not found")
        schema = table(MODELS[model][1])
        self.check(schema, arguments, f"input of {model}")
        return schema

    def _inputs(self, schema: Schema, given: dict[str, Any]) -> list[Media]:
        found = []
        for name, field in schema["properties"].items():
            if field.get("format") == "uri" and name in given:
                found.append(self.given(given[name]))
            elif field.get("items", {}).get("format") == "uri":
                found += [self.given(value) for value in given.get(name, [])]
        return found

    def _row(self, job: Job) -> dict[str, Any]:
        address = self.url(path=f"/requests/{job.id}")
        return {"request_id": job.id, "status_url": f"{address}/status", "cancel_url": f"{address}/cancel"}

    def _result(self, job: Job) -> dict[str, Any]:
        if job.script.outcome == "hollow":
            return {}
        if job.result is None:
            kind, fields = MODELS[job.model]
            given = job.arguments
            count = given.get("num_images") or given.get("batch_size") or 1
            job.result = [
                self.publish(item)
                for item in results.make(job, kind, self._inputs(table(fields), given), count)
            ]
        if MODELS[job.model][0] == "video":
            return {"video": {"url": job.result[0]}, "expires_at": "2026-12-01T00:00:00Z"}
        return {"images": [{"url": url} for url in job.result]}
