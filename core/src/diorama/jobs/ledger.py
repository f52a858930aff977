"""The durable record of all jobs: every accepted job is a row before anyone is told that it was accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from diorama.contract import Conflict, NotFound
from diorama.contract.plain import dumps
from diorama.database.tables import jobs as table
from diorama.database.tables import run_times, values
from diorama.database.writer import Database
from diorama.jobs.batching import BatchedWrite
from diorama.jobs.endings import Ending, Endings, InsertAssets, Settle
from diorama.jobs.records import Job, JobStatus
from diorama.jobs.rows import from_row, text, to_row

T = TypeVar("T")
Jobs = list[Job]
Admit = Callable[[Connection, Sequence[Job]], None]
FINAL = tuple(status.value for status in JobStatus if status.final)
ACTIVE = tuple(status.value for status in JobStatus if not status.final)

_unfinished = (table.c.id == bindparam("job")) & table.c.finished_at.is_(None)
_TOUCH = update(table).where(_unfinished).values(
    status=bindparam("new_status"), lane=bindparam("new_lane"), attempt=bindparam("new_attempt"),
    started_at=bindparam("new_started"), progress=bindparam("new_progress"), message=bindparam("new_message"),
)  # fmt: skip
_REMEMBER = update(table).where(_unfinished).values(memory=bindparam("new_memory"))
_FINISH = update(table).where(_unfinished).values(
    status=bindparam("new_status"), lane=bindparam("new_lane"), attempt=bindparam("new_attempt"),
    started_at=bindparam("new_started"), finished_at=bindparam("new_finished"), progress=bindparam("new_progress"),
    message=bindparam("new_message"), error=bindparam("new_error"), adjusted=bindparam("new_adjusted"),
    ignored=bindparam("new_ignored"), asset_ids=bindparam("new_assets"), cost=bindparam("new_cost"),
    timings=bindparam("new_timings"), held=False, wait_reason=None,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    Attributes:
        items: Newest first.
        next_cursor: Give it to the next call; ``None`` at the end.
    """

    items: tuple[T, ...]
    next_cursor: str | None = None


