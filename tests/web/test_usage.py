"""What was spent, by backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PRICED = 'api_keys = []\n[backends.dear]\nplugin = "diorama.testing.fake:create"\nprice = 0.25'


def test_costs_are_summed_since_a_moment(new_server: Callable[..., Any]) -> None:
    server = new_server(PRICED)
    before = time.time() - 1
    for count in (1, 3):
        server.finished(server.submit(model="dear:image", num_images=count))
    server.finished(server.submit(model="fake:image"))
    [spent] = server.client.get("/api/usage", params={"since": before}).json()["costs"]
    assert (spent["backend"], spent["amount"], spent["jobs"]) == ("dear", 1.0, 2)
    later = server.client.get("/api/usage", params={"since": time.time() + 60})
    assert later.json()["costs"] == []


def test_a_moment_is_needed(server: Any) -> None:
    answer = server.client.get("/api/usage")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "since"
