"""The base of every remote backend: one way for a job, whoever runs it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, Literal, TypeVar

from diorama.contract.capabilities import Operation
from diorama.contract.context import BaseContext, JobContext, ListContext
from diorama.contract.errors import BackendNotReady, DioramaError, UnknownModel
from diorama.contract.hooks import Backend, BackendSettings, hookimpl
from diorama.contract.models import Availability, AvailabilityState, ModelInfo
from diorama.contract.remote.answers import Refusal, Unanswered, Unreached, translate
from diorama.contract.remote.call import Call, Look
from diorama.contract.remote.files import Prepared
from diorama.contract.remote.money import foreseen
from diorama.contract.remote.offers import Offer, load_offers
from diorama.contract.remote.pace import Pace
from diorama.contract.remote.run import Wait, run
from diorama.contract.remote.shelf import Shelf
from diorama.contract.remote.wire import build
from diorama.contract.requests import AnyRequest, EditRequest, GenerateRequest, UpscaleRequest, VideoRequest
from diorama.contract.results import Cost, Result

REQUESTS_AT_ONCE = 32
"""Requests in flight to one provider: HTTP clients become slow when more threads than connections wait at their pool."""
SHELF_SECONDS = 24 * 3600.0
"""Age at which a provider's list, once discovered, is asked for again by itself."""
Client = TypeVar("Client")


