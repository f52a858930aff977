"""A real server and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web.conftest import Server

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHOTS = Path(os.environ.get("DIORAMA_SHOTS", "build/screenshots"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("page"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("page-locked"), 'api_keys = ["first-key"]')
    yield made
    made.stop()


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


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that end with the test."""
    made: list[Server] = []

    def make(server: str = "", **environ: str) -> Server:
        made.append(Server(tmp_path / f"home{len(made)}", server, environ))
        return made[-1]

    yield make
    for item in made:
        if item.process.poll() is None:
            item.stop()


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
