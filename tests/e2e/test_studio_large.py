"""A hundred thousand frames in the library: scrolled to the end without a long script."""

from __future__ import annotations

import base64
import os
import random
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from e2e.conftest import expect

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
MANY = int(os.environ.get("DIORAMA_MANY_ASSETS", "3000"))
MOST_MILLISECONDS = 50
SCRIPTS = {"FunctionCall", "EvaluateScript", "v8.callFunction", "RunMicrotasks"}
TRACING = {
    "transferMode": "ReportEvents",
    "traceConfig": {
        "recordMode": "recordContinuously",
        "includedCategories": ["devtools.timeline"],
        "excludedCategories": ["*"],
    },
}


class Trace:
    """What the browser did, with the processor time of each piece: how busy the machine is does not show in it."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._events: list[dict[str, Any]] = []
        self._done = False
        self._session.on("Tracing.dataCollected", lambda data: self._events.extend(data["value"]))
        self._session.on("Tracing.tracingComplete", lambda _: setattr(self, "_done", True))
        self._session.send("Tracing.start", TRACING)

    def longest_script(self) -> tuple[float, float]:
        """End the trace; return the longest script without and with the collection of garbage in it, in milliseconds."""
        self._session.send("Tracing.end")
        while not self._done:
            self._page.wait_for_timeout(50)
        events = [event for event in self._events if event["ph"] == "X" and "tdur" in event]
        scripts = [event for event in events if event["name"] in SCRIPTS]
        garbage = [event for event in events if event["name"] in ("MinorGC", "MajorGC")]
        assert len(scripts) > 100, "the browser told nothing"
        whole = max(event["tdur"] for event in scripts) / 1000
        own = max(
            event["tdur"] - sum(item["tdur"] for item in garbage if inside(item, event)) for event in scripts
        )
        return own / 1000, whole


def inside(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    same = (inner["pid"], inner["tid"]) == (outer["pid"], outer["tid"])
    return same and outer["ts"] <= inner["ts"] <= outer["ts"] + outer["dur"]


def multiply(server: Any, many: int) -> None:
    """Add rows that show the one file there is; the server is stopped meanwhile."""
    server.finished(server.submit(prompt="one of many"))
    server.stop()
    with sqlite3.connect(server.home / "data" / "diorama.sqlite") as base:
        columns = [row[1] for row in base.execute("PRAGMA table_info(assets)")]
        [row] = base.execute("SELECT * FROM assets").fetchall()
        first = dict(zip(columns, row, strict=True))
        first_hash = base64.b64decode(first["placeholder"])
        dice = random.Random(1)  # each frame has a placeholder of its own, as real ones have
        rows = [
            list(
                {
                    **first,
                    "id": f"{number:026d}",
                    "seed": number,
                    "number": first["number"] + number,
                    "position": number,
                    "placeholder": base64.b64encode(
                        first_hash[:6] + dice.randbytes(len(first_hash) - 6)
                    ).decode(),
                }.values()
            )
            for number in range(1, many)
        ]
        base.executemany(f"INSERT INTO assets VALUES ({', '.join('?' * len(columns))})", rows)
    server.start()


def test_many_frames_scroll_to_the_end(new_server: Callable[..., Any], page: Any) -> None:
    server = new_server()
    multiply(server, MANY)
    page.goto(server.url + "/assets")
    expect(page.locator("li[data-index='0']")).to_be_visible()
    trace = Trace(page)
    last, still = -1, 0
    while still < 20:
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(60)
        numbers = page.eval_on_selector_all(
            "li[data-index]", "items => items.map((item) => Number(item.dataset.index))"
        )
        newest = max(numbers, default=0)
        still = still + 1 if newest == last else 0
        last = newest
    assert last == MANY - 1
    assert len(numbers) < 300, "frames outside the view must not exist"
    for _ in range(40):
        page.mouse.wheel(0, -900)
        page.wait_for_timeout(20)
    own, whole = trace.longest_script()
    print(
        f"{MANY} frames: longest script {own:.1f} ms of processor time, {whole:.1f} ms with collecting garbage"
    )
    assert own < MOST_MILLISECONDS