class Ledger:
    """Reads and writes rows of jobs. Writes return futures that are done once they are on disk.

    Args:
        database: Migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inserts = BatchedWrite(database, insert(table))
        self._touches = BatchedWrite(database, _TOUCH)
        self._memories = BatchedWrite(database, _REMEMBER)
        self._endings = Endings(database, _FINISH)

    # Reading

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is no such job.
        """
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.id == job_id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no job {job_id[:64]!r}.", field="job_id")
        return from_row(row)

    def list(
        self,
        *,
        status: str | None = None,
        active_only: bool = False,
        kind: str | None = None,
        session_id: str | None = None,
        batch_id: str | None = None,
        owner: str | None = None,
        model: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Job]:
        """Return jobs, newest first.

        Args:
            status: Only jobs in this state.
            active_only: Only jobs that are not final.
            kind: Only jobs of this kind.
            session_id: Only jobs of this session.
            batch_id: Only jobs submitted together.
            owner: Only jobs of this identity.
            model: Only jobs of this model.
            cursor: ``next_cursor`` of the page before.
            limit: Most jobs on the page, 1 to 1000.
        """
        limit = min(max(limit, 1), 1000)
        query = select(table).order_by(table.c.id.desc()).limit(limit + 1)
        wanted = {"status": status, "kind": kind, "session_id": session_id, "batch_id": batch_id}
        for name, value in {**wanted, "owner": owner, "model": model}.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        if active_only:
            query = query.where(table.c.status.in_(ACTIVE))
        if cursor is not None:
            query = query.where(table.c.id < cursor)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        items = tuple(from_row(row) for row in rows[:limit])
        return Page(items, items[-1].id if len(rows) > limit else None)

    def unfinished(self) -> Jobs:
        """Return all jobs that are not final, in the order of the queue."""
        query = select(table).where(table.c.status.in_(ACTIVE)).order_by(table.c.position, table.c.id)
        with self._database.read() as connection:
            return [from_row(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        query = select(table.c.status, func.count()).group_by(table.c.status)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    # Accepting

    def add(self, jobs: Sequence[Job], admit: Admit | None = None) -> Future[Jobs]:
        """Store all jobs or none.

        Args:
            jobs: New ones.
            admit: Called in the same transaction with those that are stored; what it raises stores none.

        Returns:
            The stored jobs in order. Where an owner's idempotency key was seen before, the first job with it is
            returned in place of the new one, which is not stored.
        """
        if admit is not None or any(job.idempotency_key is not None for job in jobs):
            return self._database.write(lambda connection: _add(connection, jobs, admit))
        answer: Future[Jobs] = Future()
        stored = self._inserts.add(*[to_row(job) for job in jobs])
        stored.add_done_callback(lambda done: _answer(done, answer, list(jobs)))
        return answer

    # Running

    def touch(self, job: Job) -> Future[None]:
        """Store where a job stands: status, lane, attempt, start, progress, message."""
        return self._touches.add(_standing(job))

    def remember(self, job_id: str, memory: Mapping[str, Any]) -> Future[None]:
        """Store what a backend wants to find again after a restart."""
        return self._memories.add({"job": job_id, "new_memory": dumps(memory).decode()})

    def finish(
        self,
        job: Job,
        rows: Sequence[Mapping[str, Any]] = (),
        insert_assets: InsertAssets | None = None,
        settle: Settle | None = None,
    ) -> Future[None]:
        """Store the end of a job, and its assets in the same transaction.

        Args:
            job: In its final state.
            rows: Rows of assets whose files are on disk.
            insert_assets: Stores ``rows`` through the given connection.
            settle: Called in the same transaction, for jobs that cost something.

        Returns:
            A future that raises :class:`Conflict` when the row is gone or final already; then nothing was stored.
        """
        values = _standing(job) | _ending(job)
        return self._endings.add(Ending(job, values, rows, insert_assets, settle))

    def ask_cancel(self, job_id: str) -> Future[None]:
        """Store that a running job is to end as cancelled, so that a restart does not run it again."""
        return self._set([job_id], error='{"code":"cancelled","message":"The job was cancelled."}')

    def requeue(
        self,
        job_ids: Sequence[str],
        *,
        held: bool = False,
        reason: str | None = None,
        memory: Mapping[str, Any] | None = None,
    ) -> Future[None]:
        """Put started jobs back into the queue, with new ``memory`` where it is given."""
        more = {} if memory is None else {"memory": dumps(memory).decode()}
        return self._set(
            job_ids,
            status="queued",
            progress=0.0,
            message=None,
            started_at=None,
            held=held,
            wait_reason=reason,
            **more,
        )

    def reroute(self, job: Job, admit: Admit | None = None) -> Future[None]:
        """Put a started job back into the queue, to be run by another model.

        Args:
            job: As it is to run now.
            admit: Called in the same transaction; what it raises leaves the row as it was.
        """
        row = to_row(job)
        names = ("model", "lane", "request", "applied", "adjusted", "ignored", "memory", "cost")
        columns = {"status": "queued", "progress": 0.0, "message": None, "started_at": None}

        def action(connection: Connection) -> None:
            if admit is not None:
                admit(connection, [job])
            query = update(table).where(table.c.id == job.id, table.c.finished_at.is_(None))
            connection.execute(query.values(**columns, **{name: row[name] for name in names}))

        return self._database.write(action)

    def price(self, job: Job, admit: Callable[[Connection, Job], None] | None = None) -> Future[None]:
        """Store what a job will cost.

        Args:
            job: With its new cost.
            admit: Called in the same transaction; what it raises leaves the row as it was.
        """

        def action(connection: Connection) -> None:
            if admit is not None:
                admit(connection, job)
            query = update(table).where(table.c.id == job.id, table.c.finished_at.is_(None))
            connection.execute(query.values(cost=text(job.cost)))

        return self._database.write(action)

    # Waiting

    def arrange(self, job: Job) -> Future[None]:
        """Store priority, place and hold of a waiting job."""
        return self._set(
            [job.id], priority=job.priority, position=job.position, held=job.held, wait_reason=job.wait_reason
        )

    def forget(self, job_id: str) -> Future[None]:
        """Remove a final job; its assets stay.

        Returns:
            A future that raises :class:`Conflict` when the job is not final.
        """

        def action(connection: Connection) -> None:
            query = delete(table).where(table.c.id == job_id, table.c.status.in_(FINAL))
            if connection.execute(query).rowcount != 1:
                raise Conflict("Only a finished job can be removed.", fix="Cancel it first.")

        return self._database.write(action)

    def clear(
        self,
        *,
        status: str | None = None,
        kind: str | None = None,
        keep: int = 0,
        finished_before: float | None = None,
    ) -> Future[Sequence[str]]:
        """Remove final jobs; their assets and what they cost stay.

        Args:
            status: Only jobs in this state.
            kind: Only jobs of this kind.
            keep: Leave this many of the newest final jobs.
            finished_before: Only jobs that ended before this moment, in Unix seconds.

        Returns:
            A future with the ids of the removed jobs.
        """
        over = table.c.status.in_(FINAL)
        doomed = delete(table).where(over)
        if status is not None:
            doomed = doomed.where(table.c.status == status)
        if kind is not None:
            doomed = doomed.where(table.c.kind == kind)
        if keep:
            newest = select(table.c.id).where(over).order_by(table.c.id.desc())
            doomed = doomed.where(table.c.id <= newest.offset(keep).limit(1).scalar_subquery())
        if finished_before is not None:
            doomed = doomed.where(table.c.finished_at < finished_before)
        query = doomed.returning(table.c.id)
        return self._database.write(lambda connection: connection.execute(query).scalars().all())

    def set_paused(self, paused: bool) -> Future[None]:
        """Store whether the whole queue stands still."""

        def action(connection: Connection) -> None:
            connection.execute(delete(values).where(values.c.key == "queue.paused"))
            if paused:
                connection.execute(insert(values).values(key="queue.paused", value="true"))

        return self._database.write(action)

    def paused(self) -> bool:
        """Return whether the queue was paused when it last ran."""
        with self._database.read() as connection:
            return (
                connection.execute(select(values.c.key).where(values.c.key == "queue.paused")).first()
                is not None
            )

    # Run times

    def run_times(self) -> dict[tuple[str, str], tuple[float, int]]:
        """Return mean seconds and number of runs by model and work."""
        with self._database.read() as connection:
            rows = connection.execute(select(run_times)).all()
        return {(row.model, row.work): (row.seconds, row.runs) for row in rows}

    def store_run_time(self, model: str, work: str, seconds: float, runs: int) -> Future[None]:
        """Store a mean."""

        def action(connection: Connection) -> None:
            where = (run_times.c.model == model) & (run_times.c.work == work)
            if not connection.execute(
                update(run_times).where(where).values(seconds=seconds, runs=runs)
            ).rowcount:
                connection.execute(
                    insert(run_times).values(model=model, work=work, seconds=seconds, runs=runs)
                )

        return self._database.write(action)

    def _set(self, job_ids: Sequence[str], **columns: Any) -> Future[None]:
        ids = tuple(job_ids)

        def action(connection: Connection) -> None:
            query = update(table).where(table.c.id.in_(ids), table.c.finished_at.is_(None))
            connection.execute(query.values(**columns))

        return self._database.write(action)


def _answer(done: Future[None], answer: Future[Jobs], jobs: Jobs) -> None:
    error = done.exception()
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(jobs)


def _add(connection: Connection, jobs: Sequence[Job], admit: Admit | None) -> list[Job]:
    stored: list[Job] = []
    fresh: list[Job] = []
    by_key: dict[tuple[str, str], Job] = {}
    for job in jobs:
        first = job
        if job.idempotency_key is not None:
            key = (job.owner, job.idempotency_key)
            first = by_key.get(key) or _by_key(connection, *key) or job
            by_key[key] = first
        if first is job:
            fresh.append(job)
        stored.append(first)
    if fresh and admit is not None:
        admit(connection, fresh)
    if fresh:
        connection.execute(insert(table), [to_row(job) for job in fresh])
    return stored


def _by_key(connection: Connection, owner: str, key: str) -> Job | None:
    query = select(table).where(table.c.owner == owner, table.c.idempotency_key == key)
    row = connection.execute(query).mappings().first()
    return from_row(row) if row is not None else None


def _standing(job: Job) -> dict[str, Any]:
    return {
        "job": job.id,
        "new_status": job.status.value,
        "new_lane": job.lane,
        "new_attempt": job.attempt,
        "new_started": job.started_at,
        "new_progress": job.progress,
        "new_message": job.message or None,
    }


def _ending(job: Job) -> dict[str, Any]:
    return {
        "new_finished": job.finished_at,
        "new_error": text(job.error),
        "new_adjusted": text(job.adjusted),
        "new_ignored": text(job.ignored),
        "new_assets": text(job.asset_ids),
        "new_cost": text(job.cost),
        "new_timings": text(job.timings),
    }
