"""Inputs are removed when nothing needs them; what a waiting job needs outlives a kill and the search after it."""

from __future__ import annotations

import base64
import io
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from diorama.tidying import LAST
from PIL import Image

LONG_AGO = 1_000_000.0


def test_what_a_waiting_job_needs_outlives_a_kill(new_server: Callable[..., Any]) -> None:
    server = new_server()
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    picture = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    server.client.post("/api/queue/pause")
    job_id = server.submit(kind="edit", model="fake:edit", reference_images=[picture])
    server.client.post(f"/api/jobs/{job_id}/hold")
    server.stop(signal.SIGKILL)

    folder = server.home / "data" / "inputs"
    (needed,) = folder.iterdir()
    orphan = folder / f"{'0' * 64}.png"
    orphan.write_bytes(b"nobody's")
    for file in (needed, orphan):
        os.utime(file, (LONG_AGO, LONG_AGO))
    (database,) = (server.home / "data").glob("*.sqlite")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM settings_values WHERE key = ?", (LAST,))

    server.start()
    end = time.monotonic() + 30
    while orphan.exists():
        assert time.monotonic() < end, "inputs were not looked through"
        time.sleep(0.05)
    assert needed.exists()
    server.client.post(f"/api/jobs/{job_id}/release")
    server.client.post("/api/queue/resume")
    assert server.finished(job_id)["status"] == "completed"
