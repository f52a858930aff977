"""Any server with the OpenAI Images shape: pictures in one call, films as jobs under ``/videos``."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from diorama.contract import BackendError, BackendSettings, BaseContext, Operation
from diorama.contract.remote import Call, Look, Offer, Output, RemoteBackend, Unanswered
from diorama.contract.remote.answers import failed_run
from diorama.contract.remote.http import Http

from diorama_openai_images import models

OPENAI = "https://api.openai.com/v1"
FILES = ("image", "mask", "input_reference")
PATHS = {
    Operation.GENERATE: "/images/generations",
    Operation.EDIT: "/images/edits",
    Operation.VIDEO: "/videos",
}
PICTURE_SECONDS = 900.0
LOOK_SECONDS = 60.0
"""A server of one's own comes and goes; its list costs one small request."""


class OpenAIImagesBackend(RemoteBackend[Http]):
    """OpenAI itself, or vLLM-Omni, SGLang-Diffusion, LocalAI and others by ``api_url``.

    Further options: ``models`` (a list of ids, or a table from id to ``image``, ``edit``, ``hybrid`` or ``video``) adds
    models that the server's list does not name or whose name does not tell what they do; ``needs_key``.
    """

    title = "OpenAI-shaped server"
    package = "diorama_openai_images"
    api_url = OPENAI
    final_statuses = (500, 501)
    concurrency = 4
    secrets: Mapping[str, tuple[str, ...]] = {"api_key": ("OPENAI_API_KEY",)}

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        if not urlsplit(self.api_url).path:
            self.api_url += "/v1"
        self._vendor = self.api_url == OPENAI
        self.title = str(
            settings.options.get("title") or ("OpenAI" if self._vendor else urlsplit(self.api_url).netloc)
        )
        self.needs_key = bool(settings.options.get("needs_key", self._vendor))
        self.discovers_always = not self._vendor
        self.list_lifetime = type(self).list_lifetime if self._vendor else LOOK_SECONDS
        if not self._vendor:
            self.secrets = {"api_key": ()}  # the exported OpenAI key is nobody else's business

    def connect(self, key: str) -> Http:
        """Return a plain HTTP client; a picture may take minutes in one call."""
        return Http(self.api_url, f"Bearer {key}" if key else "", timeout=PICTURE_SECONDS)

    # --- one job --------------------------------------------------------------------------------

    def body(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """Name the model, which this shape carries inside the body."""
        return {**body, "model": call.endpoint}

    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Make pictures at once, or start a film."""
        content = multipart(body) if any(name in body for name in FILES) else {"json": body}
        row = self.client(call.key).json("POST", PATHS[call.operation], **content)
        if call.operation is Operation.VIDEO:
            if not isinstance(row, Mapping) or not row.get("id"):
                raise Unanswered("the answer to a submission names no video")
            return Look(state="queued", ticket={"id": str(row["id"])})
        if not isinstance(row, Mapping) or not isinstance(row.get("data"), list):
            raise Unanswered("the answer holds no pictures")
        outputs = [output for item in row["data"] if (output := output_of(item)) is not None]
        if row["data"] and not outputs:
            raise Unanswered("none of the pictures in the answer can be read")
        if len(outputs) < len(row["data"]):  # they are paid for: the others are kept
            call.context.log.warning("%d pictures cannot be read", len(row["data"]) - len(outputs))
        return Look(state="done", outputs=tuple(outputs))

    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Read the film's state."""
        row = self.client(call.key).json("GET", f"/videos/{ticket['id']}")
        if not isinstance(row, Mapping):
            raise Unanswered("a video's answer is no object")
        status = row.get("status")
        if status == "completed":
            headers = {"Authorization": f"Bearer {call.key}"} if call.key else {}
            return Look(
                state="done",
                outputs=(Output(url=f"{self.api_url}/videos/{ticket['id']}/content", headers=headers),),
            )
        if status == "failed":
            error = row.get("error") or {}
            text = (
                ": ".join(str(error[name]) for name in ("code", "message") if error.get(name))
                if isinstance(error, Mapping)
                else str(error)
            )
            return Look(state="failed", error=failed_run(self.title, text))
        if status in ("cancelled", "canceled", "deleted"):
            return Look(state="failed", error=BackendError(f"The video was cancelled at {self.title}."))
        if status == "queued":
            return Look(state="queued", message=f"Queued at {self.title}")
        progress = row.get("progress")
        fraction = min(max(float(progress), 0.0), 100.0) / 100 if isinstance(progress, (int, float)) else None
        return Look(state="running", message=f"Running at {self.title}", fraction=fraction)

    def cancel(self, call: Call, ticket: Mapping[str, Any]) -> None:
        """Delete the film, which stops it where the server can."""
        self.client(call.key).json("DELETE", f"/videos/{ticket['id']}")

    # --- models ---------------------------------------------------------------------------------

    def curated(self) -> Mapping[str, Offer]:
        """Return OpenAI's own models for OpenAI, and those of the settings."""
        if self._curated is None:
            known = dict(super().curated()) if self._vendor else {}
            self._curated = {**known, **models.named(self.name, self.settings.options.get("models"))}
        return self._curated

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """Read the server's list, and keep what makes pictures or films."""
        if key is None and self.needs_key:
            return {}
        return models.listed(self.name, self._ids(key))

    def fetch_offer(self, native_id: str, context: BaseContext, key: str | None) -> Offer | None:
        """Return a model that the server lists."""
        return models.listed(self.name, self._ids(key)).get(native_id)

    def probe(self, key: str | None) -> str:
        """Read the server's list."""
        return f"{self.title} lists {len(self._ids(key))} models."

    def _ids(self, key: str | None) -> list[str]:
        row = self.client(key).json("GET", "/models", timeout=10.0)
        rows = row.get("data") if isinstance(row, Mapping) else row
        if not isinstance(rows, list):
            raise Unanswered("the list of models cannot be read")
        return [str(item["id"]) for item in rows if isinstance(item, Mapping) and item.get("id")]


def output_of(item: Any) -> Output | None:
    """Read one picture, its bytes or its address; ``None`` when there is neither."""
    if not isinstance(item, Mapping):
        return None
    if item.get("b64_json"):
        try:
            return Output(content=base64.b64decode("".join(str(item["b64_json"]).split()), validate=True))
        except ValueError:
            return None
    return Output(url=str(item["url"])) if item.get("url") else None


def multipart(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body as form fields and files; inputs arrive in it as data URIs."""
    files: list[tuple[str, tuple[str, bytes, str]]] = []
    for name in FILES:
        given = body.get(name, ())
        addresses = [given] if isinstance(given, str) else list(given)
        for number, address in enumerate(addresses, 1):
            head, _, text = address.partition(",")
            mime, content = head[5:].partition(";")[0], base64.b64decode(text)
            if name == "mask":
                mime, content = "image/png", transparent(content)
            field = "image[]" if name == "image" and len(addresses) > 1 else name
            files.append((field, (f"{name}-{number}.{mime.partition('/')[2]}", content, mime)))
    fields = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in body.items()
        if name not in FILES
    }
    return {"data": fields, "files": files}


def transparent(mask: bytes) -> bytes:
    """Return our mask (white is changed) as OpenAI reads it (transparent is changed), its colours kept for other servers."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(mask)) as opened:
        grey = opened.convert("L")
    made = Image.merge("RGBA", (grey, grey, grey, ImageOps.invert(grey)))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()