class RemoteBackend(Backend, ABC, Generic[Client]):
    """Derive from it, list the models in ``models.toml`` beside the class, and say how the service is spoken to.

    The plugin's methods raise :class:`Refusal`, :class:`Unreached` or :class:`Unanswered` for what happens on the wire and
    do not retry: the kit does, and only where nothing can be billed twice.

    Options read from the settings: ``api_url``, ``concurrency``, ``timeout_seconds`` (a job gives up after it),
    ``outage_seconds`` (how long an accepted request is asked for while nobody answers), ``poll_seconds`` (first question),
    ``retry_seconds`` (first pause after a failure), ``prices``.

    Attributes:
        package: Import name of the plugin, where ``models.toml`` lies.
        api_url: The service's address.
        key_page: Where a user gets a key; named when one is missing.
        needs_key: Whether nothing works without a key.
        discovers_always: Whether each listing asks the provider; for servers on the user's own network.
        final_statuses: Error statuses above 499 of a submission that prove that nothing was bought.
        timeout_seconds: See above.
    """

    package: ClassVar[str]
    key_page: ClassVar[str] = ""
    needs_key: bool = True
    parks = True
    list_lifetime = 3600.0
    discovers_always: bool = False
    final_statuses: ClassVar[tuple[int, ...]] = ()
    timeout_seconds: float = 1800.0
    api_url: str = ""

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        options = settings.options
        self.api_url = str(options.get("api_url") or self.api_url).rstrip("/")
        self.concurrency = int(options.get("concurrency", self.concurrency))
        self.timeout_seconds = float(options.get("timeout_seconds", self.timeout_seconds))
        self.outage_seconds = float(options.get("outage_seconds", 600.0))
        self.retry_seconds = float(options.get("retry_seconds", 1.0))
        self.pace = Pace(first=float(options.get("poll_seconds", 1.0)))
        self._curated: dict[str, Offer] | None = None
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()
        self.waits: dict[str, Wait] = {}
        self.gate = threading.BoundedSemaphore(REQUESTS_AT_ONCE)

    # --- what a provider says -------------------------------------------------------------------

    @abstractmethod
    def connect(self, key: str) -> Client:
        """Return a client for a key; one is kept for all jobs. Its ``close`` is called at the end, if it has one."""

    @abstractmethod
    def submit(self, call: Call, body: dict[str, Any]) -> Look:
        """Send the request once and return at least its ticket."""

    @abstractmethod
    def look(self, call: Call, ticket: Mapping[str, Any]) -> Look:
        """Ask how the request is doing."""

    def cancel(self, call: Call, ticket: Mapping[str, Any]) -> None:
        """Stop the request at the provider, where that is possible."""

    def upload(self, call: Call, file: Prepared) -> str:
        """Return an address under which the provider can read ``file``."""
        return file.data_uri()

    def body(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """Last change to a body that the wire has built; the place for a provider's own rules."""
        return body

    def quote(self, call: Call, body: dict[str, Any]) -> Cost | None:
        """Return what exactly this request will cost, where that is known before; a question to the provider is in place here.

        It is checked against the caps before anything is sent, and stands unless the provider tells another figure later.
        """
        return foreseen(call, body)

    def discover(self, context: BaseContext, key: str | None) -> Mapping[str, Offer]:
        """Return all models that the provider lists, by native id.

        Called when the user asks for fresh data, once a day after that, or at every listing when ``discovers_always``;
        never offline. What it returned last is kept on disk and listed until then. Of a curated model only the price is
        taken over.
        """
        return {}

    def fetch_offer(self, native_id: str, context: BaseContext, key: str | None) -> Offer | None:
        """Return a model that is neither curated nor discovered but named by the user, or ``None``."""
        return None

    @abstractmethod
    def probe(self, key: str | None) -> str:
        """Make a real call that costs nothing and proves the key; return a sentence about what answered."""

    # --- hooks ----------------------------------------------------------------------------------

    @hookimpl
    def list_models(self, context: ListContext) -> Sequence[ModelInfo]:
        """Return the curated models, and what the provider lists when it can be asked."""
        availability, key = self.availability(context), self.key(context)
        found = self._discovered(context, key)
        offers = {
            **found,
            **{native: self._repriced(offer, found.get(native)) for native, offer in self.curated().items()},
        }
        return [offer.with_availability(availability) for offer in offers.values()]

    @hookimpl
    def generate(self, request: GenerateRequest, context: JobContext) -> Result:
        """Turn text into pictures at the provider."""
        return self._run(request, Operation.GENERATE, context)

    @hookimpl
    def edit(self, request: EditRequest, context: JobContext) -> Result:
        """Change pictures at the provider."""
        return self._run(request, Operation.EDIT, context)

    @hookimpl
    def video(self, request: VideoRequest, context: JobContext) -> Result:
        """Make a video at the provider."""
        return self._run(request, Operation.VIDEO, context)

    @hookimpl
    def upscale(self, request: UpscaleRequest, context: JobContext) -> Result:
        """Enlarge a picture or video at the provider."""
        return self._run(request, Operation.UPSCALE, context)

    def describe(self, native_id: str, context: ListContext) -> ModelInfo | None:
        """Return a model that is not in the list, read from the provider's own description."""
        try:
            return self.offer(native_id, context).with_availability(self.availability(context))
        except UnknownModel:
            return None

    def check(self, context: BaseContext) -> str:
        """Prove the key with a real call."""
        key = self.key(context)
        if key is None and self.needs_key:
            raise BackendNotReady(f"No key for {self.title} is set.", fix=self.key_fix)
        try:
            return self.probe(key)
        except (Refusal, Unreached, Unanswered) as error:
            raise without_key(self.translate(error), key) from None

    # --- shared ---------------------------------------------------------------------------------

    def key(self, context: BaseContext) -> str | None:
        """Return the user's key, or ``None``; also from the halves ``api_key_id`` and ``api_key_secret``, if declared."""
        whole = context.secret("api_key")
        if whole is not None or "api_key_secret" not in self.secrets:
            return whole
        halves = (context.secret("api_key_id"), context.secret("api_key_secret"))
        return f"{halves[0]}:{halves[1]}" if all(halves) else None

    def client(self, key: str | None) -> Client:
        """Return the client for a key."""
        with self._lock:
            if (key or "") not in self._clients:
                self._clients[key or ""] = self.connect(key or "")
            return self._clients[key or ""]

    def close(self) -> None:
        """Release the connections."""
        for client in self._clients.values():
            if callable(close := getattr(client, "close", None)):
                close()
        self._clients.clear()

    @property
    def key_fix(self) -> str:
        """The sentence that tells how to set a key."""
        variables = " or ".join(self.secrets.get("api_key", ()))
        page = f" Keys: {self.key_page}" if self.key_page else ""
        return (
            f"Run `diorama keys set {self.name}`" + (f" or export {variables}." if variables else ".") + page
        )

    def availability(self, context: ListContext) -> Availability:
        """Return whether the models can run now."""
        if self.needs_key and self.key(context) is None:
            return Availability(
                state=AvailabilityState.NEEDS_KEY, fix=self.key_fix, url=self.key_page or None
            )
        if context.offline:
            return Availability(
                state=AvailabilityState.OFFLINE,
                fix=f"{self.title} needs the network; switch offline mode off.",
            )
        return Availability()

    def curated(self) -> Mapping[str, Offer]:
        """Return the models of ``models.toml``."""
        if self._curated is None:
            self._curated = load_offers(self.package, self.name, self.settings.options.get("prices"))
        return self._curated

    def offer(self, native_id: str, context: BaseContext) -> Offer:
        """Return a model.

        Raises:
            UnknownModel: the provider has none of that name.
        """
        if native_id in self.curated():
            return self.curated()[native_id]
        kept = Shelf(self.settings.cache_dir / "discovered.json").read().get(native_id)
        if kept is not None:
            return kept
        key = self.key(context)
        try:
            found = self.fetch_offer(native_id, context, key)
        except (Refusal, Unreached, Unanswered) as error:
            raise self.translate(error) from error
        if found is None:
            raise UnknownModel(f"{self.title} has no model {native_id!r}.", field="model")
        return found

    def translate(self, error: Refusal | Unreached | Unanswered) -> DioramaError:
        """Return the error a user sees, when nothing was bought."""
        return translate(error, self.title, key_fix=self.key_fix)

    def bought(self, error: Exception) -> Literal["no", "unsure"]:
        """Tell whether a failed submission may have been accepted."""
        if isinstance(error, Unreached):
            return "no"
        if isinstance(error, Refusal):
            final = error.status < 500 and error.status != 408
            return "no" if final or error.status in self.final_statuses else "unsure"
        return "unsure"

    def _discovered(self, context: ListContext, key: str | None) -> Mapping[str, Offer]:
        shelf = Shelf(self.settings.cache_dir / "discovered.json")
        old = (shelf.age() or 0.0) > SHELF_SECONDS and (key is not None or not self.needs_key)
        if context.offline or not (context.refresh or self.discovers_always or old):
            return shelf.read()
        try:
            found = self.discover(context, key)
        except (Refusal, Unreached, Unanswered, DioramaError, ValueError) as error:
            context.log.warning("%s did not list its models: %s", self.title, error)
            shelf.touch()  # once a day is enough also for a provider that is down
            return shelf.read()
        shelf.write(found)
        return found

    def _repriced(self, offer: Offer, found: Offer | None) -> Offer:
        """The provider's live price goes over the file's, the user's own over both."""
        mine = offer.info.native_id in self.settings.options.get("prices", {})
        if found is None or found.info.price is None or mine:
            return offer
        return replace(offer, info=replace(offer.info, price=found.info.price))

    def _run(self, request: AnyRequest, operation: Operation, context: JobContext) -> Result:
        key = self.key(context)
        if key is None and self.needs_key:
            raise BackendNotReady(f"No key for {self.title} is set.", fix=self.key_fix)
        call = Call(
            request=request,
            operation=operation,
            offer=self.offer(request.native_id, context),
            key=key or "",
            context=context,
        )
        try:
            return run(self, call, lambda uploads: self.body(call, build(call, uploads)))
        except DioramaError as error:
            raise without_key(error, key) from error.__cause__


def without_key(error: DioramaError, key: str | None) -> DioramaError:
    """Take the key out of an error: some providers repeat it in theirs."""
    if key and key in error.message:
        error.message = error.message.replace(key, "[key]")
        error.args = (error.message,)
    return error
