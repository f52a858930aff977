"""The whole engine, and a whole server, on PostgreSQL."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from diorama.contract import Conflict, InvalidRequest, NotFound
from diorama.sessions.preferences import Preferences
from diorama.sessions.store import SessionStore
from sqlalchemy import text
from web.served import new_server  # noqa: F401


@pytest.fixture
def engine(make_engine: Any) -> Any:
    return make_engine({"fake": {}}, default_model="fake:image")


def test_from_a_prompt_to_a_picture_that_is_found_again(engine: Any, ask: Any) -> None:
    done = engine.wait(engine.submit(ask(prompt="a red bÀll", seed=2**32 - 1, session_id="s")).id, 30)
    assert done.status == "completed", done.error
    (asset,) = engine.assets.list(q="ball", seed=2**32 - 1, session_id="s").items
    assert asset.job_id == done.id
    assert engine.assets.file(asset.id).exists()
    assert not (engine.settings.data_dir / "diorama.sqlite").exists()


def test_a_batch_is_stored_whole_or_not_at_all(engine: Any, ask: Any) -> None:
    jobs = engine.submit_many([ask(prompt=f"a ball {number}", batch_id="b") for number in range(50)])
    for job in jobs:
        assert engine.wait(job.id, 30).status == "completed"
    assert len(engine.jobs(batch_id="b", limit=100).items) == 50
    with pytest.raises(InvalidRequest):
        engine.submit_many([ask(), ask(width=-1)])
    assert len(engine.jobs(limit=100).items) == 50


def test_a_key_is_taken_once(engine: Any, ask: Any) -> None:
    first, again = (engine.submit(ask(idempotency_key="k")) for _ in range(2))
    assert first.id == again.id
    with pytest.raises(Conflict):
        engine.forget(engine.submit(ask(parameters={"delay": 30})).id)
    engine.wait(first.id, 30)
    engine.forget(first.id)
    with pytest.raises(NotFound):
        engine.job(first.id)


def test_what_was_left_is_done_after_a_restart(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"fake": {}})
    engine.queue.pause()
    waiting = engine.submit(ask())
    again = make_engine({"fake": {}})
    assert again.job(waiting.id).status == "queued"
    again.queue.resume()
    assert again.wait(waiting.id, 30).status == "completed"
    assert again.queue.run_times.typical()


def test_sessions_and_preferences(engine: Any) -> None:
    sessions, preferences = SessionStore(engine.database), Preferences(engine.database)
    made = sessions.create(title="Balls", session_id="mine")
    assert sessions.create(session_id="mine").title == "Balls"
    assert [item.id for item in sessions.list()] == [made.id]
    assert sessions.rename("mine", "Boxes").title == "Boxes"
    assert preferences.update({"image_model": "fake:image"})["image_model"] == "fake:image"
    assert "image_model" not in preferences.update({"image_model": None})


def test_lost_connections_cost_nothing(engine: Any, ask: Any) -> None:
    assert engine.wait(engine.submit(ask()).id, 30).status == "completed"
    with engine.database.engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        )
    assert engine.wait(engine.submit(ask()).id, 30).status == "completed"


def test_a_server_that_is_killed_goes_on_where_it_was(new_server: Any, database_url: str) -> None:  # noqa: F811
    server = new_server(DIORAMA_DATABASE_URL=database_url)
    jobs = [server.submit(parameters={"delay": 1.0}) for _ in range(6)]
    server.stop(signal.SIGKILL)
    server.start()
    assert [server.finished(job_id)["status"] for job_id in jobs] == ["completed"] * 6
    assert server.stored() == (6, 6)
    page = server.client.get("/api/assets", params={"q": "ball", "limit": 2}).json()
    assert len(page["assets"]) == 2
    assert page["next_cursor"]
