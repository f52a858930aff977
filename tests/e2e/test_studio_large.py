"""A hundred thousand frames in the library: scrolled to the end without a long script."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from e2e.conftest import expect

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
MANY = int(os.environ.get("DIORAMA_MANY_ASSETS", "3000"))
WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
  }).observe({ type: "longtask", buffered: false });
}"""


def multiply(server: Any, many: int) -> None:
    """Add rows that show the one file there is; the server is stopped meanwhile."""
    server.finished(server.submit(prompt="one of many"))
    server.stop()
    with sqlite3.connect(server.home / "data" / "diorama.sqlite") as base:
        columns = [row[1] for row in base.execute("PRAGMA table_info(assets)")]
        [row] = base.execute("SELECT * FROM assets").fetchall()
        first = dict(zip(columns, row, strict=True))
        rows = [
            list(
                {
                    **first,
                    "id": f"{number:026d}",
                    "seed": number,
                    "number": first["number"] + number,
                    "position": number,
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
    page.evaluate(WATCH)
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
    print(f"{MANY} frames: longest script {page.evaluate('window.longest'):.0f} ms")
