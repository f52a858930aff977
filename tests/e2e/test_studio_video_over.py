"""A video made over in a real browser: dropped, pasted, from the library, its result again; and where no model does it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diorama.testing.samples import sample_image, sample_video
from e2e.conftest import SHOTS, expect
from e2e.test_studio_sound import clean

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
GIVE = """([kind, body, type, name]) => {
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type }));
    const place = kind === "drop" ? document.querySelector("[data-drop=video]") : document.body;
    const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    place.dispatchEvent(event);
}"""
DRAG = """(asset) => {
    const data = new DataTransfer();
    data.setData("application/x-diorama-asset", JSON.stringify(asset));
    const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector("[data-drop=video]").dispatchEvent(event);
}"""


@pytest.fixture
def site(new_server: Callable[..., Any]) -> Any:
    return new_server(DIORAMA_BACKENDS__FAKE__VIDEOS="true")


def give(page: Any, how: str, path: str, mime: str) -> None:
    body = base64.b64encode(Path(path).read_bytes()).decode()
    page.evaluate(GIVE, [how, body, mime, Path(path).name])


def narrow(page: Any) -> None:
    """Nothing is wider than a phone."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.screenshot(path=SHOTS / "studio-video-in-360.png")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.set_viewport_size({"width": 1280, "height": 900})


def newest(site: Any) -> dict[str, Any]:
    (asset, *_) = site.client.get("/api/assets", params={"kind": "video"}).json()["assets"]
    found: dict[str, Any] = site.client.get(f"/api/assets/{asset['id']}").json()
    return found


def wait_for_video(site: Any, page: Any, seed: int) -> dict[str, Any]:
    expect(page.locator("article.strip .number", has_text=f"▸ {seed}")).to_have_count(1)
    return newest(site)


def test_a_video_goes_in_is_made_over_and_its_result_again(site: Any, page: Any, tmp_path: Path) -> None:
    clip, picture = sample_video(tmp_path, frames=12, fps=6), sample_image(tmp_path)
    page.goto(f"{site.url}/video?model=fake:video-over")
    bench = page.get_by_role("form", name="What to make")
    place = bench.locator("[data-drop=video]")
    expect(place).to_contain_text("0 of 1")
    expect(bench.get_by_label("Strength", exact=True)).to_have_count(0)  # it means nothing without a video
    give(page, "drop", picture.path, "image/png")
    expect(page.get_by_text("Only videos can go in here.")).to_be_visible()
    for how in ("drop", "paste"):
        give(page, how, clip.path, "video/mp4")
        expect(place.locator("video")).to_have_js_property("videoWidth", 64)
        expect(place).to_contain_text("sample.mp4 · 2.0 s · 64 × 48")
        expect(bench.get_by_label("Strength", exact=True)).to_have_value("0.6")
        if how == "drop":
            expect(bench.get_by_text("as the video that goes in")).to_be_visible()
            clean(page, "video-in")
            narrow(page)
        place.get_by_role("button", name="Take sample.mp4 away").focus()
        page.keyboard.press("Enter")
        expect(place.locator("video")).to_have_count(0)
        expect(place.locator("input[type=file]")).to_be_focused()
    place.locator("input[type=file]").set_input_files(clip.path)
    bench.get_by_label("Prompt", exact=True).fill("a boat")
    bench.get_by_label("Strength", exact=True).fill("0.25")
    bench.get_by_label("Seed", exact=True).fill("11")
    bench.get_by_role("button", name="Make the video").click()
    first = wait_for_video(site, page, 11)
    assert (first["recipe"]["strength"], first["width"], first["height"]) == (0.25, 64, 48)
    assert [parent["role"] for parent in first["recipe"]["parents"]] == ["video"]

    page.locator("article.strip").get_by_role("button", name="More for this frame").click()
    page.get_by_role("menuitem", name="Use as source").click()
    expect(place).to_contain_text("a boat · 1.1 s · 64 × 48")
    expect(place.locator("video")).to_have_attribute("poster", f"/api/assets/{first['id']}/thumbnail")
    bench.get_by_label("Strength", exact=True).fill("0.75")
    bench.get_by_label("Seed", exact=True).fill("12")
    bench.get_by_role("button", name="Make the video").click()
    second = wait_for_video(site, page, 12)
    assert (second["parents"], second["recipe"]["strength"]) == ([first["id"]], 0.75)
    page.get_by_role("button", name="Vary").click()
    expect(page.locator("article.strip .number", has_text="▸ 12")).to_have_count(0)
    expect(page.locator("article.strip video")).to_have_count(1)
    assert newest(site)["parents"] == [first["id"]]

    bench.get_by_label("Strength", exact=True).fill("0.1")
    place.get_by_role("button", name="Take a boat away").click()
    page.goto(f"{site.url}/asset/{second['id']}")
    page.get_by_role("button", name="Reuse").click()
    page.get_by_role("menuitem", name="All settings").click()
    expect(page).to_have_url(re.compile("/video"))
    expect(place.locator("video")).to_have_attribute("src", f"/api/assets/{first['id']}/file")
    expect(bench.get_by_label("Strength", exact=True)).to_have_value("0.75")


