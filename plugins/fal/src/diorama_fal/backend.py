"""fal: requests through the queue, discovery and prices through the platform interface."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diorama.contract import BackendSettings, BaseContext, DioramaError
from diorama.contract.remote import Call, Look, Offer, Output, RemoteBackend
from diorama.contract.remote.answers import failed_run, refusal_from
from diorama.contract.remote.files import Prepared

from diorama_fal import platform
from diorama_fal.client import CDN, QUEUE, REST, Answer, FalClient

INLINE_BYTES = 256 * 1024
STEP = re.compile(r"(\d+)\s*/\s*(\d+)")
RETRYABLE = (
    "request_timeout",
    "startup_timeout",
    "runner_",
    "internal_error",
    "downstream_service_unavailable",
)


class FalBackend(RemoteBackend[FalClient]):
    """Models at fal.ai. Any endpoint can be named as ``fal:owner/app/path``; its schema is read when it is used.

    Further options: ``queue_url``, ``rest_url``, ``cdn_url``; ``api_url`` is the platform interface.
    """

    title = "fal"
    package = "diorama_fal"
    api_url = "https://api.fal.ai"
    key_page = "https://fal.ai/dashboard/keys"
    concurrency = 8
    secrets: Mapping[str, tuple[str, ...]] = {
        "api_key": ("FAL_KEY",), "api_key_id": ("FAL_KEY_ID",), "api_key_secret": ("FAL_KEY_SECRET",),
    }  # fmt: skip

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        options = settings.options
        self._hosts = tuple(
            str(options.get(name, usual)).rstrip("/")
            for name, usual in (("queue_url", QUEUE), ("rest_url", REST), ("cdn_url", CDN))
        )

    def connect(self, key: str) -> FalClient:
        """Return a client of the official package."""
        return FalClient(key, *self._hosts)

    # --- one job --------------------------------------------------------------------------------

    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Put the request into the queue."""
        return Look(state="queued", ticket=self.client(call.key).submit(call.endpoint, body))

    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Ask for the status, and for the result when it is complete."""
        from fal_client import InProgress, Queued

        status = self.client(call.key).status(ticket)
        if isinstance(status, Queued):
            return Look(
                state="queued", message="Waiting in fal's queue", numbers={"queue_position": status.position}
            )
        if isinstance(status, InProgress):
            message, fraction, numbers = progress_of(status.logs or [])
            return Look(state="running", message=message, fraction=fraction, numbers=numbers)
        look = self._finished(self.client(call.key).result(ticket))
        seconds = (status.metrics or {}).get("inference_time")
        facts = {**look.facts, **({"inference_time": seconds} if seconds is not None else {})}
        return Look(state=look.state, outputs=look.outputs, error=look.error, facts=facts, seconds=seconds)

    def cancel(self, call: Call, ticket: Mapping[str, Any]) -> None:
        """Ask for a cancel; what already runs decides for itself."""
        self.client(call.key).cancel(ticket)

    def upload(self, call: Call, file: Prepared) -> str:
        """Small files travel inside the request, larger ones are uploaded first."""
        if len(file.content) <= INLINE_BYTES:
            return file.data_uri()
        return self.client(call.key).upload(file.content, file.mime, file.name)

    def _finished(self, answer: Answer) -> Look:
        if answer.status == 200 and isinstance(answer.body, Mapping):
            return Look(state="done", outputs=outputs_of(answer.body))
        if answer.status == 400 and "in progress" in str(answer.body):
            return Look(state="running", message="Finishing at fal")
        model_failed = (
            isinstance(answer.body, Mapping)
            and "detail" in answer.body
            and answer.status not in (401, 403, 429)
        )
        refusal = refusal_from(answer.status, answer.content, answer.headers)
        if not model_failed:
            raise refusal
        return Look(state="failed", error=self._failure(answer, refusal.text))

    def _failure(self, answer: Answer, text: str) -> DioramaError:
        kind = str(answer.body.get("error_type") or answer.headers.get("x-fal-error-type") or "")
        retryable = answer.headers.get("x-fal-retryable") == "true" or kind.startswith(RETRYABLE)
        return failed_run(self.title, text, retryable=retryable and answer.status >= 500)

    # --- models ---------------------------------------------------------------------------------

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """List every active endpoint that makes pictures or films, with live prices when there is a key."""
        return platform.discover(self.name, self.api_url, context, key, known=tuple(self.curated()))

    def fetch_offer(self, native_id: str, context: BaseContext, key: str | None) -> Offer | None:
        """Read one endpoint's schema."""
        return platform.find(self.name, self.api_url, native_id, context, key)

    def probe(self, key: str | None) -> str:
        """Ask for a price, which needs a good key and costs nothing."""
        platform.prove(self.api_url, key or "")
        return f"{self.title} accepts this key."


def outputs_of(body: Mapping[str, Any]) -> tuple[Output, ...]:
    """Read the files out of any shape of result; a flagged picture is the safety filter's black one."""
    found: Any = next((body[name] for name in ("images", "image", "video", "videos") if body.get(name)), ())
    items = found if isinstance(found, list) else [found] if found else []
    flags = body.get("has_nsfw_concepts") or []
    seed = body.get("seed")
    outputs = []
    for index, item in enumerate(items):
        url = item if isinstance(item, str) else str(item.get("url") or "")
        refused = index < len(flags) and bool(flags[index])
        outputs.append(
            Output(url=url, refused=refused, seed=seed if index == 0 and isinstance(seed, int) else None)
        )
    return tuple(outputs)


def progress_of(logs: list[Mapping[str, Any]]) -> tuple[str, float | None, dict[str, int]]:
    """Read the last ``7/28`` out of the log lines."""
    for line in reversed(logs[-50:]):
        if match := STEP.search(str(line.get("message", ""))):
            step, steps = int(match[1]), int(match[2])
            if 0 < step <= steps:
                return "Running at fal", step / steps, {"step": step, "steps": steps}
    return "Running at fal", None, {}
