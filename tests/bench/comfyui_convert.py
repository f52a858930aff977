"""Figures of the ComfyUI converter: templates valid, slowest conversion, object_info parsed and opened.

Run: ``python tests/bench/comfyui_convert.py``. Prints one line per figure: value, goal, and value/goal.
The official templates come from the package registry; without it their lines are left out.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "plugins" / "comfyui" / "tests"
sys.path.insert(0, str(TESTS))

from comfyui_templates import Unreachable, templates  # noqa: E402
from diorama_comfyui.analysis import check  # noqa: E402
from diorama_comfyui.convert import convert  # noqa: E402
from diorama_comfyui.schema import ObjectInfo, load_object_info, save_object_info  # noqa: E402

GOALS = {"0.11.44": 494, "0.11.97": 480}


def best_ms(work: Callable[[], Any], repeats: int = 5) -> float:
    """Shortest wall time of several runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def line(name: str, value: float, goal: float, unit: str, *, at_least: bool = False) -> bool:
    """Print a figure beside its goal and return whether it is met."""
    met = value >= goal if at_least else value <= goal
    sign = ">=" if at_least else "<="
    print(
        f"{name:52} {value:9.1f} {unit:3} goal {sign} {goal:g}  ratio {value / goal:5.2f}  {'met' if met else 'MISSED'}"
    )
    return met


def main() -> int:
    """Measure everything; exit code 1 if a goal is missed."""
    raw = json.loads(gzip.decompress((TESTS / "data" / "object_info-0.33.0.json.gz").read_bytes()))
    info = ObjectInfo.from_raw(raw)
    met = [_templates(release, goal, info) for release, goal in GOALS.items()]
    met.append(_object_info(raw))
    return 0 if all(met) else 1


def _templates(release: str, goal: int, info: ObjectInfo) -> bool:
    try:
        documents = dict(templates(release))
    except Unreachable as error:
        print(f"templates {release}: {error}")
        return True
    valid = sum(not check(convert(document, info).prompt, info) for document in documents.values())
    slowest = max(best_ms(lambda d=document: convert(d, info), 3) for document in documents.values())  # type: ignore[misc]
    return all(
        [
            line(f"templates {release}: valid of {len(documents)}", valid, goal, "", at_least=True),
            line(f"templates {release}: slowest conversion", slowest, 50, "ms"),
        ]
    )


def _object_info(raw: dict[str, Any]) -> bool:
    """5,000 classes: the real ones under several names."""
    many = {f"{name}#{copy}": cls for copy in range(6) for name, cls in raw.items()}
    body = json.dumps(dict(list(many.items())[:5000])).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "info"

        def first_start() -> None:
            info = ObjectInfo.from_json(body)
            for name in info:
                info[name]
            save_object_info(path, info, "key")

        def next_start() -> None:
            info = load_object_info(path, "key")
            assert info is not None
            info["KSampler#0"]

        first = line("object_info of 5,000 classes: parsed and cached", best_ms(first_start, 3), 1000, "ms")
        return line("object_info of 5,000 classes: next start", best_ms(next_start), 100, "ms") and first


if __name__ == "__main__":
    sys.exit(main())
