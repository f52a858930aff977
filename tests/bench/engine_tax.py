"""What the engine costs on top of the model: a picture of ``local:pocket`` through REST, ledger and worker, beside a
bare diffusers call with Pillow's save, same seed, interleaved. The pixels must be equal.

Run it: ``python tests/bench/engine_tax.py``. Prints medians in seconds and their ratio; goal <= 1.05. The job has as
many steps as make it about a second long, as real jobs are longer still.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROUNDS, STEPS, GOAL = 7, 50, 1.05
PROMPT, SEED = "a red ball under a yellow sun", 11


def main() -> int:
    """Measure; exit code 1 if the goal is missed or a pixel differs."""
    home = Path(tempfile.mkdtemp(prefix="diorama-bench-"))
    server = Server(home)
    bare = Bare()
    try:
        request = {"prompt": PROMPT, "seed": SEED, "steps": STEPS, "model": "local:pocket"}
        first = server.generate(request)
        values = {
            "guidance_scale": first["guidance_scale"],
            "width": first["width"],
            "height": first["height"],
        }
        bare.run(home / "bare.png", **values)
        ours, peer, control = [], [], []
        for _ in range(ROUNDS):
            for action, into in (
                (lambda: server.generate(request), ours),
                (lambda: bare.run(home / "bare.png", **values), peer),
                (lambda: bare.run(home / "bare.png", **values), control),
            ):
                began = time.perf_counter()
                action()
                into.append(time.perf_counter() - began)
        equal = same_pixels(server.file(server.generate(request)), home / "bare.png")
    finally:
        server.close()
    mine, theirs, again = map(statistics.median, (ours, peer, control))
    print(
        f"engine_tax  through REST and worker {mine:.3f} s  bare diffusers + save {theirs:.3f} s  ratio {mine / theirs:.3f}  "
        f"(A/A {again / theirs:.3f})  goal <= {GOAL:g}  pixels equal: {equal}"
    )
    return int(mine / theirs > GOAL or not equal)


class Bare:
    """The rival: the pipeline in this process."""

    def __init__(self) -> None:
        import diorama_local_diffusers
        import torch
        from diffusers import StableDiffusionPipeline

        folder = Path(diorama_local_diffusers.__file__).parent / "pocket"
        self._torch = torch
        self._pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
        self._pipe.set_progress_bar_config(disable=True)

    def run(self, path: Path, **values: Any) -> None:
        """Make one picture and save it with Pillow."""
        generator = self._torch.Generator("cpu").manual_seed(SEED)
        self._pipe(PROMPT, num_inference_steps=STEPS, generator=generator, **values).images[0].save(path)


class Server:
    """Ours: a server process with its worker."""

    def __init__(self, home: Path) -> None:
        environ = os.environ | {
            "DIORAMA_HOME": str(home),
            "DIORAMA_PLUGINS_ALLOW": "local",
            "DIORAMA_OFFLINE": "1",
        }
        command = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        self.url = self._process.stderr.readline().split()[-1]

    def generate(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for a picture and wait."""
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(self.url + "/api/generate", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return dict(json.load(answer))

    def file(self, answer: dict[str, Any]) -> bytes:
        """Return the file of an answer."""
        with urllib.request.urlopen(self.url + answer["images"][0]["url"], timeout=60) as found:
            return bytes(found.read())

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait(20)


def same_pixels(ours: bytes, peer: Path) -> bool:
    """Tell whether both pictures are equal to the last bit."""
    import io

    from PIL import Image, ImageChops

    with Image.open(io.BytesIO(ours)) as left, Image.open(peer) as right:
        return ImageChops.difference(left.convert("RGB"), right.convert("RGB")).getbbox() is None


if __name__ == "__main__":
    sys.exit(main())
