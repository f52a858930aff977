from __future__ import annotations

import pytest
from diorama.contract import Conflict, InvalidRequest
from diorama.jobs.waiting import MAX_SKIPS, Entry, WaitingList
from hypothesis import given
from hypothesis import strategies as st

entries = st.lists(
    st.tuples(
        st.sampled_from(["cpu", "fal"]), st.sampled_from(["m1", "m2", "m3"]), st.sampled_from(["", "ann", "bob"]),
        st.integers(-1, 2), st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


def filled(rows: list[tuple[str, str, str, int, bool]]) -> WaitingList:
    waiting = WaitingList()
    for number, (lane, model, owner, priority, held) in enumerate(rows):
        waiting.add(
            Entry(
                id=f"{number:04}",
                lane=lane,
                model=model,
                owner=owner,
                priority=priority,
                position=number,
                held=held,
            )
        )
    return waiting


@given(entries, st.data())
def test_every_job_is_taken_once_and_held_ones_never(rows, data):
    waiting = filled(rows)
    taken: list[Entry] = []
    for lane in ("cpu", "fal"):
        while True:
            loaded = data.draw(st.sets(st.sampled_from(["m1", "m2", "m3"])))
            entry = waiting.take(lane, loaded)
            if entry is None:
                break
            assert entry.lane == lane
            taken.append(entry)
    expected = {f"{number:04}" for number, row in enumerate(rows) if not row[4]}
    assert {entry.id for entry in taken} == expected
    assert len(taken) == len(expected)
    assert len(waiting) == len(rows) - len(expected)


@given(entries, st.data())
def test_a_higher_priority_always_goes_first(rows, data):
    waiting = filled(rows)
    last = None
    while (entry := waiting.take("cpu", data.draw(st.sets(st.sampled_from(["m1", "m2"]))))) is not None:
        assert last is None or entry.priority <= last
        last = entry.priority


@given(st.lists(st.sampled_from(["m1", "m2"]), min_size=1, max_size=80), st.sampled_from(["m1", "m2"]))
def test_the_first_job_is_passed_over_a_bounded_number_of_times(models, loaded):
    waiting = filled([("cpu", name, "", 0, False) for name in models])
    skipped = 0
    while len(waiting):
        first = min(waiting, key=lambda entry: entry.place).id
        taken = waiting.take("cpu", {loaded})
        skipped = 0 if taken.id == first else skipped + 1
        assert skipped <= MAX_SKIPS


@given(st.lists(st.sampled_from(["ann", "bob", "cy"]), max_size=60))
def test_owners_take_turns(owners):
    waiting = filled([("cpu", "m1", owner, 0, False) for owner in owners])
    left = {owner: owners.count(owner) for owner in set(owners)}
    served = dict.fromkeys(left, 0)
    while (entry := waiting.take("cpu")) is not None:
        served[entry.owner] += 1
        left[entry.owner] -= 1
        busy = [owner for owner, count in left.items() if count]
        assert max(served.values()) - min((served[owner] for owner in busy), default=10**6) <= 1


@given(entries)
def test_places_foretell_the_order(rows):
    rows = [(lane, "m1", owner, 0, held) for lane, _, owner, _, held in rows]  # others make it an estimate
    waiting = filled(rows)
    foretold = {
        entry.id: waiting.ahead(entry.id) for entry in waiting if entry.lane == "cpu" and not entry.held
    }
    order = []
    while (entry := waiting.take("cpu")) is not None:
        order.append(entry.id)
    assert {job_id: order.index(job_id) for job_id in order} == foretold


def test_jobs_of_the_loaded_model_go_first_within_one_owner():
    waiting = filled([("cpu", "m1", "", 0, False), ("cpu", "m2", "", 0, False), ("cpu", "m1", "", 0, False)])
    assert [waiting.take("cpu", {"m2"}).model for _ in range(3)] == ["m2", "m1", "m1"]


def test_removing_and_unholding():
    waiting = filled([("cpu", "m1", "", 0, True), ("cpu", "m1", "", 0, False)])
    assert waiting.take("cpu").id == "0001"
    held = waiting.remove("0000")
    held.held = False
    waiting.add(held)
    assert waiting.take("cpu") is held
    assert waiting.remove("0000") is None


def test_moving_before_another_works_forever():
    waiting = filled([("cpu", "m1", "", 0, False)] * 5)
    for turn in range(200):
        mover = waiting.remove(f"{turn % 4:04}")
        waiting.place_before(mover, "0004")
        waiting.add(mover)
        order = sorted(waiting, key=lambda entry: entry.place)
        assert [entry.id for entry in order][-2:] == [mover.id, "0004"]
    assert len(waiting) == 5


def test_moving_refuses_what_makes_no_sense():
    waiting = filled([("cpu", "m1", "", 0, False), ("fal", "m1", "", 0, False)])
    mover = waiting.remove("0000")
    with pytest.raises(Conflict):
        waiting.place_before(mover, "0009")
    with pytest.raises(InvalidRequest, match="another lane"):
        waiting.place_before(mover, "0001")
