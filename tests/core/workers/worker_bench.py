"""Sinks, tasks and executors for the tests of the workers."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from diorama.contract import Capabilities, GenerateRequest, InvalidRequest, ModelInfo, Operation
from diorama.ids import new_id
from diorama.plugins.registry import PluginRegistry
from diorama.settings import load_settings
from diorama.workers.cancel import CancelFlag
from diorama.workers.executor import Task
from diorama.workers.local import LocalExecutor

BACKENDS = Path(__file__).parent / "backends"


class Sink:
    """Notes everything that a job sends, with its time."""

    def __init__(self):
        self.cancel = CancelFlag()
        self.reports, self.previews, self.outputs, self.facts, self.notes = [], [], [], [], []
        self.quotes = []
        self.began = threading.Event()

    def progress(self, stage, fraction, message, numbers):
        self.reports.append((time.monotonic(), stage, fraction, dict(numbers)))
        if stage == "generating":
            self.began.set()

    def preview(self, data, mime):
        self.previews.append((data, mime))

    def staged(self, output):
        self.outputs.append(output)

    def remember(self, facts):
        self.facts.append(dict(facts))

    def quote(self, cost):
        if cost["amount"] > 1:
            raise InvalidRequest("A cap would be passed.", field="spending.per_job")
        self.quotes.append(cost)

    def note(self, kind, field, before, after, why):
        self.notes.append((kind, field, before, after, why))


class Keys:
    """Secrets out of a dict."""

    def __init__(self, values=None):
        self.values = values or {}

    def get(self, backend_id, name):
        return self.values.get((backend_id, name))


class Bench:
    """An executor over the scripted backend, in a worker (``scripted``) and in a thread (``threaded``)."""

    def __init__(self, home, secrets=None, environ=None, **options):
        settings = load_settings({"DIORAMA_HOME": str(home), "DIORAMA_DEVICES": "cpu", **(environ or {})})
        tables = {
            "scripted": {"plugin": "diorama_test_backend:Scripted", "colour": "blue", **options},
            "threaded": {
                "plugin": "diorama_test_backend:thread_backend",
                "password_of_another": "canary-in-options",
            },
        }
        from dataclasses import replace

        self.settings = replace(settings, backends=tables, plugins_allow=("none",))
        if str(BACKENDS) not in sys.path:
            sys.path.insert(0, str(BACKENDS))
        self.registry = PluginRegistry(self.settings)
        self.registry.load()
        assert not self.registry.broken
        self.secrets = Keys(secrets)
        self.executor = LocalExecutor(self.registry, self.settings, self.secrets)

    def task(self, prompt, backend="scripted", **fields):
        job_id = new_id()
        folder = self.settings.work_dir / job_id
        folder.mkdir(parents=True)
        model = ModelInfo(id=f"{backend}:m", title="M", operations={Operation.GENERATE: Capabilities()})
        request = GenerateRequest(model=model.id, prompt=prompt, seed=5, width=8, height=8)
        task = Task(
            job_id=job_id,
            backend=backend,
            call="generate",
            model=model,
            request=request,
            lane="cpu",
            work_dir=folder,
        )
        from dataclasses import replace

        return replace(task, **fields)

    def run(self, prompt, backend="scripted", sink=None, **fields):
        sink = sink or Sink()
        return self.executor.run(self.task(prompt, backend, **fields), sink), sink

    def start(self, prompt, backend="scripted"):
        """Run in a thread; returns the started job."""
        return Started(self, prompt, backend)

    @property
    def log(self):
        return (self.settings.cache_dir / "logs" / "worker-cpu.log").read_text()

    def close(self):
        self.executor.close()


class Started:
    def __init__(self, bench, prompt, backend):
        self.sink, self.error, self.result = Sink(), None, None
        self.task = bench.task(prompt, backend)
        self.ended_at = 0.0
        self.thread = threading.Thread(target=self._run, args=(bench,), daemon=True)
        self.thread.start()

    def _run(self, bench):
        try:
            self.result = bench.executor.run(self.task, self.sink)
        except BaseException as error:
            self.error = error
        self.ended_at = time.monotonic()

    def wait(self, seconds=30):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the job did not end"
        return self


def gone(pid, seconds=5.0):
    """Wait until a process has ended (a zombie has); True when it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.005)
    return False
