"""Any server with the OpenAI Images shape: pictures in one call, films as jobs under ``/videos``."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from diorama.contract import BackendError, BackendSettings, BaseContext, Operation
from diorama.contract.remote import Call, Look, Offer, Output, Refusal, RemoteBackend, Unanswered
from diorama.contract.remote.answers import failed_run
from diorama.contract.remote.http import Http

from diorama_openai_images import models
from diorama_openai_images.forms import FILES, multipart

OPENAI = "https://api.openai.com/v1"
PATHS = {
    Operation.GENERATE: "/images/generations",
    Operation.EDIT: "/images/edits",
    Operation.VIDEO: "/videos",
}
PICTURE_SECONDS = 900.0
LOOK_SECONDS = 60.0
"""A server of one's own comes and goes; its list costs one small request."""
OTHER_SHAPE = re.compile(r"required|missing|multipart|form|json", re.IGNORECASE)
"""What a server says that reads films from forms alone (vLLM-Omni), or from JSON alone (SGLang without a picture)."""


class OpenAIImagesBackend(RemoteBackend[Http]):
    """OpenAI itself, or vLLM-Omni, SGLang-Diffusion, LocalAI and others by ``api_url``.

    Further options: ``models`` (a list of ids, or a table from id to ``image``, ``edit``, ``hybrid`` or ``video``) adds
    models that the server's list does not name or whose name does not tell what they do; ``dialect`` (``localai`` for a
    server with LocalAI's names); ``needs_key``.
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
        self._dialect = models.checked_dialect(self.name, settings.options.get("dialect"))
        self._films_as_forms = False
        if not self._vendor:
            self.secrets = {"api_key": ()}  # the exported OpenAI key is nobody else's business

    def connect(self, key: str) -> Http:
        """Return a plain HTTP client; a picture may take minutes in one call."""
        return Http(self.api_url, f"Bearer {key}" if key else "", timeout=PICTURE_SECONDS)

    # --- one job --------------------------------------------------------------------------------

    def body(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """Name the model, which this shape carries inside the body."""
        if self._dialect == "localai":
            body = models.in_localai(body)
        return {**body, "model": call.endpoint}

    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Make pictures at once, or start a film."""
        if call.operation is Operation.VIDEO:
            row = self._start_film(call, body)
            if not isinstance(row, Mapping) or not row.get("id"):
                raise Unanswered("the answer to a submission names no video")
            return Look(state="queued", ticket={"id": str(row["id"])})
        row = self._post(call, body, form=any(name in body for name in FILES))
        if not isinstance(row, Mapping) or not isinstance(row.get("data"), list):
            raise Unanswered("the answer holds no pictures")
        found = (output_of(item, self.api_url, self._authorization(call.key)) for item in row["data"])
        outputs = [output for output in found if output is not None]
        if row["data"] and not outputs:
            raise Unanswered("none of the pictures in the answer can be read")
        if len(outputs) < len(row["data"]):  # they are paid for: the others are kept
            call.context.log.warning("%d pictures cannot be read", len(row["data"]) - len(outputs))
        return Look(state="done", outputs=tuple(outputs))

    def _start_film(self, call: Call, body: dict[str, Any]) -> Any:
        """Send a film as JSON or as a form; servers read one or the other, and what one refuses was not bought."""
        if any(name in body for name in FILES):
            return self._post(call, body, form=True)
        try:
            return self._post(call, body, form=self._films_as_forms)
        except Refusal as error:
            if not _of_the_shape(error):
                raise
            first = error
        try:
            row = self._post(call, body, form=not self._films_as_forms)
        except Refusal as second:
            raise (first if _of_the_shape(second) else second) from None
        self._films_as_forms = not self._films_as_forms
        return row

    def _post(self, call: Call, body: dict[str, Any], *, form: bool) -> Any:
        content = multipart(body) if form else {"json": body}
        return self.client(call.key).json("POST", PATHS[call.operation], **content)

    def _authorization(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Read the film's state."""
        row = self.client(call.key).json("GET", f"/videos/{ticket['id']}")
        if not isinstance(row, Mapping):
            raise Unanswered("a video's answer is no object")
        status = row.get("status")
        if status == "completed":
            url, headers = f"{self.api_url}/videos/{ticket['id']}/content", self._authorization(call.key)
            return Look(state="done", outputs=(Output(url=url, headers=headers),))
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
            mine = models.named(self.name, self.settings.options.get("models"), self._dialect)
            self._curated = {**known, **mine}
        return self._curated

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """Read the server's list, and keep what makes pictures or films."""
        if key is None and self.needs_key:
            return {}
        return models.listed(self.name, self._ids(key), self._dialect)

    def fetch_offer(self, native_id: str, context: BaseContext, key: str | None) -> Offer | None:
        """Return a model that the server lists."""
        return models.listed(self.name, self._ids(key), self._dialect).get(native_id)

    def probe(self, key: str | None) -> str:
        """Read the server's list."""
        return f"{self.title} lists {len(self._ids(key))} models."

    def _ids(self, key: str | None) -> list[str]:
        row = self.client(key).json("GET", "/models", timeout=10.0)
        rows = row.get("data") if isinstance(row, Mapping) else row
        if not isinstance(rows, list):
            raise Unanswered("the list of models cannot be read")
        return [str(item["id"]) for item in rows if isinstance(item, Mapping) and item.get("id")]


def _of_the_shape(error: Refusal) -> bool:
    """Whether a refusal may be about JSON or form and not about what was asked."""
    return error.status == 415 or (error.status in (400, 422) and bool(OTHER_SHAPE.search(error.text)))


def output_of(item: Any, api_url: str = "", authorization: Mapping[str, str] | None = None) -> Output | None:
    """Read one picture, its bytes or its address; ``None`` when there is neither.

    Args:
        item: One element of ``data``.
        api_url: To which an address without a host belongs.
        authorization: Header for such an address: it is the server's own.
    """
    if not isinstance(item, Mapping):
        return None
    if item.get("b64_json"):
        try:
            return Output(content=base64.b64decode("".join(str(item["b64_json"]).split()), validate=True))
        except ValueError:
            return None
    if not item.get("url"):
        return None
    url = str(item["url"])
    if url.startswith("/") and not url.startswith("//"):
        return Output(url=urljoin(api_url, url), headers=authorization or {})
    return Output(url=url)
