"""Prompts at hand: kept on the server, each once, as many as people want."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def used(server: Any, *prompts: str) -> list[str]:
    for prompt in prompts:
        answer = server.client.post("/api/settings/prompts", json={"prompt": prompt})
        assert answer.status_code == 200
    return list(server.client.get("/api/settings/prompts").json()["prompts"])


def test_prompts_are_kept_newest_first_each_once_and_across_a_restart(new_server: Callable[..., Any]) -> None:
    server = new_server()
    assert used(server) == []
    assert used(server, "a", "b", " a ", "c") == ["c", "a", "b"]
    server.stop()
    server.start()
    assert used(server) == ["c", "a", "b"]
    assert server.client.delete("/api/settings/prompts").status_code == 200
    assert used(server) == []


def test_as_many_are_kept_as_people_want(new_server: Callable[..., Any]) -> None:
    server = new_server()
    assert len(used(server, *(f"prompt {number}" for number in range(25)))) == 20
    server.client.post("/api/settings", json={"prompt_history": 2})
    assert used(server) == ["prompt 24", "prompt 23"]
    server.client.post("/api/settings", json={"prompt_history": 0})
    assert used(server, "secret") == []
    server.client.post("/api/settings", json={"prompt_history": None})
    assert used(server) == [], "what is not kept is not there later"
    for body in ({"prompt": ""}, {"prompt": "x" * 3000}, {}):
        assert server.client.post("/api/settings/prompts", json=body).status_code == 422
