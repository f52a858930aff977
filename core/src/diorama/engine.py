"""The engine: everything a surface needs, in one object.

A surface (web, command line, another program's API) hands over a :class:`Submission` and gets a durable
:class:`Job`; all else (which backend, which device, which file) is decided behind this page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.access import redaction
from diorama.access.fetch import SafeFetch
from diorama.access.secrets import Secrets
from diorama.assets.store import AssetStore
from diorama.catalog import Catalog
from diorama.contract import (
    FetchedFile,
    InvalidRequest,
    MediaInput,
    ModelInfo,
    OperationNotSupported,
    from_plain,
    to_plain,
)
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.fitting import Fitter
from diorama.inputs import keep_inputs, take_in
from diorama.jobs.ledger import Page
from diorama.jobs.queue import JobQueue
from diorama.jobs.records import Job, JobKind
from diorama.jobs.submission import Submission
from diorama.lock import DataLock
from diorama.offers import Offers, Quotes
from diorama.plugins.registry import PluginRegistry
from diorama.providers import Providers
from diorama.resolution import Resolved
from diorama.settings import Settings, load_settings
from diorama.shelf import Shelf
from diorama.spending import BatchEstimate, Costs, Estimator, Purse
from diorama.tidying import Tidying
from diorama.workers.local import LocalExecutor

LISTING_SECONDS = 600
"""Files that a listing fetched are removed by a later one after this long."""


class Engine:
    """One engine per data directory.

    Args:
        settings: Where things lie; the user's own when left out.
        lock: The data directory's lock, where the caller has taken it already.

    Use it as a context manager, or call :meth:`start` and :meth:`close`.
    """

    def __init__(self, settings: Settings | None = None, *, lock: DataLock | None = None) -> None:
        self.settings = settings or load_settings()
        self.lock = lock or DataLock(self.settings.data_dir)
        self._started = threading.Event()
        self._working = False
        self._work_lock = threading.Lock()

    def start(self, *, url: str | None = None, work: bool = True) -> Engine:
        """Take the data directory, load the backends, and pick up the work that an earlier run left.

        Args:
            url: Address under which this engine can be reached; written beside the lock for other commands.
            work: Begin with the queue at once. Without it, looking at models, jobs and assets starts no waiting job;
                the queue begins with the first call that submits, cancels, retries or forgets a job.

        Raises:
            Conflict: another engine holds the data directory; the sentence says which.
        """
        self.lock.take(url)
        self._ending = (
            ExitStack()
        )  # in the opposite order of opening; one part that fails to end stops no other
        self._ending.callback(self.lock.release)
        try:
            self._open()
            if work:
                self.work()
            else:
                self.queue.run_times.load()
        except BaseException:
            self._ending.close()
            raise
        self._started.set()
        return self

    def work(self) -> None:
        """Begin with the queue, once: what an earlier run left is picked up."""
        with self._work_lock:
            if self._working:
                return
            self.queue.start()
            self._working = True
        tidying = Tidying(self.assets, self.database, self.settings)
        self._ending.callback(tidying.close)
        tidying.start()

    def _open(self) -> None:
        settings = self.settings
        redaction.install()  # on the handlers of whoever runs us
        file = settings.data_dir / "diorama.sqlite"
        url = settings.database_url or f"sqlite:///{file}"
        engine = open_engine(url)
        migrate(engine, backup_from=None if settings.database_url else file)
        self.database = Database(engine)
        self._ending.callback(self.database.close)
        self.registry = PluginRegistry(settings)
        self._ending.callback(self.registry.close)
        self.registry.load()
        self.secrets = Secrets(settings, self.registry.backends)
        self.fetch = SafeFetch(settings)
        self.catalog = Catalog(
            self.registry, settings, fetch=self._fetch_for_listing, secret=self.secrets.get
        )
        self.shelf = Shelf(self.registry, self.catalog)
        self.assets = AssetStore(self.database, settings)
        self.executor = LocalExecutor(self.registry, settings, self.secrets)
        self._ending.callback(self.executor.close)
        self.purse = Purse(settings.spending, settings.spending_file)
        self.queue = JobQueue(
            self.database, self.executor, self.assets, self.catalog, self.registry, settings, self.purse
        )
        self._ending.callback(self.queue.close)
        self.events = self.queue.events
        self.estimator = Estimator(self.queue.run_times)
        self.offers = Offers(self.catalog, self.estimator, self.purse, settings.default_model)
        self.queue.detours.offers = self.offers.others
        self.quotes = Quotes(self.offers, self.estimator, self.purse, self.database, self.executor.width)
        self.costs = Costs(self.database)
        self.providers = Providers(settings, self.registry, self.secrets, self.catalog)
        self.catalog.start()

    def warm(self) -> None:
        """Start the worker of the first device now, in the background, so that the first job need not wait for it."""
        if any(backend.placement == "worker" for backend in self.registry.backends.values()):
            self.executor.warm()

    def _fetch_for_listing(self, backend_id: str, url: str, **options: Any) -> FetchedFile:
        folder = self.settings.cache_dir / "listing" / backend_id
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():  # what earlier listings have read
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > LISTING_SECONDS:
                    path.unlink()
        return SafeFetch(self.settings, backend=backend_id).fetch(url, work_dir=folder, **options)

    def close(self) -> None:
        """Stop in order: no new work, running jobs go back to the queue, everything is on disk."""
        if not self._started.is_set():
            return
        self._started.clear()
        self._ending.close()
        self._working = False

    def __enter__(self) -> Engine:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # Submitting

    def plan(self, submission: Submission) -> Resolved:
        """Resolve without submitting: what would run, what would be adjusted or ignored.

        Raises:
            DioramaError: as :meth:`submit`.
        """
        resolved = self.offers.plan(submission)
        model = resolved.model
        if not hasattr(self.registry.backend(model.backend), resolved.kind.value):
            raise OperationNotSupported(
                f"{model.title} ({model.id}) does not run in {model.backend}, which only fetches files.",
                field="model",
                fix=model.availability.fix,
            )
        return resolved

    def estimate(self, submissions: Sequence[Submission]) -> BatchEstimate:
        """Return price and time of submissions before anything is sent; nothing is stored.

        Raises:
            DioramaError: as :meth:`submit_many`.
        """
        return self.quotes.of(submissions)

    def submit(self, submission: Submission) -> Job:
        """Accept one job; when this returns it is on disk and will reach a final state.

        Raises:
            UnknownModel, OperationNotSupported, InvalidRequest, BackendNotReady: nothing was stored.
        """
        return self.submit_future(submission).result()

    def submit_future(self, submission: Submission) -> Future[Job]:
        """As :meth:`submit`, without waiting for the disk."""
        self.work()
        accepted = self.queue.submit([self._job(submission)])
        answer: Future[Job] = Future()
        accepted.add_done_callback(lambda done: _pass_on(done, answer))
        return answer

    def submit_many(self, submissions: Sequence[Submission]) -> list[Job]:
        """Accept all jobs in one transaction, or none.

        Raises:
            DioramaError: as :meth:`submit`; ``field`` starts with ``jobs[i].``.
        """
        self.work()
        jobs = []
        for index, submission in enumerate(submissions):
            try:
                jobs.append(self._job(submission))
            except InvalidRequest as error:
                error.field = f"jobs[{index}].{error.field}" if error.field else f"jobs[{index}]"
                raise
        return self.queue.submit(jobs).result()

    def _job(self, submission: Submission) -> Job:
        if submission.kind == JobKind.DOWNLOAD:
            return self._download_job(submission)
        resolved = self.plan(submission)
        estimate = self.estimator.of(resolved)
        self.purse.check(estimate)
        return self.queue.new_job(
            kind=JobKind(resolved.kind.value),
            model=resolved.model,
            request=to_plain(resolved.request),
            asked=to_plain(replace(submission, idempotency_key=None)),
            submission=submission,
            applied=resolved.applied,
            adjusted=resolved.adjusted,
            ignored=resolved.ignored,
            cost=estimate.cost,
        )

    def _download_job(self, submission: Submission) -> Job:
        model = self.catalog.get(submission.model)
        if not model.downloadable:
            raise InvalidRequest(
                f"{model.title} has nothing to download.", field="model", fix=model.availability.fix
            )
        asked = to_plain(replace(submission, idempotency_key=None))
        return self.queue.new_job(
            kind=JobKind.DOWNLOAD, model=model, request={}, asked=asked, submission=submission
        )

    # Following

    def job(self, job_id: str) -> Job:
        """Return a job with its live progress.

        Raises:
            NotFound: there is no such job.
        """
        return self.queue.job(job_id)

    def jobs(self, **filters: Any) -> Page[Job]:
        """Return jobs, newest first; see :meth:`diorama.jobs.ledger.Ledger.list` for the filters."""
        return self.queue.jobs(**filters)

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """Block until a job is final, or ``timeout`` seconds have passed, and return it."""
        return self.queue.wait(job_id, timeout)

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; a running one ends within a step.

        Raises:
            NotFound: there is no such job.
            Conflict: it is already final.
        """
        self.work()
        return self.queue.cancel(job_id)

    def retry(self, job_id: str) -> Job:
        """Submit the same request again as a new job, with the seed that ran before.

        Raises:
            NotFound: there is no such job.
            InvalidRequest: a picture that it was made from is gone.
        """
        job = self.queue.job(job_id)
        submission = from_plain(Submission, job.asked)
        keep_inputs(submission, self.settings)
        seed = job.applied.get("seed", submission.seed)
        return self.submit(
            replace(submission, seed=seed, retry_of=job.id, priority=job.priority, owner=job.owner)
        )

    def forget(self, job_id: str) -> None:
        """Remove a final job from the ledger; its assets stay.

        Raises:
            Conflict: it is not final.
        """
        self.work()
        self.queue.forget(job_id)

    # Models on this machine, and keys

    def add_model(self, backend_id: str, source: str) -> ModelInfo:
        """Add a folder, a file or a hub id to a backend that keeps models, and return its catalog entry.

        Raises:
            InvalidRequest: the source cannot be used.
            BackendNotReady: the backend takes no models.
        """
        native_id = self.registry.backend(backend_id).add(source)
        self.catalog.refresh(backend_id)
        return self.catalog.get(f"{backend_id}:{native_id}")

    def delete_model(self, model_id: str) -> int:
        """Remove a downloaded model from memory and disk; return the freed bytes."""
        model = self.catalog.get(model_id)
        self.executor.unload(model.backend, model.native_id)
        freed = self.registry.backend(model.backend).delete(model.native_id)
        self.catalog.refresh(model.backend)
        return freed

    def check_backend(self, backend_id: str) -> str:
        """Prove a backend's key and address with a real call; return a sentence about what answered."""
        return self.providers.test(backend_id)

    # Inputs and state

    def take_in(self, source: bytes | Path | str, *, name: str = "image") -> MediaInput:
        """Take in an image or a video: bytes, a path, a data URL, base64, an asset id, or an https address.

        Raises:
            InvalidRequest: it cannot be used; ``field`` is ``name``.
        """
        return take_in(source, name=name, settings=self.settings, assets=self.assets, fetch=self.fetch)

    def can_generate(self, model_id: str) -> dict[str, Any]:
        """Tell whether a model can run now, whole or sparing memory, and if not, why and what would."""
        return Fitter(self).answer(self.catalog.get(model_id))

    def status(self) -> Mapping[str, Any]:
        """Return devices, loaded models, queue, versions and disk, as plain values."""
        from diorama.status import system_status

        return system_status(self)


def _pass_on(done: Future[list[Job]], answer: Future[Job]) -> None:
    error = done.exception()
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(done.result()[0])
