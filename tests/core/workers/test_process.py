"""A worker that dies, hangs, leaks or is left alone harms its own job only."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from diorama.contract import BackendError, BackendNotReady, JobCancelled, OutOfMemory
from diorama.workers import process as process_module
from worker_bench import BACKENDS, gone

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize(
    ("prompt", "how"),
    [
        ("signal SIGKILL", "SIGKILL"),
        ("signal SIGTERM", "SIGTERM"),
        ("segfault", "SIGSEGV"),
        ("exit 4", "exit code 4"),
    ],
)
def test_a_death_fails_its_job_and_the_next_one_runs(bench, prompt, how):
    first = bench.run("tell")[0].facts["pid"]
    with pytest.raises(BackendError, match=how) as caught:
        bench.run(prompt)
    assert caught.value.retryable
    assert "Traceback" not in str(caught.value)
    result, sink = bench.run("pictures 2")
    assert result.facts["pid"] != first
    assert len(sink.outputs) == 2


def test_the_last_words_are_told_and_logged(bench):
    with pytest.raises(BackendError, match="last words of the worker"):
        bench.run("signal SIGKILL")
    assert "last words of the worker" in bench.log


def test_a_kill_when_memory_was_nearly_full_is_out_of_memory(bench, monkeypatch):
    monkeypatch.setattr(process_module, "memory_limit", lambda: 1024**2)
    with pytest.raises(OutOfMemory) as caught:
        bench.run("signal SIGKILL")
    assert caught.value.fix


def test_a_kill_is_not_mistaken_for_out_of_memory_by_another_signal(bench, monkeypatch):
    monkeypatch.setattr(process_module, "memory_limit", lambda: 1024**2)
    with pytest.raises(BackendError, match="SIGTERM"):
        bench.run("signal SIGTERM")


def test_a_worker_that_died_between_two_jobs_costs_none(bench):
    first = bench.run("tell")[0].facts["pid"]
    os.kill(first, signal.SIGKILL)  # and at once, before the server can have noticed
    assert bench.run("tell")[0].facts["pid"] != first


def test_a_lost_device_ends_the_process_after_its_job(bench):
    first = bench.run("tell")[0].facts["pid"]
    with pytest.raises(BackendError, match="CUDA error"):
        bench.run("raise cuda")
    assert bench.run("tell")[0].facts["pid"] != first


@pytest.mark.parametrize("prompt", ["steps", "wait", "pictures 100000"])
def test_a_cancelled_job_ends_soon_and_leaves_the_worker_alive(bench, prompt):
    first = bench.run("tell")[0].facts["pid"]
    job = bench.start(prompt)
    assert job.sink.began.wait(20)
    asked = time.monotonic()
    job.sink.cancel.cancel()
    job.wait()
    assert isinstance(job.error, JobCancelled)
    assert job.ended_at - asked < 5  # the grace is 10 s: it was not killed
    outputs = len(job.sink.outputs)
    assert bench.run("tell")[0].facts["pid"] == first
    assert len(job.sink.outputs) == outputs


def test_a_cancel_reaches_the_backend_within_a_few_steps(bench):
    job = bench.start("steps")
    assert job.sink.began.wait(20)
    time.sleep(0.05)
    before = int((job.task.work_dir / "step").read_text() or 0)
    job.sink.cancel.cancel()
    job.wait()
    after = int((job.task.work_dir / "step").read_text())
    assert after - before < 500, "half a second of steps after the cancel"


@pytest.mark.parametrize("backend", ["scripted", "threaded"])
def test_callbacks_run_in_another_thread_and_what_breaks_is_part_of_the_cancel(bench, backend):
    job = bench.start("callback", backend)
    assert job.sink.began.wait(20)
    job.sink.cancel.cancel()
    job.wait()
    assert isinstance(job.error, JobCancelled)
    assert (job.task.work_dir / "called").read_text() not in ("MainThread", "")


def test_a_deaf_worker_is_killed_after_the_grace(make_bench):
    bench = make_bench(environ={"DIORAMA_LIMITS__CANCEL_GRACE_SECONDS": "0.3"})
    first = bench.run("tell")[0].facts["pid"]
    job = bench.start("deaf")
    assert job.sink.began.wait(20)
    job.sink.cancel.cancel()
    job.wait()
    assert isinstance(job.error, JobCancelled)
    assert gone(first)
    assert bench.run("tell")[0].facts["pid"] != first


@linux
def test_what_a_killed_worker_started_is_killed_too(make_bench):
    bench = make_bench(environ={"DIORAMA_LIMITS__CANCEL_GRACE_SECONDS": "0.3"})
    job = bench.start("child")
    assert job.sink.began.wait(20)
    child = job.sink.facts[0]["child"]
    job.sink.cancel.cancel()
    job.wait()
    assert gone(child)


@linux
@pytest.mark.parametrize("prompt", ["wait", "deaf"])
def test_a_worker_whose_parent_died_ends_at_once(tmp_path, prompt):
    script = textwrap.dedent(f"""
        import sys, time
        sys.path[:0] = [{str(BACKENDS)!r}, {str(BACKENDS.parent)!r}]
        from pathlib import Path
        from worker_bench import Bench
        bench = Bench(Path({str(tmp_path)!r}))
        pid = bench.run("tell")[0].facts["pid"]
        job = bench.start({prompt!r})
        assert job.sink.began.wait(20)
        print(pid, flush=True)
        time.sleep(60)
    """)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    assert Path(f"/proc/{worker}").exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(worker, 5.0)


def test_close_ends_running_calls_as_cancelled_and_the_processes(make_bench):
    bench = make_bench()
    first = bench.run("tell")[0].facts["pid"]
    jobs = [bench.start("steps"), bench.start("steps", "threaded")]
    assert all(job.sink.began.wait(20) for job in jobs)
    bench.close()
    for job in jobs:
        job.wait()
        assert isinstance(job.error, JobCancelled)
    assert gone(first)
    with pytest.raises(JobCancelled):
        bench.run("tell")


def test_close_ends_a_deaf_worker_by_force(make_bench):
    bench = make_bench()
    job = bench.start("deaf")
    assert job.sink.began.wait(20)
    bench.close()
    job.wait()
    assert isinstance(job.error, JobCancelled)


def test_warm_starts_the_worker_and_lets_backends_import(bench):
    bench.executor.warm()  # in a thread of its own, so a first job may come before it
    deadline = time.monotonic() + 20
    while not (warmed := bench.run("tell")[0].facts["warmed"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert warmed


def test_unload_reaches_the_worker_and_the_thread(bench):
    bench.run("tell")
    assert bench.executor.loaded() == {"cpu": ("scripted:m",)}
    bench.executor.unload("scripted", "m")
    assert bench.executor.loaded() == {}
    assert bench.run("tell")[0].facts["unloaded"] == ["m"]
    bench.executor.unload("threaded")
    assert bench.run("tell", "threaded")[0].facts["unloaded"] == [None]


def test_nothing_is_loaded_after_a_death_or_out_of_memory(bench):
    for prompt in ("exit 1", "raise memory"):
        bench.run("tell")
        assert bench.executor.loaded() == {"cpu": ("scripted:m",)}
        with pytest.raises((BackendError, OutOfMemory)):
            bench.run(prompt)
        assert bench.executor.loaded() == {}


def test_an_idle_worker_is_stopped_and_comes_back(make_bench):
    bench = make_bench(environ={"DIORAMA_LIMITS__WORKER_IDLE_SECONDS": "0.2"})
    first = bench.run("tell")[0].facts["pid"]
    assert gone(first)
    deadline = time.monotonic() + 5
    while bench.executor.loaded() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.executor.loaded() == {}
    assert bench.run("tell")[0].facts["pid"] != first


def test_an_interpreter_that_is_missing_or_wrong_is_a_clear_error(make_bench, tmp_path):
    bench = make_bench(environ={"DIORAMA_WORKER_PYTHON": str(tmp_path / "nowhere")})
    with pytest.raises(BackendNotReady, match="cannot be started") as caught:
        bench.run("tell")
    assert "worker_python" in caught.value.fix
    wrong = tmp_path / "wrong"
    wrong.write_text("#!/bin/sh\necho no diorama here >&2\nexit 7\n")
    wrong.chmod(0o755)
    bench = make_bench(environ={"DIORAMA_WORKER_PYTHON": str(wrong)})
    with pytest.raises(BackendNotReady, match="no diorama here"):
        bench.run("tell")


def test_the_server_never_imports_torch_for_it(tmp_path):
    code = "import sys, diorama.workers.local; print(sorted({'torch', 'numpy', 'PIL', 'av', 'httpx2'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_pings_are_answered_during_a_job(bench):
    job = bench.start("steps")
    assert job.sink.began.wait(20)
    worker = bench.executor._worker("cpu").start()
    assert worker.ask("ping", 10.0) == "pong"
    job.sink.cancel.cancel()
    job.wait()


def test_two_calls_on_one_device_run_one_after_the_other(bench):
    jobs = [bench.start("pictures 3") for _ in range(4)]
    assert [job.wait().error for job in jobs] == [None] * 4
    assert len({job.result.facts["pid"] for job in jobs}) == 1
    assert all(len(job.sink.outputs) == 3 for job in jobs)
