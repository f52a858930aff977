"""KREA: generation jobs over plain HTTP; it has no Python client of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.contract import BackendError, BaseContext, InvalidRequest
from diorama.contract.remote import Call, Look, Offer, Output, RemoteBackend, Unanswered
from diorama.contract.remote.answers import failed_run
from diorama.contract.remote.files import Prepared
from diorama.contract.remote.http import Http

from diorama_krea.spec import offers_from, read_document

ASSET_BYTES = 75 * 1024 * 1024
QUEUED = {
    "backlogged": "Waiting: more jobs than your plan runs at once",
    "queued": "Queued at KREA",
    "scheduled": "Scheduled at KREA",
}
ENDED = ("completed", "failed", "cancelled")
EXCERPT = 300


class KreaBackend(RemoteBackend[Http]):
    """Models at krea.ai; native ids are the paths under ``/generate/``, such as ``image/bfl/flux-1-dev``."""

    title = "KREA"
    package = "diorama_krea"
    api_url = "https://api.krea.ai"
    key_page = "https://www.krea.ai/settings/api-tokens"
    concurrency = 4
    timeout_seconds = 7200.0
    secrets: Mapping[str, tuple[str, ...]] = {"api_key": ("KREA_API_KEY", "KREA_API_TOKEN")}

    def connect(self, key: str) -> Http:
        """Return a plain HTTP client."""
        return Http(self.api_url, f"Bearer {key}")

    # --- one job --------------------------------------------------------------------------------

    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Start the job."""
        row = self.client(call.key).json("POST", f"/generate/{call.endpoint}", json=body)
        if not isinstance(row, Mapping) or not row.get("job_id"):
            raise Unanswered("the answer to a submission names no job")
        return Look(state="queued", ticket={"id": str(row["job_id"])})

    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Read the job."""
        row = self.client(call.key).json("GET", f"/jobs/{ticket['id']}")
        if not isinstance(row, Mapping):
            raise Unanswered("a job's answer is no object")
        status = str(row.get("status"))
        if status in QUEUED:
            return Look(state="queued", message=QUEUED[status])
        if (
            status not in ENDED
        ):  # an unknown word means that it still runs; unfinished pictures are not results
            return Look(state="running", message=f"{self.title}: {status.replace('-', ' ')}")
        if status == "cancelled":
            return Look(state="failed", error=BackendError(f"The job was cancelled at {self.title}."))
        if status == "failed":
            return Look(state="failed", error=failed_run(self.title, reason_of(row)))
        result = row.get("result") or {}
        return Look(state="done", outputs=tuple(Output(url=str(url)) for url in result.get("urls") or ()))

    def cancel(self, call: Call, ticket: Mapping[str, Any]) -> None:
        """Delete the job, which stops it while it waits or runs."""
        self.client(call.key).json("DELETE", f"/jobs/{ticket['id']}")

    def upload(self, call: Call, file: Prepared) -> str:
        """Upload an asset: data URIs are not documented as inputs."""
        if len(file.content) > ASSET_BYTES:
            raise InvalidRequest(
                f"An input has {len(file.content) / 1e6:.0f} MB; {self.title} takes 75.",
                field="reference_images",
                fix="Make it smaller.",
            )
        row = self.client(call.key).json(
            "POST", "/assets", files={"file": (file.name, file.content, file.mime)}
        )
        if not isinstance(row, Mapping) or not row.get("image_url"):
            raise Unanswered("the answer to an upload names no address")
        return str(row["image_url"])

    # --- models ---------------------------------------------------------------------------------

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """Read all models from the public OpenAPI document."""
        return offers_from(self.name, read_document(self.api_url, context))

    def fetch_offer(self, native_id: str, context: BaseContext, key: str | None) -> Offer | None:
        """Read one model from the document."""
        if native_id.split("/")[0] not in ("image", "video", "enhance"):
            return None
        return offers_from(self.name, read_document(self.api_url, context)).get(native_id)

    def probe(self, key: str | None) -> str:
        """List one job."""
        self.client(key).json("GET", "/jobs", params={"limit": 1})
        return f"{self.title} accepts this key."


def reason_of(row: Mapping[str, Any]) -> str:
    """Return why a job failed; the place is not documented and may be missing."""
    for place in (row.get("result"), row):
        reason = place.get("error") if isinstance(place, Mapping) else None
        if isinstance(reason, Mapping):
            reason = reason.get("message")
        if reason:
            return str(reason)[:EXCERPT]
    return ""
