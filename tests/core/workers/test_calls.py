"""What a backend does through its context arrives, from a worker process and from a thread alike."""

import os
import time

import pytest
from diorama.contract import (
    BackendError,
    ContentRefused,
    InsufficientStorage,
    InvalidRequest,
    JobCancelled,
    OutOfMemory,
    RateLimited,
)
from PIL import Image
from worker_bench import Sink

PLACES = pytest.mark.parametrize("backend", ["scripted", "threaded"])


@PLACES
def test_pictures_arrive_as_files_in_order(shared, backend):
    result, sink = shared.run("pictures 4", backend)
    assert [output.index for output in sink.outputs] == [0, 1, 2, 3]
    assert [output.seed for output in sink.outputs] == [5, 6, 7, 8]
    assert [artifact.seed for artifact in result.artifacts] == [5, 6, 7, 8]
    assert [output.facts for output in sink.outputs] == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    for value, output in enumerate(sink.outputs):
        with Image.open(output.path) as picture:
            assert picture.size == (8, 8)
            assert picture.getpixel((3, 3)) == (value, value, value)


@PLACES
def test_a_worker_is_another_process_and_a_thread_is_not(shared, backend):
    pid = shared.run("tell", backend)[0].facts["pid"]
    assert (pid == os.getpid()) == (backend == "threaded")


def test_calls_run_in_the_main_thread_of_the_worker(shared):
    facts = shared.run("tell")[0].facts
    assert facts["main_thread"]
    assert facts["device"] == "cpu"
    assert facts["options"] == {"colour": "blue"}


@PLACES
def test_a_picture_may_be_drawn_over_after_it_was_saved(shared, backend):
    _, sink = shared.run("reuse", backend)
    colours = []
    for output in sink.outputs:
        with Image.open(output.path) as picture:
            colours.append(picture.getpixel((1, 1))[0])
    assert colours == [10, 200]


@PLACES
def test_encoded_content_tells_its_size(shared, backend):
    result, sink = shared.run("encoded", backend)
    assert (result.artifacts[0].width, result.artifacts[0].height) == (20, 10)
    assert sink.outputs[0].mime == "image/png"


@PLACES
def test_the_users_format_is_obeyed(shared, backend):
    _, sink = shared.run("pictures 1", backend, output_format="webp")
    assert sink.outputs[0].mime == "image/webp"
    with Image.open(sink.outputs[0].path) as picture:
        assert picture.format == "WEBP"


@PLACES
def test_content_that_is_no_picture_fails_the_job(shared, backend):
    with pytest.raises(BackendError) as caught:
        shared.run("garbage", backend)
    assert "Traceback" not in str(caught.value)


@PLACES
def test_progress_is_thinned_but_its_end_arrives(shared, backend):
    _, sink = shared.run("progress", backend)
    steps = [numbers["step"] for _, stage, _, numbers in sink.reports if stage == "generating"]
    assert steps[0] == 1
    assert steps[-1] == 200
    assert len(steps) < 100
    assert len(sink.previews) == 1
    assert sink.previews[0][1].startswith("image/")


@PLACES
def test_the_last_number_before_a_stall_arrives(shared, backend):
    """Nothing more comes for a minute: what was kept back is sent by itself."""
    started = shared.start("stall", backend)
    deadline = time.monotonic() + 20
    while [numbers.get("bytes_done") for *_, numbers in started.sink.reports][-1:] != [57]:
        assert started.thread.is_alive(), "the job ended without its last number"
        assert time.monotonic() < deadline, "the last number did not arrive"
        time.sleep(0.01)
    started.sink.cancel.cancel()
    assert isinstance(started.wait().error, JobCancelled)


@PLACES
def test_what_was_kept_back_never_comes_after_what_is_newer(shared, backend):
    _, sink = shared.run("stall then go", backend)
    stages = [stage for _, stage, *_ in sink.reports if stage != "saving"]
    assert stages == sorted(stages)
    assert stages[-1] == "generating"
    bytes_done = [numbers["bytes_done"] for _, stage, _, numbers in sink.reports if stage == "downloading"]
    assert bytes_done == sorted(bytes_done)


