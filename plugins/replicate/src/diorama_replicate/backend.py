"""Replicate: predictions of official models by name, of community models by version."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from diorama.contract import BackendError, BackendSettings, BaseContext
from diorama.contract.remote import Call, Look, Offer, Output, Refusal, RemoteBackend, Unanswered, Unreached
from diorama.contract.remote.answers import MODERATION, failed_run
from diorama.contract.remote.files import Prepared
from diorama.contract.remote.wire import allowed_only

from diorama_replicate.client import ReplicateClient
from diorama_replicate.schemas import ModelCard, offer_from
from diorama_replicate.series import as_series

INLINE_BYTES = 256 * 1024
CARD_SECONDS = 3600.0
TRANSIENT = re.compile(r"interrupted|code: PA|time(d )?out|50[23]|E1000|unavailable", re.IGNORECASE)
COLLECTIONS = ("text-to-image", "image-editing", "super-resolution", "text-to-video", "image-to-video")
PERCENT = re.compile(r"(\d{1,3})%\|[^|]*\|\s*(\d+)/(\d+)")


class ReplicateBackend(RemoteBackend[ReplicateClient]):
    """Models at replicate.com. Any model can be named as ``replicate:owner/name``; its schema is read when it is used."""

    title = "Replicate"
    package = "diorama_replicate"
    api_url = "https://api.replicate.com"
    key_page = "https://replicate.com/account/api-tokens"
    concurrency = 8
    secrets: Mapping[str, tuple[str, ...]] = {"api_key": ("REPLICATE_API_TOKEN",)}

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._cards: dict[str, tuple[float, ModelCard]] = {}

    def connect(self, key: str) -> ReplicateClient:
        """Return a client of the official package."""
        return ReplicateClient(key, self.api_url)

    def card(self, name: str, key: str) -> ModelCard:
        """Return a model's live schema and version, at most an hour old: they change without notice."""
        read, card = self._cards.get(name, (0.0, None))
        now = time.monotonic()
        if card is None or now - read > CARD_SECONDS:
            try:
                card = ModelCard.read(self.client(key).model(name))
            except (Refusal, Unreached, Unanswered):
                if card is None:
                    raise
            self._cards[name] = (now, card)
        return card

    # --- one job --------------------------------------------------------------------------------

    def body(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """Add what only some models need, then keep what the live schema knows."""
        if call.wire.tools.get("series"):
            body = as_series(call, body)
        card = self.card(call.offer.info.native_id, call.key)
        kept, dropped = allowed_only(body, card.properties)
        for name in dropped:
            if name not in call.wire.fixed:
                call.context.ignored(
                    f"parameters.{name}", body[name], "The model's present version has no such input."
                )
        return {name: _fitting(value, card.properties[name]) for name, value in kept.items()}

    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Create the prediction."""
        name = call.offer.info.native_id
        _, card = self._cards.get(name, (0.0, None))
        by_version = call.wire.tools.get("by_version") or (card is not None and not card.official)
        version = (card or self.card(name, call.key)).version if by_version else None
        return self._seen(call, self.client(call.key).create(name, body, version))

    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Read the prediction."""
        return self._seen(call, self.client(call.key).prediction(str(ticket["id"])))

    def cancel(self, call: Call, ticket: Mapping[str, Any]) -> None:
        """Cancel the prediction."""
        self.client(call.key).cancel(str(ticket["id"]))

    def upload(self, call: Call, file: Prepared) -> str:
        """Small files travel inside the request, larger ones are uploaded first."""
        if len(file.content) <= INLINE_BYTES:
            return file.data_uri()
        return self.client(call.key).upload(file.content, file.name, file.mime)

    def _seen(self, call: Call, row: Mapping[str, Any]) -> Look:
        status, metrics = row.get("status"), row.get("metrics") or {}
        common: dict[str, Any] = {"ticket": {"id": row.get("id")}, "seconds": metrics.get("predict_time")}
        if status == "succeeded":
            if row.get("data_removed"):
                gone = BackendError(
                    f"{self.title} has already deleted the result of this prediction (it keeps them for an hour)."
                )
                return Look(state="failed", error=gone, **common)
            facts = {"version": row.get("version"), "predict_time": metrics.get("predict_time")}
            outputs = outputs_of(row.get("output"))
            if not outputs and MODERATION.search(str(row.get("logs") or "")):  # some drop what they flag
                return Look(
                    state="failed", error=failed_run(self.title, "its filter flagged every picture"), **common
                )
            return Look(state="done", outputs=outputs, facts=facts, **common)
        if status == "failed":
            text = str(row.get("error") or "")
            free = call.offer.info.price is None or call.offer.info.price.per != "compute_second"
            error = failed_run(self.title, text, retryable=free and bool(TRANSIENT.search(text)))
            return Look(state="failed", error=error, **common)
        if status in ("canceled", "aborted"):
            return Look(
                state="failed", error=BackendError(f"The prediction was {status} at {self.title}."), **common
            )
        if status == "starting":
            return Look(state="queued", message="Waiting for a machine at Replicate", **common)
        fraction, numbers = progress_of(str(row.get("logs") or ""))
        return Look(
            state="running", message="Running at Replicate", fraction=fraction, numbers=numbers, **common
        )

    # --- models ---------------------------------------------------------------------------------

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """Read the collections of models that make or change pictures and films; all public models would be thousands."""
        if key is None:
            return {}
        found: dict[str, Offer] = {}
        for slug in COLLECTIONS:
            for row in self._collection(slug, key):
                card = ModelCard.read(row)
                offer = offer_from(card, f"{self.name}:{card.name}") if card.version else None
                if offer is not None:
                    found[card.name] = offer
        return found

    def _collection(self, slug: str, key: str) -> list[Mapping[str, Any]]:
        try:
            rows = self.client(key).collection(slug).get("models")
        except Refusal as error:
            if error.status == 404:  # Replicate renames them now and then
                return []
            raise
        return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []

    def fetch_offer(self, native_id: str, context: BaseContext, key: str | None) -> Offer | None:
        """Read any model by ``owner/name``."""
        if key is None or not re.fullmatch(r"[\w.-]+/[\w.-]+", native_id):
            return None
        try:
            return offer_from(self.card(native_id, key), f"{self.name}:{native_id}")
        except Refusal as error:
            if error.status == 404:
                return None
            raise

    def probe(self, key: str | None) -> str:
        """Ask who the key belongs to."""
        return f"{self.title} knows this key as {self.client(key).account()}."


def _fitting(value: Any, entry: Mapping[str, Any]) -> Any:
    """Some versions take a list as text with commas."""
    if isinstance(value, list) and entry.get("type") == "string":
        return ",".join(str(item) for item in value)
    return value


def outputs_of(output: Any) -> tuple[Output, ...]:
    """Read the addresses out of any shape of output: a string, a list, an object."""
    if isinstance(output, str):
        return (Output(url=output),) if output.startswith(("http", "data:")) else ()
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, list):
        return tuple(found for item in output for found in outputs_of(item))
    return ()


def progress_of(logs: str) -> tuple[float | None, dict[str, int]]:
    """Read the last progress bar out of the logs: the fraction and the steps."""
    bars = PERCENT.findall(logs[-4000:])
    if not bars:
        return None, {}
    percent, step, steps = (int(part) for part in bars[-1])
    return min(percent, 100) / 100, {"step": step, "steps": steps}
