"""Jobs that wait for somebody else's computer: each costs a place in a heap and no thread. A plain data structure."""

from __future__ import annotations

from heapq import heappop, heappush

FAR = float("inf")


class Parked:
    """Which running jobs rest, and until when."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}
        self._hurried: set[str] = set()

    def __len__(self) -> int:
        return len(self._due)

    def put(self, job_id: str, due: float) -> None:
        """Let a job rest until ``due`` (monotonic seconds); one that was hurried meanwhile rests no more."""
        if job_id in self._hurried:
            self._hurried.discard(job_id)
            due = 0.0
        self._due[job_id] = due
        heappush(self._heap, (due, job_id))

    def take(self, now: float) -> str | None:
        """Take out the job that is due longest, or return ``None``."""
        if self.due() > now:
            return None
        _, job_id = heappop(self._heap)
        del self._due[job_id]
        return job_id

    def due(self) -> float:
        """Return when the next job is due; infinity when none rests."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)  # it was hurried since
        return self._heap[0][0] if self._heap else FAR

    def hurry(self, job_id: str) -> None:
        """Make a job due at once; one that does not rest yet will not."""
        if job_id in self._due:
            self._due[job_id] = 0.0
            heappush(self._heap, (0.0, job_id))
        else:
            self._hurried.add(job_id)

    def forget(self, job_id: str) -> None:
        """A job has ended."""
        self._hurried.discard(job_id)
