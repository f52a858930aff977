"""A gallery page of 100 at the far end of a million assets, against the first page and against OFFSET.

Run ``python tests/bench/gallery.py [ROWS]``. The three take turns in one run; the rows are made in bulk first.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from diorama.assets.store import AssetStore
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.ids import first_id_at
from diorama.settings import load_settings

PAGE = 100
ROUNDS = 200
GOAL_RATIO, GOAL_P99 = 1.5, 15.0
WORDS = (
    "red", "green", "blue", "yellow", "ball", "box", "star", "heart", "house", "tree", "sun", "moon", "boat", "fish", "flower",
    "mountain", "above", "below", "small", "big",
)  # fmt: skip


def rows(number: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows as the store writes them."""
    dice = random.Random(0)
    start = time.time() - number
    for i in range(number):
        words = " ".join(dice.choices(WORDS, k=14)) + (" unicorn" if i % 5000 == 0 else "")
        asset_id = first_id_at(start + i)
        recipe = json.dumps(
            {"schema": 1, "prompt": words, "seed": i, "model": f"local:m{i % 20}", "num_inference_steps": 20}
        )
        kind = "video" if i % 50 == 0 else "image"
        yield (
            asset_id, f"j{i:025d}", 0, kind, "image/png", f"2026/01/{asset_id}.png", f"2026/01/{asset_id}.thumb.webp",
            "IPgFFwR4loiG", 1024, 1024, 1_800_000, f"{i:064x}", words, f"local:m{i % 20}", "generate", i % 100_000,
            f"s{i % 1000}", recipe, start + i,
        )  # fmt: skip


COLUMNS = (
    "id, job_id, position, kind, mime, path, thumbnail, placeholder, width, height, bytes, sha256, prompt, model, operation, "
    "seed, session_id, recipe, created_at"
)


def fill(path: Path, number: int) -> None:
    """Insert in bulk: triggers off, text index rebuilt once."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    marks = ", ".join("?" * len(COLUMNS.split(",")))
    connection.executemany(f"INSERT INTO assets ({COLUMNS}) VALUES ({marks})", rows(number))
    connection.execute("INSERT INTO assets_text(assets_text) VALUES ('rebuild')")
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def timed(call: Callable[[], Any]) -> float:
    """Return milliseconds."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)]


def main() -> int:
    """Print the figures; the exit status tells whether the goals were reached."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="diorama-bench-") as home:
        settings = load_settings({"DIORAMA_HOME": home})
        settings.data_dir.mkdir(parents=True)
        path = settings.data_dir / "diorama.sqlite"
        engine = open_engine(f"sqlite:///{path}")
        migrate(engine)
        seconds = timed(lambda: fill(path, number)) / 1000
        print(f"{number} rows in {seconds:.0f} s, file of {path.stat().st_size / 1e6:.0f} MB")
        database = Database(engine)
        passed = measure(AssetStore(database, settings), database, number)
        database.close()
    return 0 if passed else 1


def measure(store: AssetStore, database: Database, number: int) -> bool:
    """Take turns between the first page, the far end, filters and OFFSET."""
    from sqlalchemy import text

    with database.read() as connection:
        end = connection.execute(
            text("SELECT id FROM assets ORDER BY id LIMIT 1 OFFSET :n"), {"n": PAGE}
        ).scalar_one()
        model_end = connection.execute(
            text("SELECT id FROM assets WHERE model = 'local:m7' ORDER BY id LIMIT 1 OFFSET :n"), {"n": PAGE}
        ).scalar_one()
    assert len(store.list(limit=PAGE, cursor=end).items) == PAGE
    asked: dict[str, Callable[[], Any]] = {
        "first page": lambda: store.list(limit=PAGE),
        "far end": lambda: store.list(limit=PAGE, cursor=end),
        "far end, one model": lambda: store.list(limit=PAGE, cursor=model_end, model="local:m7"),
        "far end, one session": lambda: store.list(limit=PAGE, cursor=end, session_id="s7"),
        "search, frequent words": lambda: store.list(limit=PAGE, q="red bal"),
        "search, frequent word, far end": lambda: store.list(limit=PAGE, q="red", cursor=str(number // 100)),
        "search, rare word": lambda: store.list(limit=PAGE, q="unicorn"),
        "search with model and kind": lambda: store.list(
            limit=PAGE, q="boat", model="local:m7", kind="image"
        ),
        "by seed": lambda: store.list(limit=PAGE, seed=77),
        "favourites (none)": lambda: store.list(limit=PAGE, favourite=True),
        "bounded count": lambda: store.count(),
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    offset: list[float] = []
    for turn in range(ROUNDS):
        for name, call in asked.items():
            taken[name].append(timed(call))
        if turn % 20 == 0:
            offset.append(timed(lambda: by_offset(database, number - PAGE)))
    first = statistics.median(taken["first page"])
    for name, values in taken.items():
        median = statistics.median(values)
        print(
            f"{name:32s} median {median:7.2f} ms   p99 {p99(values):7.2f} ms   {median / first:5.2f}x first page"
        )
    slow = statistics.median(offset)
    far = statistics.median(taken["far end"])
    print(f"{'OFFSET to the far end':32s} median {slow:7.2f} ms   {slow / far:5.0f}x ours")
    ratio, worst = far / first, p99(taken["far end"])
    print(f"far end / first page {ratio:.2f} (goal <= {GOAL_RATIO}), p99 {worst:.2f} ms (goal <= {GOAL_P99})")
    return ratio <= GOAL_RATIO and worst <= GOAL_P99


def by_offset(database: Database, start: int) -> Any:
    """Page as most programs do."""
    from sqlalchemy import text

    query = text("SELECT * FROM assets WHERE trashed_at IS NULL ORDER BY id DESC LIMIT :page OFFSET :start")
    with database.read() as connection:
        return connection.execute(query, {"page": PAGE, "start": start}).all()


if __name__ == "__main__":
    sys.exit(main())
