"""A backend for the tests of the workers. What it does is said by the prompt."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from typing import ClassVar

from diorama.contract import (
    Backend,
    BackendError,
    Capabilities,
    ContentRefused,
    Cost,
    ModelInfo,
    Operation,
    RateLimited,
    Result,
    hookimpl,
)


def thread_backend(settings):
    backend = Scripted(settings)
    backend.placement = "thread"
    return backend


class Scripted(Backend):
    title = "Scripted"
    placement = "worker"
    secrets: ClassVar = {"api_key": ("SCRIPTED_KEY",)}
    unloaded = ()
    warmed = False

    @hookimpl
    def list_models(self, context):
        return [ModelInfo(id=f"{self.name}:m", title="M", operations={Operation.GENERATE: Capabilities()})]

    @hookimpl
    def generate(self, request, context):
        word, _, rest = request.prompt.partition(" ")
        return getattr(self, f"do_{word}")(rest, request, context)

    def download(self, native_id, context):
        context.progress("downloading", 0.5, process=os.getpid())

    def unload(self, native_id=None):
        self.unloaded = (*self.unloaded, native_id)

    def warm(self):
        type(self).warmed = True

    # what prompts can ask for

    def tell(self, context, **facts):
        context.save(self.picture(), facts={"pid": os.getpid()})
        return Result(facts={"pid": os.getpid(), **facts})

    def picture(self, size=8, value=7):
        import numpy

        return numpy.full((size, size, 3), value, numpy.uint8)

    def do_noop(self, rest, request, context):
        context.saved = 1  # no picture: this measures the way there and back alone
        return Result(facts={"pid": os.getpid()})

    def do_tell(self, rest, request, context):
        return self.tell(
            context,
            environ=dict(os.environ),
            device=context.device,
            options=dict(self.settings.options),
            unloaded=list(self.unloaded),
            warmed=self.warmed,
            memory=dict(context.memory),
            main_thread=threading.current_thread() is threading.main_thread(),
            path=list(sys.path),
        )

    def do_settings(self, rest, request, context):
        import gc

        from diorama.settings import Settings

        return self.tell(
            context, settings=repr([item for item in gc.get_objects() if isinstance(item, Settings)])
        )

    def do_pictures(self, rest, request, context):
        saved = []
        for index in range(int(rest)):
            context.progress("generating", index / int(rest), image=index + 1)
            saved.append(
                context.save(self.picture(value=index), seed=request.seed_of(index), facts={"n": index})
            )
        return Result(artifacts=tuple(saved), facts={"pid": os.getpid()})

    def do_reuse(self, rest, request, context):
        picture = self.picture(64, 10)
        context.save(picture)
        picture[:] = 200  # drawn over while the first may still be encoded
        context.save(picture)
        return Result()

    def do_overlap(self, rest, request, context):
        import numpy

        pixels = numpy.random.default_rng(1).integers(0, 255, (2000, 2000, 3), numpy.uint8)
        first = context.work_dir / "output-0000.png"
        context.save(pixels)
        at_return = first.exists()
        deadline = time.monotonic() + 30
        while not first.exists() and time.monotonic() < deadline:  # "drawing the second picture"
            sum(range(1000))
        return self.tell(context, at_return=at_return, while_drawing=first.exists())

    def do_garbage(self, rest, request, context):
        context.save(b"this is no picture")
        return Result()

    def do_encoded(self, rest, request, context):
        import io

        from PIL import Image

        buffer = io.BytesIO()
        Image.new("RGB", (20, 10), "red").save(buffer, "PNG")
        saved = context.save(buffer.getvalue())
        return Result(artifacts=(saved,))

    def do_progress(self, rest, request, context):
        for step in range(1, 201):
            context.progress("generating", step / 200, step=step, steps=200)
        context.preview(self.picture(32))
        return self.tell(context)

    def do_stall(self, rest, request, context):
        """A download whose last piece never comes; a second stage follows when it does."""
        for done in range(1, 58):
            context.progress("downloading", done / 100, "Downloading", bytes_done=done, bytes_total=100)
        if rest:
            context.progress("generating", 0.5)
            return self.tell(context)
        context.wait(60.0)

    def do_remember(self, rest, request, context):
        context.remember(request_id="r-1", at=[1, 2])
        return self.tell(context, memory=dict(context.memory))

    def do_quote(self, rest, request, context):
        context.quote(Cost(amount=float(rest)))
        return self.tell(context)

    def do_notes(self, rest, request, context):
        context.adjusted("width", 100, 104, "Sides are multiples of 8.")
        context.ignored("prompt", "zebra", "It is not known.")
        return self.tell(context)

    def do_secret(self, rest, request, context):
        value = context.secret("api_key")
        context.log.warning("the key is %s", value)
        print("printed", value)
        return self.tell(context, length=len(value or ""))

    def do_cost(self, rest, request, context):
        context.save(self.picture())
        return Result(cost=Cost(amount=float(rest)))

    def do_nothing(self, rest, request, context):
        return Result()

    def do_wrong(self, rest, request, context):
        return "a picture"

    def do_raise(self, rest, request, context):
        raise {
            "value": ValueError("bad luck\nsecond line"),
            "memory": MemoryError(),
            "exit": SystemExit(3),
            "interrupt": KeyboardInterrupt(),
            "refused": ContentRefused("Not that."),
            "rate": RateLimited("Slow down.", retry_after=7.5),
            "unsure": BackendError("Maybe billed.", unsure=True),
            "disk": OSError(28, "No space left on device"),
            "cuda": RuntimeError("CUDA error: device-side assert triggered"),
            "torch": type("OutOfMemoryError", (RuntimeError,), {})(
                "CUDA out of memory. Tried to allocate 2 GiB"
            ),
        }[rest]

    def do_signal(self, rest, request, context):
        print("last words of the worker", flush=True)
        os.kill(os.getpid(), getattr(signal, rest))
        time.sleep(30)

    def do_segfault(self, rest, request, context):
        import ctypes

        ctypes.string_at(0)

    def do_exit(self, rest, request, context):
        os._exit(int(rest))

    def do_steps(self, rest, request, context):
        """Step every millisecond for half a minute; a marker says when it began and how far it came."""
        for step in range(30_000):
            (context.work_dir / "step").write_text(str(step))
            context.progress("generating", step / 30_000, step=step)
            time.sleep(0.001)

    def do_wait(self, rest, request, context):
        context.progress("generating", 0.0)
        context.wait(30.0)

    def do_callback(self, rest, request, context):
        called = context.work_dir / "called"
        context.on_cancel(lambda: called.write_text(threading.current_thread().name))
        context.progress("generating", 0.0)
        while not called.exists():
            time.sleep(0.002)
        raise ConnectionError("the connection was torn down by the callback")

    def do_deaf(self, rest, request, context):
        """Never look at the cancel flag, and hold the interpreter's lock in one endless C call."""
        context.progress("generating", 0.0)
        re.match(r"(a|a)*$", "a" * 60 + "b")

    def do_child(self, rest, request, context):
        import subprocess

        child = subprocess.Popen(["sleep", "60"])
        context.remember(child=child.pid)
        self.do_deaf(rest, request, context)
