from __future__ import annotations

import threading

from diorama.jobs import events
from diorama.jobs.events import RING, EventHub


def test_every_listener_gets_the_same_bytes_in_order():
    hub, one, two = EventHub(), [], []
    hub.subscribe(one.append, "j")
    hub.subscribe(two.append)
    for number in range(50):
        hub.publish("j", "note", {"n": number})
    assert one == two
    assert [event.id for event in one] == sorted({event.id for event in one})
    assert one[0].data is two[0].data
    assert one[7].data == b'{"n":7}'


def test_a_late_listener_resumes_after_the_last_event_it_saw():
    hub = EventHub()
    for number in range(5):
        hub.publish("j", "note", {"n": number})
    seen = hub.kept("j")[2].id
    got = []

    def follow():
        got.extend(event.payload.get("n", "end") for event in hub.stream("j", seen))

    thread = threading.Thread(target=follow)
    thread.start()
    hub.publish("j", "note", {"n": 5})
    hub.publish("j", "completed", {})
    thread.join(10)
    assert got == [3, 4, 5, "end"]


def test_progress_is_thinned_but_the_newest_arrives():
    hub, got, arrived = EventHub(), [], threading.Event()

    def listen(event):
        got.append(event)
        if event.payload["n"] == 999:
            arrived.set()

    hub.subscribe(listen, "j")
    for number in range(1000):
        hub.publish("j", "progress", {"n": number})
    assert arrived.wait(10)
    assert len(got) < 100
    hub.publish("j", "completed", {"n": 1000})
    assert [event.name for event in got][-1] == "completed"
    hub.close()


def test_a_final_event_overtakes_progress_that_was_kept_back():
    hub, got = EventHub(), []
    hub.subscribe(got.append, "j")
    for number in range(3):
        hub.publish("j", "progress", {"n": number})
    hub.publish("j", "completed", {})
    hub.close()
    assert [event.name for event in got] == ["progress", "completed"]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(events, "KEPT_JOBS", 10)
    hub = EventHub()
    for _ in range(RING + 50):
        hub.publish("waiting", "note", {})
        hub.publish("waiting", "preview", {"data": "x"})
    for number in range(50):
        hub.publish(f"j{number}", "queued", {})
        hub.publish(f"j{number}", "completed", {})
    assert len(hub.kept("waiting")) == RING
    assert sum(event.name == "preview" for event in hub.kept("waiting")) == 1
    assert hub.kept("j0") == []
    assert len(hub.kept("j49")) == 2


def test_ending_a_subscription():
    hub, got = EventHub(), []
    end = hub.subscribe(got.append, "j")
    assert hub.watched() == ("j",)
    end()
    end()
    hub.publish("j", "note", {})
    assert got == []
    assert hub.watched() == ()


def test_a_listener_of_nothing_leaves_nothing():
    hub = EventHub()
    for number in range(20):
        hub.subscribe(lambda event: None, f"unknown{number}")()
    assert hub._channels == {}


def test_previews_end_with_their_job():
    hub = EventHub()
    hub.publish("j", "preview", {"data": "x"})
    hub.publish("j", "note", {})
    hub.publish("j", "completed", {})
    assert [event.name for event in hub.kept("j")] == ["note", "completed"]


def test_a_stream_gives_time_for_keep_alives():
    stream = EventHub().stream("j", idle=0.01)
    assert next(stream) is None
    stream.close()


def test_progress_that_was_overtaken_is_left_out():
    hub, got = EventHub(), []
    hub.subscribe(got.append, "j")
    hub.publish("j", "progress", {"progress": 40}, 4)
    hub.publish("j", "progress", {"progress": 30}, 3)
    hub.publish("j", "note", {})
    hub.publish("j", "progress", {"progress": 50}, 5)
    hub.close()
    assert [event.payload.get("progress") for event in got] == [40, None, 50]
    assert [event.revision for event in got] == [4, 0, 5]


def test_a_mark_lies_between_the_events_before_and_after_it():
    hub, got = EventHub(), []
    hub.subscribe(got.append, "j")
    hub.publish("j", "note", {})
    mark = hub.mark()
    hub.publish("j", "note", {})
    assert got[0].id < mark < got[1].id
    assert hub.kept("j", mark) == got[1:]
