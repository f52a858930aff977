"""Higgsfield: requests by model path, quoted before they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.contract import (
    BackendError,
    BaseContext,
    Capabilities,
    ContentRefused,
    Cost,
    DioramaError,
    ModelInfo,
    Operation,
    Range,
    RateLimited,
)
from diorama.contract.remote import (
    Call,
    Look,
    Offer,
    Output,
    Refusal,
    RemoteBackend,
    Unanswered,
    Unreached,
    Wire,
)
from diorama.contract.remote.answers import failed_run
from diorama.contract.remote.files import Prepared

from diorama_higgsfield.client import HiggsfieldClient

NOBODY = "00000000-0000-0000-0000-000000000000"
OPERATIONS: Mapping[str, tuple[Operation, str | None]] = {
    "text2image": (Operation.GENERATE, None),
    "image_edit": (Operation.EDIT, "image_url"),
    "text2video": (Operation.VIDEO, None),
    "image2video": (Operation.VIDEO, "image_url"),
}


class HiggsfieldBackend(RemoteBackend[HiggsfieldClient]):
    """Models at higgsfield.ai; native ids are its model paths."""

    title = "Higgsfield"
    package = "diorama_higgsfield"
    api_url = "https://api.higgsfield.ai"
    key_page = "https://cloud.higgsfield.ai/api-keys"
    concurrency = 4
    secrets: Mapping[str, tuple[str, ...]] = {
        "api_key": ("HF_KEY", "HF_CREDENTIALS"), "api_key_id": ("HF_API_KEY",), "api_key_secret": ("HF_API_SECRET",),
    }  # fmt: skip

    def connect(self, key: str) -> HiggsfieldClient:
        """Return a client of the official package."""
        return HiggsfieldClient(key, self.api_url)

    def translate(self, error: Refusal | Unreached | Unanswered) -> DioramaError:
        """The limit of concurrent requests comes as a plain 400."""
        if isinstance(error, Refusal) and error.status == 400 and "concurrent" in error.text:
            return RateLimited(f"{self.title} runs no more of your requests at once. It says: {error.text}")
        return super().translate(error)

    # --- one job --------------------------------------------------------------------------------

    def quote(self, call: Call, body: dict[str, Any]) -> Cost | None:
        """Ask what it will cost, since there is no price list; a quote that does not come stops nothing."""
        try:
            row = self.client(call.key).ask("POST", f"/estimate/{call.endpoint}", json=body)
            return Cost(amount=float(row["usd"]))
        except (Refusal, Unreached, Unanswered, KeyError, ValueError) as error:
            call.context.log.info("%s gave no quote: %s", self.title, error)
            return None

    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Queue the request."""
        return Look(state="queued", ticket=self.client(call.key).submit(call.endpoint, body))

    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Read the request."""
        row = self.client(call.key).status(ticket)
        status = str(row.get("status"))
        if status == "queued":
            return Look(state="queued", message="Queued at Higgsfield")
        if status == "completed":
            return Look(state="done", outputs=outputs_of(row))
        if status == "nsfw":
            error: DioramaError = ContentRefused(
                f"{self.title} refused the content.", fix="Word it differently."
            )
            return Look(state="failed", error=error)
        if status == "failed":
            return Look(state="failed", error=failed_run(self.title, str(row.get("error") or "")))
        if status == "canceled":
            return Look(state="failed", error=BackendError(f"The request was cancelled at {self.title}."))
        return Look(
            state="running", message=f"Higgsfield: {status.replace('_', ' ')}"
        )  # an unknown word still runs

    def cancel(self, call: Call, ticket: Mapping[str, Any]) -> None:
        """Cancel the request; Higgsfield does so only while it waits."""
        self.client(call.key).cancel(ticket)

    def upload(self, call: Call, file: Prepared) -> str:
        """Upload the file."""
        return self.client(call.key).upload(file.content, file.mime)

    # --- models ---------------------------------------------------------------------------------

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """Read the model list, where the service offers one."""
        if key is None:
            return {}
        try:
            rows = self.client(key).ask("GET", "/models").get("items") or ()
        except Refusal as error:
            if error.status == 404:
                return {}
            raise
        found = (offer_from(self.name, row) for row in rows)
        return {offer.info.native_id: offer for offer in found if offer is not None}

    def probe(self, key: str | None) -> str:
        """Ask for a request that nobody made: 404 means that the key was accepted."""
        try:
            self.client(key).ask("GET", f"/requests/{NOBODY}/status")
        except Refusal as error:
            if error.status != 404:
                raise
        return f"{self.title} accepts this key."


def outputs_of(row: Mapping[str, Any]) -> tuple[Output, ...]:
    """Read pictures and film out of a finished request."""
    files = [*(row.get("images") or ()), *([row["video"]] if row.get("video") else ())]
    return tuple(Output(url=str(item["url"])) for item in files if item.get("url"))


def offer_from(backend: str, row: Mapping[str, Any]) -> Offer | None:
    """Offer a listed model by what all of its kind share: a prompt and, where it needs one, a picture."""
    known = OPERATIONS.get(str(row.get("operation_type")))
    slug = str(row.get("slug") or "")
    if known is None or not slug:
        return None
    operation, picture = known
    images = Range(minimum=1, maximum=1, default=1, integer=True) if picture else None
    info = ModelInfo(
        id=f"{backend}:{slug}", title=str(row.get("title") or slug), description=str(row.get("description") or "")[:400],
        operations={operation: Capabilities(seed=False, images_in=images, resumable=True)}, data_leaves_machine=True,
        category="video" if operation is Operation.VIDEO else "other",
    )  # fmt: skip
    send = {"prompt": "prompt", **({"images": picture} if picture else {})}
    return Offer(info=info, wires={operation: Wire(send=send)})