@PLACES
def test_a_quote_is_booked_before_it_returns_and_a_cap_is_heard(shared, backend):
    _, sink = shared.run("quote 0.25", backend)
    assert sink.quotes == [{"amount": 0.25, "currency": "USD", "estimated": True}]
    with pytest.raises(InvalidRequest) as caught:
        shared.run("quote 2", backend)
    assert caught.value.field == "spending.per_job"


@PLACES
def test_remember_is_stored_before_it_returns_and_is_in_memory(shared, backend):
    result, sink = shared.run("remember", backend, memory={"earlier": True})
    assert sink.facts == [{"request_id": "r-1", "at": [1, 2]}]
    assert result.facts["memory"] == {"earlier": True, "request_id": "r-1", "at": [1, 2]}


@PLACES
def test_a_note_that_cannot_be_stored_ends_the_job(shared, backend):
    class Full(Sink):
        def remember(self, facts):
            raise InsufficientStorage("The disk is full.")

    with pytest.raises(InsufficientStorage):
        shared.run("remember", backend, sink=Full())
    shared.run("tell", backend)


@PLACES
def test_notes_arrive(shared, backend):
    _, sink = shared.run("notes", backend)
    assert [note[:4] for note in sink.notes] == [
        ("adjusted", "width", 100, 104),
        ("ignored", "prompt", "zebra", None),
    ]


@PLACES
def test_strict_refuses_instead_of_adjusting(shared, backend):
    sink = Sink()
    with pytest.raises(InvalidRequest) as caught:
        shared.run("notes", backend, sink=sink, strict=True)
    assert caught.value.field == "width"
    assert sink.notes == []


@PLACES
@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("value", BackendError, "Scripted failed: bad luck (ValueError)."),
        ("exit", BackendError, "SystemExit"),
        ("interrupt", BackendError, "KeyboardInterrupt"),
        ("memory", OutOfMemory, "out of memory"),
        ("torch", OutOfMemory, "out of memory"),
        ("disk", InsufficientStorage, "disk is full"),
        ("refused", ContentRefused, "Not that."),
    ],
)
def test_whatever_is_raised_becomes_a_sentence(shared, backend, what, kind, words):
    with pytest.raises(kind) as caught:
        shared.run(f"raise {what}", backend)
    assert words in str(caught.value)
    assert "second line" not in str(caught.value)
    if kind is OutOfMemory:
        assert caught.value.fix
    shared.run("tell", backend)


@PLACES
def test_details_of_errors_survive(shared, backend):
    with pytest.raises(RateLimited) as limited:
        shared.run("raise rate", backend)
    assert limited.value.retry_after == 7.5
    with pytest.raises(BackendError) as unsure:
        shared.run("raise unsure", backend)
    assert unsure.value.unsure
    assert not unsure.value.retryable


@PLACES
@pytest.mark.parametrize("what", ["nothing", "wrong"])
def test_a_backend_that_breaks_the_contract_is_told_apart(shared, backend, what):
    with pytest.raises(BackendError, match="Scripted"):
        shared.run(what, backend)


@PLACES
@pytest.mark.parametrize("amount", ["nan", "-3", "inf"])
def test_a_cost_that_is_no_amount_costs_no_result(shared, backend, amount):
    result, sink = shared.run(f"cost {amount}", backend)
    assert result.cost is None
    assert len(sink.outputs) == 1
    assert shared.run("cost 0.25", backend)[0].cost.amount == 0.25


def test_tracebacks_go_to_the_log_only(shared):
    with pytest.raises(BackendError) as caught:
        shared.run("raise value")
    assert "Traceback" not in str(caught.value.describe())
    assert "second line" in shared.log
    assert "Traceback" in shared.log


def test_a_job_that_was_cancelled_before_it_started_never_starts(shared):
    sink = Sink()
    sink.cancel.cancel()
    for backend in ("scripted", "threaded"):
        with pytest.raises(JobCancelled):
            shared.run("pictures 1", backend, sink=sink)
    assert sink.outputs == []


def test_downloads_run_beside_the_worker(shared):
    _, sink = shared.run("tell", call="download", request=None)
    (report,) = sink.reports
    assert report[1:] == ("downloading", 0.5, {"process": os.getpid()})


def test_a_lane_that_is_gone_stands_for_the_best_device(shared):
    assert shared.run("tell", lane="cuda:7")[0].facts["device"] == "cpu"
