"""The studio's bench in a real browser: from a prompt to a picture, by mouse, by keys, across reloads and restarts."""

from __future__ import annotations

import base64
import io
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from e2e.conftest import expect, fresh, shoot, slow

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]


def test_the_first_picture_takes_three_interactions_at_most(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    prompt = page.get_by_label("Prompt", exact=True)
    expect(prompt).to_be_focused()
    page.keyboard.type("a red ball under a yellow sun")  # 1
    page.keyboard.press("Enter")  # 2
    frame = page.locator(".strip .picture img.relative")
    expect(frame).to_have_js_property("complete", True)
    assert frame.evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_label("Title of this session")).to_have_value("A red ball under a yellow sun")
    assert "session=" in page.url


def test_keys_alone_lead_from_start_to_download(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    page.keyboard.type("first line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stage")).to_contain_text("10 steps")
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Download":
            break
    for _ in range(80):
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Download":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="As it was made")).to_be_visible()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert re.fullmatch(r"diorama-\w{26}\.png", waiting.value.suggested_filename)
    page.keyboard.press("g")
    expect(page).to_have_url(re.compile("/assets"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("queue")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/queue"))


def test_progress_is_seen_with_previews_and_escape_cancels(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    slow(page, 20)
    page.get_by_label("Prompt", exact=True).fill("slow")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.get_by_test_id("stage")).to_contain_text(re.compile(r"step \d+ of 10"))
    expect(page.locator("header .readout").first).to_contain_text(re.compile(r"\d+%"))
    shoot(page, "studio-progress-dark")
    page.keyboard.press("Escape")
    expect(page.locator(".strip .edge").first).to_contain_text("Cancelled")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".strip .edge").first).to_contain_text("Generating")
    page.locator(".strip").get_by_role("button", name="Cancel").click()


def test_a_reload_and_a_second_tab_keep_a_running_job_in_view(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    slow(page, 4)
    page.get_by_label("Prompt", exact=True).fill("reloaded")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.get_by_test_id("stage")).to_contain_text("step")
    page.reload()
    expect(page.get_by_test_id("stage")).to_contain_text("step")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_test_id("stage")).to_contain_text("step")
    for tab in (page, other):
        expect(tab.locator(".strip .edge").first).to_contain_text("Done", timeout=20_000)


def test_a_restarted_server_gets_its_job_done_before_the_same_page(
    new_server: Callable[..., Any], page: Any
) -> None:
    server = new_server()
    page.goto(server.url + "/image?session=restart")
    slow(page, 3)
    page.get_by_label("Prompt", exact=True).fill("survives")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.get_by_test_id("stage")).to_contain_text("step")
    port = server.url.rpartition(":")[2]
    server.stop(signal.SIGKILL)
    expect(page.get_by_text("No connection, trying again")).to_be_visible()
    config = server.home / "config" / "config.toml"
    config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
    server.start()
    expect(page.locator(".strip .edge").first).to_contain_text("Done", timeout=30_000)
    expect(page.get_by_text("No connection, trying again")).to_have_count(0)


def test_the_form_follows_the_model(server: Any, page: Any) -> None:
    page.goto(fresh(server) + "&model=fake:edit")
    expect(page.get_by_text("as the picture that goes in")).to_be_visible()
    expect(page.get_by_role("button", name="16:9")).to_have_count(0)
    expect(page.get_by_label("Strength", exact=True)).to_be_visible()
    page.goto(fresh(server) + "&model=fake:image")
    expect(page.get_by_role("button", name="16:9")).to_be_visible()
    expect(page.get_by_label("Strength", exact=True)).to_have_count(0)
    page.get_by_role("button", name="16:9").click()
    page.get_by_label("Seed", exact=True).fill("77")
    page.get_by_label("Prompt", exact=True).fill("wide")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.locator("figure .number")).to_have_text("▸ 77")
    expect(page.get_by_test_id("stage")).to_contain_text("128 × 72")


def png(colour: str = "white", size: tuple[int, int] = (64, 48)) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def test_a_picture_goes_in_and_only_what_is_painted_changes(server: Any, page: Any) -> None:
    from PIL import Image

    page.goto(fresh(server))
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "white.png", "mimeType": "image/png", "buffer": png()})
    page.get_by_role("button", name="Paint a mask").click()
    canvas = page.locator("canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Use the mask").click()
    page.get_by_label("Prompt", exact=True).fill("black")
    page.get_by_label("Strength", exact=True).fill("1")
    page.get_by_label("Prompt", exact=True).press("Enter")
    source = page.locator(".strip figure a").get_attribute("href")
    asset = source.rpartition("/")[2]
    made = server.client.get(f"/api/assets/{asset}/file").content
    picture = Image.open(io.BytesIO(made)).convert("RGB")
    assert picture.size == (64, 48)
    assert picture.getpixel((60, 4)) == (255, 255, 255)
    assert picture.getpixel((6, 24)) != (255, 255, 255)


def test_what_was_adjusted_is_said_and_errors_come_with_their_remedy(server: Any, page: Any) -> None:
    server.finished(server.submit(session_id="notes", width=65, height=64))
    page.goto(server.url + "/image?session=notes")
    expect(page.locator(".strip .note").first).to_contain_text("became")
    server.finished(server.submit(session_id="wrong", parameters={"trouble": "refuse"}))
    page.goto(server.url + "/image?session=wrong")
    expect(page.get_by_role("alert")).to_contain_text("Word it differently.")


def test_a_dropped_picture_gives_its_settings_back(server: Any, page: Any) -> None:
    made = server.client.post("/api/generate", json={"prompt": "once more", "seed": 4321, "steps": 7}).json()
    content = server.client.get(made["images"][0]["url"]).content
    page.goto(fresh(server))
    expect(page.get_by_label("Prompt", exact=True)).to_be_visible()
    page.evaluate(
        """data => {
            const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode(content).decode(),
    )
    sheet = page.get_by_role("dialog", name="How it was made")
    expect(sheet).to_contain_text("4321")
    sheet.get_by_role("button", name="Take all settings").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("once more")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("4321")
    expect(page.get_by_label("Steps", exact=True)).to_have_value("7")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "javascript:alert(1)", "{{7*7}} ${alert(1)}",
        "\u202egnp", "</textarea><svg onload=alert(1)>", "%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)  # fmt: skip
def test_prompts_and_titles_are_text_and_nothing_else(server: Any, page: Any, text: str) -> None:
    made = server.client.post("/api/generate", json={"prompt": text, "session_id": "text"}).json()
    asset = made["images"][0]["id"]
    server.client.patch(f"/api/assets/{asset}", json={"title": text})
    page.goto(server.url + "/image?session=text")
    expect(page.locator(".strip p").first).to_have_text(text)
    for path in (f"/asset/{asset}", f"/job/{made['job_id']}", "/queue", "/assets?q=" + "alert"):
        page.goto(server.url + path)
        expect(page.locator("h1").first).to_be_attached()
        assert page.locator("#main script, #main svg[onload], #main img[src='x']").count() == 0
    page.goto(server.url + f"/asset/{asset}")
    expect(page.get_by_label("Title")).to_have_value(text)