def test_a_frame_of_the_library_goes_in_and_what_does_not_fit_is_said(
    site: Any, page: Any, tmp_path: Path
) -> None:
    made = site.finished(site.submit(prompt="dusk", kind="video", model="fake:video", session_id="clips"))
    video = made["video"]["id"]
    still = site.finished(site.submit(prompt="a still", session_id="clips"))["images"][0]
    page.goto(f"{site.url}/video?session=over&model=fake:video-over")
    place = page.locator("[data-drop=video]")
    page.wait_for_selector("[data-drop=video]")
    page.evaluate(DRAG, {"id": still["id"], "url": still["url"], "name": "a still", "kind": "image"})
    expect(page.get_by_text("Only videos can go in here.")).to_be_visible()
    page.evaluate(DRAG, {"id": video, "url": made["video"]["url"], "name": "dusk", "kind": "video"})
    expect(place).to_contain_text("dusk · 1.1 s · 64 × 64")
    place.get_by_role("button", name="Take dusk away").click()
    place.get_by_role("button", name="From the library").click()
    page.get_by_role("dialog").get_by_role("button", name="dusk").click()
    expect(place).to_contain_text("1.1 s · 64 × 64")

    page.get_by_label("Prompt", exact=True).fill("dawn")
    page.get_by_role("button", name=re.compile("^Model")).first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Fake video(?! over)")).first.click()
    expect(place).to_have_count(0)
    expect(page.get_by_text("This model takes no video: what was put in is not sent.")).to_be_visible()
    clean(page, "video-left-out")
    page.locator("[data-drop=reference] input").set_input_files(sample_image(tmp_path).path)
    page.get_by_role("button", name=re.compile("^Model")).first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Fake video over")).first.click()
    words = "This model makes the video over and takes no picture: what was put in is not sent."
    expect(page.get_by_text(words)).to_be_visible()
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_text(words)).to_have_count(0)
    expect(place).to_contain_text("1 of 1")


def test_the_page_of_a_video_leads_to_a_model_that_takes_it(site: Any, server: Any, page: Any) -> None:
    asked = {"prompt": "dusk", "kind": "video", "model": "fake:video"}
    video = site.finished(site.submit(**asked))["video"]["id"]
    page.goto(f"{site.url}/asset/{video}")
    page.get_by_role("link", name="Use as source").click()
    expect(page.locator("[data-drop=video] video")).to_have_attribute("src", f"/api/assets/{video}/file")
    expect(page.get_by_role("button", name=re.compile("^Model")).first).to_contain_text("Fake video over")
    page.goto(f"{site.url}/asset/{video}")
    page.get_by_role("button", name="More for this frame").wait_for()
    clean(page, "video-asset")

    elsewhere = server.finished(server.submit(**asked))["video"]["id"]
    page.goto(f"{server.url}/asset/{elsewhere}")
    expect(page.get_by_role("button", name="Reuse")).to_be_visible()
    expect(page.get_by_role("link", name="Use as source")).to_have_count(0)
    page.goto(f"{server.url}/video?model=fake:video")
    expect(page.locator("[data-drop=reference]")).to_be_visible()
    expect(page.locator("[data-drop=video]")).to_have_count(0)


def test_commands_to_copy_run_and_name_the_source(site: Any, page: Any, tmp_path: Path) -> None:
    first = site.finished(site.submit(prompt="dusk", kind="video", model="fake:video"))["video"]["id"]
    over = {"model": "fake:video-over", "kind": "video", "media": first, "strength": 0.5, "seed": 3}
    second = site.finished(site.submit(prompt="dawn", **over))["video"]["id"]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site.url}/asset/{second}")

    def copied(name: str) -> str:
        page.get_by_role("button", name="More for this frame").click()
        page.get_by_role("menuitem", name=name).click()
        expect(page.get_by_text("The command is in the clipboard.").last).to_be_visible()
        return str(page.evaluate("navigator.clipboard.readText()"))

    body = json.loads(re.sub("^.* -d '|'$", "", copied("Copy as curl"), flags=re.DOTALL))
    job = site.finished(site.submit(**body))
    assert site.client.get(f"/api/assets/{job['video']['id']}").json()["parents"] == [first]
    command = copied("Copy for the shell")
    assert "--strength 0.5" in command
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DIORAMA_HOME": str(tmp_path),
        "DIORAMA_SERVER": site.url,
    }
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environ, check=True, timeout=120)
    recipe = newest(site)["recipe"]
    source = hashlib.sha256(site.client.get(f"/api/assets/{first}/file").content).hexdigest()
    assert (recipe["strength"], recipe["seed"], recipe["parents"][0]["sha256"]) == (0.5, 3, source)
