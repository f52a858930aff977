"""A server that speaks the OpenAI Images shape and the open `/v1/videos` convention, on loopback."""

from __future__ import annotations

import base64
import time
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import results
from .media import Media
from .schema import table
from .script import Job
from .server import CANARY, Refused, Standin, on

OPEN = (
    "negative_prompt str; num_inference_steps int(1..200); guidance_scale num; true_cfg_scale num; seed int; "
    "strength num(0..1)"
)
COMMON = (
    "prompt* str; model* str; n int(1..10)=1; size str=auto; quality str; background str; output_format enum(png,jpeg,webp)=png; "
    f"output_compression int(0..100); moderation str; response_format enum(url,b64_json); style str; user str; {OPEN}"
)
IMAGES = table(COMMON)
VIDEOS = table(f"prompt* str; model* str; seconds str=4; size str; fps int; num_frames int; {OPEN}")
WHOLE = ("n", "output_compression", "num_inference_steps", "seed", "fps", "num_frames")
REAL = ("guidance_scale", "true_cfg_scale", "strength")


LOCALAI = table(
    "prompt* str; model* str; n int(1..10)=1; size str; response_format enum(url,b64_json); step int(1..200); seed int; mode int"
)


class OpenAIStandin(Standin):
    """An open server: `models` names what it runs, `answers` says whether pictures come as `b64_json` or `url`, whatever is
    asked.

    `flavour` is one of the servers that differ in what they leave out of the shape: `vllm-omni` gives no addresses and reads
    films from forms only, `sglang` answers with addresses of its own without a host unless it is asked for bytes, and reads a
    form only where there is a picture in it, `localai` has names of its own.
    """

    scheme: ClassVar[str] = "Bearer"

    def __init__(self, key: str = f"sk-{CANARY}") -> None:
        super().__init__(key)
        self.models = {
            "Qwen/Qwen-Image": "image",
            "Qwen/Qwen-Image-Edit": "image",
            "Wan-AI/Wan2.2-T2V": "video",
        }
        self.answers = ""
        self.flavour = ""

    def error_body(self, status: int, detail: Any) -> Any:
        """OpenAI's error shape."""
        code = "moderation_blocked" if "safety" in str(detail) else None
        return {
            "error": {
                "message": str(detail),
                "type": "invalid_request_error" if status < 500 else "server_error",
                "param": None,
                "code": code,
            }
        }

    @on("GET", "/v1/models", "discover")
    async def list_models(self, request: Request) -> Response:
        """What can be asked for; a language model is among them."""
        ids = [*self.models, "some/chat-model"]
        return JSONResponse(
            {
                "object": "list",
                "data": [
                    {"id": name, "object": "model", "created": 1, "owned_by": "standin"} for name in ids
                ],
            }
        )

    @on("POST", "/v1/images/generations", "submit")
    async def generate(self, request: Request) -> Response:
        """Text to pictures, in one call."""
        body = await self.json(request)
        self.check(LOCALAI if self.flavour == "localai" else IMAGES, body, "images/generations", status=400)
        return self._pictures(body, [])

    @on("POST", "/v1/images/edits", "submit")
    async def edit(self, request: Request) -> Response:
        """Pictures, an optional mask and text to pictures."""
        fields, files = await self._form(request)
        self.check(IMAGES, fields, "images/edits", status=400)
        sources = [*files.get("image", []), *files.get("image[]", [])]
        if not 1 <= len(sources) <= 16 or set(files) - {"image", "image[]", "mask"}:
            self.complain(f"edits: 1 to 16 files named image, got {sorted(files)}")
            raise Refused(400, "image is missing")
        for mask in files.get("mask", []):
            if (mask.width, mask.height) != (sources[0].width, sources[0].height):
                self.complain("edits: the mask's size is not the picture's")
        fields["masked"] = bool(files.get("mask"))
        return self._pictures(fields, sources)

    async def _form(self, request: Request) -> tuple[dict[str, Any], dict[str, list[Media]]]:
        fields: dict[str, Any] = {}
        files: dict[str, list[Media]] = {}
        for name, value in (await request.form()).multi_items():
            if not isinstance(value, UploadFile):
                fields[name] = int(value) if name in WHOLE else float(value) if name in REAL else value
                continue
            content = await value.read()
            if not (value.content_type or "").startswith("image/") or not value.filename:
                self.complain(f"edits: {name} as {value.content_type!r} is no picture")
            files.setdefault(name, []).append(
                Media(content, value.content_type or "", *results.size(content))
            )
        return fields, files

    def _pictures(self, body: dict[str, Any], inputs: list[Media]) -> Response:
        self._known(body, "image")
        job = self.accept(body["model"], {**body, "inputs": len(inputs)})
        outcome = job.script.outcome
        if outcome == "refused":
            raise Refused(400, "Your request was rejected as a result of our safety system.")
        if outcome == "failed":
            raise Refused(500, job.script.error or "out of memory")
        made = [] if outcome == "hollow" else results.make(job, "image", inputs, body.get("n", 1))
        usual = "url" if self.flavour == "sglang" else "b64_json"
        kind = self.answers or body.get("response_format", usual)
        if kind == "url" and self.flavour == "vllm-omni":
            raise Refused(400, "Only 'b64_json' or 'file' response format is supported")
        data = [
            {"url": self._address(item)}
            if kind == "url"
            else {"b64_json": base64.b64encode(item.content).decode()}
            for item in made
        ]
        return JSONResponse({"created": int(time.time()), "data": data})

    def _address(self, item: Media) -> str:
        address = self.publish(item)
        return f"/v1/images/{address.rsplit('/', 1)[-1]}/content" if self.flavour == "sglang" else address

    @on("GET", "/v1/images/{name}/content", "content")
    async def picture(self, request: Request) -> Response:
        """A picture that only the server itself hands out."""
        media = self.files.get(request.path_params["name"])
        if media is None:
            raise Refused(404, "no such picture")
        return Response(media.content, media_type=media.mime)

    def _known(self, body: dict[str, Any], kind: str) -> None:
        if self.models.get(body["model"]) != kind:
            raise Refused(404, f"The model {body['model']!r} does not exist")

    @on("POST", "/v1/videos", "submit")
    async def create_video(self, request: Request) -> Response:
        """Start a video, from JSON or multipart with an optional `input_reference`."""
        inputs: list[Media] = []
        if request.headers.get("content-type", "").startswith("multipart/"):
            body, files = await self._form(request)
            inputs = files.get("input_reference", [])
            if self.flavour == "sglang" and not inputs:
                raise Refused(400, "input_reference file is required")
        else:
            body = await self.json(request)
            if self.flavour == "vllm-omni":
                raise Refused(422, [{"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}])
        self.check(VIDEOS, body, "videos", status=400)
        self._known(body, "video")
        job = self.accept(body["model"], {**body, "inputs": len(inputs)})
        return JSONResponse(self._row(job, "queued"))

    @on("GET", "/v1/videos", "list")
    async def videos(self, request: Request) -> Response:
        """The newest videos first."""
        rows = [self._row(job, job.look(poll=False)) for job in reversed(self.jobs.values())]
        return JSONResponse({"object": "list", "data": rows, "has_more": False})

    @on("GET", "/v1/videos/{job_id}/content", "content")
    async def content(self, request: Request) -> Response:
        """The finished file."""
        job = self.find(request.path_params["job_id"], "Video")
        if job.look(poll=False) != "done" or job.script.outcome not in ("success", "removed", "hollow"):
            raise Refused(409, "the video is not ready")
        if job.script.outcome != "success":
            raise Refused(404, "the video has expired")
        made = results.make(job, "video", [])[0]
        return Response(made.content, media_type="video/mp4")

    @on("GET", "/v1/videos/{job_id}", "poll")
    async def video(self, request: Request) -> Response:
        """One video's state."""
        job = self.find(request.path_params["job_id"], "Video")
        return JSONResponse(self._row(job, job.look()))

    @on("DELETE", "/v1/videos/{job_id}", "cancel")
    async def delete(self, request: Request) -> Response:
        """Delete a video; one that still runs is stopped."""
        job = self.find(request.path_params["job_id"], "Video")
        job.requests["cancel"] += 1
        job.cancelled = True
        return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})

    def _row(self, job: Job, phase: str) -> dict[str, Any]:
        status, error = {"queued": "queued", "running": "in_progress"}.get(phase, "completed"), None
        if phase == "done" and (job.cancelled or job.script.outcome in ("failed", "refused")):
            refused = job.script.outcome == "refused"
            text = "blocked by our safety system" if refused else job.script.error or "it broke"
            status, error = (
                "failed",
                {"code": "moderation_blocked" if refused else "server_error", "message": text},
            )
        return {
            "id": job.id,
            "object": "video",
            "status": status,
            "progress": {"queued": 0, "running": 50}.get(phase, 100),
            "created_at": 1,
            "completed_at": None,
            "expires_at": None,
            "model": job.model,
            "prompt": job.arguments["prompt"],
            "seconds": job.arguments.get("seconds", "4"),
            "size": job.arguments.get("size", "720x1280"),
            "error": error,
            "remixed_from_video_id": None,
        }
