"""Plain values and back, from many threads at once."""

from __future__ import annotations

import subprocess
import sys

RACE = """
import sys, threading
from diorama.contract import ModelInfo, from_plain
plain = {"id": "a:b", "title": "T", "availability": {"state": "ready"}, "operations": {"generate": {
    "sizes": {"ratios": {"1:1": [64, 64]}}, "images_in": {"minimum": 1, "maximum": 2}}}}
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
found = []
def work():
    start.wait()
    found.append(from_plain(ModelInfo, plain))
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(found) == 8 and all(item == found[0] for item in found)
"""


def test_threads_that_meet_a_type_for_the_first_time_at_once_take_nothing_down() -> None:
    """Without care about a quarter of these processes ends in a segmentation fault."""
    for _ in range(15):
        done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
