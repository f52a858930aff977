"""What is seen before the studio is there, and that nothing jumps or is asked for in vain while it comes."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.conftest import expect

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
PAGES = {
    "image": "Prompt",
    "video": "Prompt",
    "assets": "Library",
    "models": "Models",
    "queue": "Queue",
    "settings": "Settings",
}
# However slow this machine is just now: the page waits for its answers (120 is the moment that src/lib/soon.ts waits at most),
# and what it does some seconds later by itself (forgetting early answers, reading lists again) is left out.
WATCH = """
const later = window.setTimeout;
window.setTimeout = (act, wait, ...rest) => (wait === 120 || wait >= 3000 ? 0 : later(act, wait, ...rest));
window.shifts = [];
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifts.push(entry.value); })
  .observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def filled(server: Any) -> None:
    for number in range(3):
        server.finished(server.submit(prompt=f"view {number}", session_id="views", num_images=2))


@pytest.mark.parametrize("name", PAGES)
def test_the_frame_of_a_page_is_there_before_any_script_of_the_studio(
    server: Any, page: Any, name: str
) -> None:
    page.route("**/assets/*.js", lambda route: route.abort())
    page.goto(f"{server.url}/{name}")
    frame = page.locator(".still")
    expect(frame.locator(".masthead .tab").first).to_be_visible()
    expect(frame.get_by_text(PAGES[name], exact=True).last).to_be_visible()
    assert frame.evaluate("frame => frame.inert")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_jumps_and_nothing_is_asked_in_vain(
    server: Any, page: Any, filled: None, name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(WATCH)
    twice: dict[str, int] = {}
    page.on("request", lambda request: twice.update({request.url: twice.get(request.url, 0) + 1}))
    page.goto(f"{server.url}/{name}")
    expect(page.locator("h1").first).to_be_attached()
    expect(page.locator(".still")).to_have_count(0)
    page.wait_for_function("window.diorama.early.size === 0")
    page.wait_for_timeout(300)
    assert (
        sum(page.evaluate("window.shifts")) < 0.01
    )  # letters of the frame may change their face; no part moves
    repeated = [url for url, times in twice.items() if "/api/" in url and times > 1]
    assert not repeated
