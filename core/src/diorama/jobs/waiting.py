"""Who is next. A plain data structure: no threads, no clock, no disk."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from diorama.contract import Conflict, InvalidRequest

MAX_SKIPS = 8
"""So often may the first job of an owner be passed over for one whose model is loaded."""

_Place = tuple[float, str]


@dataclass(slots=True, kw_only=True)
class Entry:
    """A waiting job.

    Attributes:
        id: Job id.
        lane: Where it waits.
        model: Full model id.
        owner: Identity that submitted it.
        priority: Higher runs earlier.
        position: Order inside a priority, lower first.
        held: True while it must not start.
        reason: Why it is held.
        skips: How often it was passed over.
    """

    id: str
    lane: str
    model: str
    owner: str = ""
    priority: int = 0
    position: float = 0.0
    held: bool = False
    reason: str = ""
    skips: int = 0

    @property
    def place(self) -> _Place:
        """Sort key inside a priority."""
        return (self.position, self.id)


class _OwnerQueue(dict[str, list[_Place]]):
    """The jobs of one owner, lane and priority: sorted places by model."""

    def rank(self, place: _Place) -> int:
        return sum(bisect_left(places, place) for places in self.values())

    def size(self) -> int:
        return sum(map(len, self.values()))


class WaitingList:
    """All waiting jobs.

    The order: higher priority; among owners the one served longest ago; for one owner by position, except that a job
    of a loaded model goes first while the first one was passed over fewer than ``max_skips`` times.
    """

    def __init__(self, max_skips: int = MAX_SKIPS) -> None:
        self._max_skips = max_skips
        self._entries: dict[str, Entry] = {}
        self._lanes: dict[str, dict[int, dict[str, _OwnerQueue]]] = {}
        self._served: dict[tuple[str, str], int] = {}
        self._tick = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, job_id: str) -> Entry | None:
        """Return the entry of a waiting job."""
        return self._entries.get(job_id)

    def add(self, entry: Entry) -> None:
        """Let a job wait; one that waits already is replaced."""
        self.remove(entry.id)
        self._entries[entry.id] = entry
        if not entry.held:
            owners = self._lanes.setdefault(entry.lane, {}).setdefault(entry.priority, {})
            insort(owners.setdefault(entry.owner, _OwnerQueue()).setdefault(entry.model, []), entry.place)

    def remove(self, job_id: str) -> Entry | None:
        """Take a job out, whether it could start or not."""
        entry = self._entries.pop(job_id, None)
        if entry is not None and not entry.held:
            self._unlink(entry)
        return entry

    def ready(self, lane: str) -> bool:
        """Tell whether a job waits in ``lane`` that may start."""
        return lane in self._lanes

    def take(self, lane: str, loaded: Collection[str] = ()) -> Entry | None:
        """Take out the job that should start next in ``lane``, or return ``None``.

        Args:
            lane: Name of the lane.
            loaded: Models that are in memory where it will run.
        """
        priorities = self._lanes.get(lane)
        if not priorities:
            return None
        owners = priorities[max(priorities)]
        owner = min(owners, key=lambda name: (self._turn(lane, name), name))
        self._tick += 1
        self._served[lane, owner] = self._tick
        entry = self._choose(owners[owner], loaded)
        self.remove(entry.id)
        return entry

    def ahead(self, job_id: str) -> int:
        """Return how many jobs are expected to start before a waiting one in its lane; 0 when held or unknown."""
        entry = self._entries.get(job_id)
        if entry is None or entry.held:
            return 0
        lane = self._lanes[entry.lane]
        owners = lane[entry.priority]
        rank = owners[entry.owner].rank(entry.place)
        mine = (self._turn(entry.lane, entry.owner), entry.owner)
        higher = sum(
            queue.size() for level, all_ in lane.items() if level > entry.priority for queue in all_.values()
        )
        others = sum(
            min(queue.size(), rank + ((self._turn(entry.lane, owner), owner) < mine))
            for owner, queue in owners.items()
            if owner != entry.owner
        )
        return higher + rank + others

    def place_before(self, entry: Entry, other_id: str) -> list[Entry]:
        """Give ``entry``, which is not in the list, the priority and a position just before another waiting job.

        Returns:
            Further jobs whose position had to change, because there was no number left between two neighbours.

        Raises:
            Conflict: the other one waits no more.
            InvalidRequest: it waits in another lane.
        """
        other = self._entries.get(other_id)
        if other is None:
            raise Conflict("The job that it should go before waits no more.")
        if other.lane != entry.lane:
            raise InvalidRequest(
                f"That job waits in another lane ({other.lane}).",
                field="before",
                fix=f"Name a job of {entry.lane}.",
            )
        peers = [item for item in self if (item.lane, item.priority) == (other.lane, other.priority)]
        peers.sort(key=lambda item: item.place)
        moved: list[Entry] = []
        index = peers.index(other)
        previous = peers[index - 1].position if index else other.position - 2.0
        if not previous < (previous + other.position) / 2 < other.position:
            moved = self._space_out(peers)
            previous = peers[index - 1].position if index else other.position - 2.0
        entry.priority, entry.position = other.priority, (previous + other.position) / 2
        return moved

    def _space_out(self, peers: Sequence[Entry]) -> list[Entry]:
        """Give neighbours a distance of 1 again, counted down from the last one."""
        last = peers[-1].position
        for item in peers:
            self.remove(item.id)
        for distance, item in enumerate(reversed(peers)):
            item.position = last - distance
            self.add(item)
        return list(peers)

    def _turn(self, lane: str, owner: str) -> int:
        return self._served.get((lane, owner), 0)

    def _choose(self, queue: _OwnerQueue, loaded: Collection[str]) -> Entry:
        heads = [(places[0], model in loaded) for model, places in queue.items()]
        first = self._entries[min(heads)[0][1]]
        ready = [place for place, is_loaded in heads if is_loaded]
        if not ready or first.model in loaded or first.skips >= self._max_skips:
            return first
        first.skips += 1
        return self._entries[min(ready)[1]]

    def _unlink(self, entry: Entry) -> None:
        priorities = self._lanes[entry.lane]
        owners = priorities[entry.priority]
        queue = owners[entry.owner]
        places = queue[entry.model]
        del places[bisect_left(places, entry.place)]
        if not places:
            del queue[entry.model]
        if not queue:
            del owners[entry.owner]
        if not owners:
            del priorities[entry.priority]
        if not priorities:
            del self._lanes[entry.lane]
