"""A real server and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web.served import Server, locked, new_server, server

__all__ = ["locked", "new_server", "server"]

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHOTS = Path(os.environ.get("DIORAMA_SHOTS", "build/screenshots"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    sync_api.expect.set_options(timeout=20_000)
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that fails the test on any error of a script and on any request that leaves this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    made = context.new_page()
    problems: list[str] = []
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
    made.on(
        "console",
        lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None,
    )
    made.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1", "data:", "blob:"))
            else problems.append(request.url)
        ),
    )
    yield made
    context.close()
    assert not problems


def shoot(page: Any, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


# For the studio


def expect(what: Any) -> Any:
    """Playwright's own waiting assertions."""
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(what)


@pytest.fixture(scope="session")
def studio() -> None:
    """Skip where the studio was not built in (`make web`)."""
    from diorama_web.routes.pages import STUDIO

    if not (STUDIO / "index.html").is_file():
        pytest.skip("The studio is not built: make web")


def fresh(server: Server) -> str:
    """The address of a bench with a session of its own."""
    from diorama.ids import new_id

    return f"{server.url}/image?session={new_id()}"


def slow(page: Any, seconds: float) -> None:
    """Make every job of the fake backend that this page sends take so long."""

    def handle(route: Any) -> None:
        body = route.request.post_data_json
        if route.request.method != "POST" or not body:
            route.continue_()
            return
        route.continue_(post_data={**body, "parameters": {"delay": seconds}})

    page.route("**/api/jobs", handle)
