"""Every page of the studio, in both themes, from phones to 4K: accessible, inside its width, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import SHOTS, expect

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
AXE = Path(__file__).parents[2] / "web" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {360: 740, 1280: 900, 2560: 1440}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def filled(server: Any) -> dict[str, str]:
    """Some of everything; the addresses of single things by name."""
    for number in range(5):
        ratio = ["1:1", "16:9", "9:16"][number % 3]
        server.finished(
            server.submit(prompt=f"study {number}", session_id="studies", aspect_ratio=ratio, num_images=2)
        )
    video = server.finished(
        server.submit(prompt="dusk", kind="video", model="fake:video", session_id="clips")
    )
    server.finished(server.submit(prompt="refused", session_id="studies", parameters={"trouble": "refuse"}))
    last = server.finished(server.submit(prompt="a last study", session_id="studies", width=65, height=64))
    image = last["images"][0]["id"]
    server.client.put(f"/api/assets/{image}/favourite")
    other = server.client.get("/api/assets", params={"kind": "image", "limit": 3}).json()["assets"][2]["id"]
    return {
        "image": "/image?session=studies", "image-empty": "/image?session=nobody", "video": "/video?session=clips",
        "assets": "/assets", "asset": f"/asset/{image}", "asset-video": f"/asset/video/{video['video']['id']}",
        "compare": f"/compare?a={image}&b={other}", "models": "/models", "model": "/model/fake:image", "queue": "/queue",
        "job": f"/job/{last['job_id']}", "logs": "/logs", "settings": "/settings", "nowhere": "/no/such/page",
    }  # fmt: skip


NAMES = [
    "image", "image-empty", "video", "assets", "asset", "asset-video", "compare", "models", "model", "queue", "job",
    "logs", "settings", "nowhere",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_page_in_both_themes_at_three_widths(
    server: Any, page: Any, filled: dict[str, str], name: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/ui")
    axe = AXE.read_text(encoding="utf-8")
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.goto(server.url + filled[name])
        expect(page.locator("h1").first).to_be_attached()
        page.wait_for_timeout(400)
        page.evaluate(axe)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(150)
            found += [f"{theme} {width}: {item}" for item in violations(page)]
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                found.append(f"{width}: the page is {wide} wide")
            page.screenshot(path=SHOTS / f"studio-{name}-{theme}-{width}.png")
    assert not found, "\n" + "\n".join(found)


def violations(page: Any) -> list[str]:
    # A menu has guards that catch the focus at its edges: hidden from readers on purpose, and focus never rests there.
    result = page.evaluate(
        """async (tags) => (await axe.run({ exclude: ["[data-base-ui-focus-guard]"] },
            { runOnly: tags, resultTypes: ["violations"] })).violations
            .flatMap((item) => item.nodes.map((node) => `${item.id} ${node.target} ${node.failureSummary}`))""",
        RULES,
    )
    return sorted({str(item)[:300].replace("\n", " ") for item in result})


@pytest.mark.parametrize("opened", ["picker", "sessions", "palette", "sheet", "menu", "filters", "machine"])
def test_what_opens_over_a_page_is_accessible_too(
    server: Any, page: Any, filled: dict[str, str], opened: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/ui")
    page.goto(server.url + filled["assets" if opened == "filters" else "image"])
    expect(page.locator("h1").first).to_be_attached()
    if opened == "picker":
        page.get_by_role("button", name="Fake image").click()
        expect(page.get_by_role("dialog").get_by_role("searchbox")).to_be_focused()
    elif opened == "sessions":
        page.get_by_role("button", name="Sessions").click()
    elif opened == "menu":
        page.get_by_role("button", name="Reuse").click()
        expect(page.get_by_role("menuitem", name="Seed")).to_be_visible()
    elif opened == "filters":
        page.get_by_text("More filters").click()
    elif opened == "machine":
        page.get_by_role("button", name="This machine").click()
    else:
        expect(
            page.get_by_role("button", name="Fake image")
        ).to_be_visible()  # the frame is there before the keys
        page.keyboard.press("Control+k" if opened == "palette" else "Escape")
        if opened == "sheet":
            page.locator("h1").first.evaluate("() => document.activeElement.blur()")
            page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(300)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.screenshot(path=SHOTS / f"studio-open-{opened}.png")
    assert not violations(page)
