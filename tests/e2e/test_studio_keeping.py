"""What the studio keeps and takes over: sessions and drafts on another browser, prompts, recipes of other programs, frames."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from e2e.conftest import expect, fresh
from PIL import Image, PngImagePlugin

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
EVIL = "<img src=x onerror=alert(1)>"
FOREIGN = {
    "Automatic1111": {
        "parameters": f"a fox {EVIL}\nNegative prompt: dog\nSteps: 30, Sampler: Euler a, CFG scale: 7, Seed: 77, Size: 512x768, "
        "Model: gone-model"
    },
    "InvokeAI": {
        "invokeai_metadata": json.dumps(
            {
                "positive_prompt": f"a fox {EVIL}", "seed": 77, "steps": 30, "width": 512, "height": 768,
                "model": {"name": "gone-model"},
            }
        )
    },
    "ComfyUI": {
        "prompt": json.dumps(
            {
                "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "gone-model"}},
                "2": {"class_type": "CLIPTextEncode", "inputs": {"text": f"a fox {EVIL}", "clip": ["1", 1]}},
                "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
                "4": {
                    "class_type": "KSampler",
                    "inputs": {
                        "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0],
                        "seed": 77, "steps": 30, "cfg": 7, "sampler_name": "euler", "denoise": 1,
                    },
                },
            }
        )
    },
}  # fmt: skip


def drop(page: Any, content: bytes) -> None:
    page.evaluate(
        """data => {
            const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "<b>dropped</b>.png", { type: "image/png" }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode(content).decode(),
    )


@pytest.mark.parametrize("program", sorted(FOREIGN))
def test_recipes_of_other_programs_are_read_and_what_is_missing_is_named(
    server: Any, page: Any, program: str
) -> None:
    chunks = PngImagePlugin.PngInfo()
    for key, text in FOREIGN[program].items():
        chunks.add_text(key, text)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    page.goto(fresh(server))
    expect(page.get_by_role("button", name="Fake image")).to_be_visible()
    drop(page, buffer.getvalue())
    sheet = page.get_by_role("dialog", name="How it was made")
    expect(sheet).to_contain_text(program)
    expect(sheet).to_contain_text("Not here: model gone-model")
    expect(sheet).to_contain_text(EVIL)
    sheet.get_by_role("button", name="Take all settings").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(f"a fox {EVIL}")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("77")
    expect(page.get_by_role("button", name="Fake image")).to_be_visible()
    assert page.locator("main img[src='x'], dialog img[src='x']").count() == 0


def test_a_session_and_its_draft_are_there_on_another_browser(
    new_server: Any, page: Any, browser: Any
) -> None:
    server = new_server()
    page.goto(server.url + "/image")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse in the fog")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.get_by_label("Title of this session")).to_have_value("A lighthouse in the fog")
    with page.expect_response(
        lambda answer: answer.request.method == "PATCH" and "/api/sessions/" in answer.url
    ):
        page.get_by_label("Prompt", exact=True).fill("a draft that was never sent")
        page.get_by_label("Seed", exact=True).fill("99")
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    other.goto(server.url + "/image")
    expect(other.get_by_label("Title of this session")).to_have_value("A lighthouse in the fog")
    expect(other.get_by_label("Prompt", exact=True)).to_have_value("a draft that was never sent")
    expect(other.locator(".strip .edge").first).to_contain_text("Done")
    elsewhere.close()
    page.reload()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a draft that was never sent")


def test_a_session_of_long_ago_is_found_and_opened(new_server: Callable[..., Any], page: Any) -> None:
    server = new_server()
    for number in range(203):
        server.client.post("/api/sessions", json={"id": f"s{number}", "title": f"Session {number}"})
    server.client.patch("/api/sessions/s0", json={"state": {"draft": {"prompt": "from long ago"}}})
    for number in range(1, 203):  # the first one is the one that was used longest ago
        server.client.patch(f"/api/sessions/s{number}", json={"title": f"Session {number}"})
    page.goto(server.url + "/image")
    page.get_by_role("button", name="Sessions").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("link", name=re.compile("Session 202"))).to_be_visible()
    expect(sheet.get_by_role("link", name=re.compile(r"Session 0\b"))).to_have_count(0)
    sheet.get_by_role("button", name="Older").click()
    sheet.get_by_role("link", name=re.compile(r"Session 0\b")).click()
    expect(page.get_by_label("Title of this session")).to_have_value("Session 0")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("from long ago")
    page.reload()
    expect(page.get_by_label("Title of this session")).to_have_value("Session 0")


def test_the_last_prompts_are_at_hand_on_another_browser_too(
    new_server: Callable[..., Any], page: Any, browser: Any
) -> None:
    server = new_server()
    for number in reversed(range(20)):
        server.client.post("/api/settings/prompts", json={"prompt": f"prompt {number}"})
    page.goto(fresh(server))
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("being written")
    page.get_by_role("heading", name="Begin with").click()
    for _ in range(21):
        page.keyboard.press("[")
    expect(prompt).to_have_value("prompt 19")
    for _ in range(19):
        page.keyboard.press("]")
    expect(prompt).to_have_value("prompt 0")
    page.keyboard.press("]")
    expect(prompt).to_have_value("being written")
    with page.expect_response(lambda answer: answer.url.endswith("/api/settings/prompts")):
        prompt.press("Enter")
    kept = server.client.get("/api/settings/prompts").json()["prompts"]
    assert kept == ["being written", *(f"prompt {number}" for number in range(19))]
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    other.goto(fresh(server))
    other.get_by_role("button", name="Older prompt").click()
    expect(other.get_by_label("Prompt", exact=True)).to_have_value("being written")
    elsewhere.close()


def test_a_frame_is_enlarged_and_goes_to_video(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    page.get_by_label("Prompt", exact=True).fill("grows")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.locator(".strip .edge").first).to_contain_text("Done")
    page.get_by_role("button", name="More for this frame").click()
    page.get_by_role("menuitem", name="Upscale with Fake upscale").click()
    expect(page.get_by_test_id("stage")).to_contain_text("128 × 128")
    expect(
        page.get_by_role("region", name="Contact sheet of this session").get_by_role("listitem")
    ).to_have_count(2)
    page.get_by_role("button", name="More for this frame").click()
    page.get_by_role("menuitem", name="To video").click()
    expect(page).to_have_url(re.compile("/video"))
    expect(page.get_by_role("group", name=re.compile("Start pictures"))).to_contain_text("1 of")


def test_videos_play_under_the_pointer_and_two_pictures_are_compared_by_a_line(
    server: Any, page: Any
) -> None:
    server.finished(server.submit(prompt="moving", kind="video", model="fake:video", session_id="hovered"))
    page.goto(server.url + "/assets?session=hovered&tab=video")
    cell = page.locator("li[data-index='0']")
    moving = cell.locator("img[src$='/preview']")
    expect(moving).to_have_count(0)
    cell.hover()
    expect(moving).to_have_js_property("complete", True)
    assert moving.evaluate("image => image.naturalWidth") > 0
    page.mouse.move(0, 0)
    expect(moving).to_have_count(0)
    two = [server.finished(server.submit(prompt="pair", seed=seed))["images"][0]["id"] for seed in (1, 2)]
    page.goto(server.url + f"/compare?a={two[0]}&b={two[1]}")
    line = page.get_by_role("slider", name="Where the left picture ends")
    right = page.get_by_role("img", name=re.compile("Right"))
    expect(right).to_have_css("clip-path", re.compile("50%"))
    line.press("End")
    expect(right).to_have_css("clip-path", re.compile("100%"))


def test_the_head_tells_machine_and_costs(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    page.get_by_role("button", name=re.compile("This machine")).hover()
    card = page.get_by_role("group", name="This machine")
    expect(card).to_be_visible()
    for fact in ("Devices", "Memory", "Disk", "Python"):
        expect(card).to_contain_text(fact)
    page.get_by_role("button", name=re.compile("today")).hover()
    expect(page.get_by_role("group", name="Spent today")).to_contain_text("Nothing that costs money")


def test_offline_from_the_start_nothing_is_asked_of_others(new_server: Callable[..., Any], page: Any) -> None:
    """The fixture of the page fails on every request that leaves this machine."""
    server = new_server(DIORAMA_OFFLINE="1")
    page.goto(fresh(server))
    page.get_by_label("Prompt", exact=True).fill("without a network")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.locator(".strip .edge").first).to_contain_text("Done")
    for path in ("/video", "/assets", "/models", "/queue", "/logs", "/settings"):
        page.goto(server.url + path)
        expect(page.locator("h1").first).to_be_attached()
        page.wait_for_load_state()
        page.wait_for_timeout(300)
    expect(page.get_by_text("offline by choice").first).to_be_attached()


@pytest.mark.parametrize(
    "text",
    [EVIL, "</title><script>alert(1)</script>", '" autofocus onfocus=alert(1) x="', "javascript:alert(1)"],
)
def test_titles_of_sessions_and_errors_are_text(server: Any, page: Any, text: str) -> None:
    session = server.client.post("/api/sessions", json={"title": text}).json()["id"]
    server.finished(
        server.submit(prompt=text, session_id=session, parameters={"trouble": "error", "text": text})
    )
    page.goto(server.url + f"/image?session={session}")
    expect(page.get_by_label("Title of this session")).to_have_value(text)
    assert text in page.title()
    page.get_by_role("button", name="Sessions").click()
    expect(page.get_by_role("dialog").get_by_role("link", name=text)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search commands").fill(text[:9])
    expect(page.get_by_role("dialog").get_by_role("option").first).to_contain_text(text[:9])
    for path in ("/assets", "/queue", "/logs"):
        page.goto(server.url + path)
        expect(page.locator("h1").first).to_be_attached()
        assert page.locator("main script, main img[src='x'], main [onfocus]").count() == 0


def test_maps_samplers_and_weights_are_offered_where_a_model_reads_them(server: Any, page: Any) -> None:
    """The fake model has none of them, so its answer is given more here; what the page sends is looked at on its way."""
    sent: list[Any] = []

    def richer(route: Any) -> None:
        answer = route.fetch()
        model = answer.json()
        model["operations"]["generate"] |= {
            "control_kinds": ["canny", "depth"], "schedulers": ["euler", "heun"], "lora_kinds": ["sd"], "max_loras": 2,
        }  # fmt: skip
        route.fulfill(response=answer, json=model)

    def watched(route: Any) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data_json)
        route.continue_()

    page.route(re.compile(r"/api/models/fake(:|%3A)image$"), richer)
    page.route("**/api/jobs", watched)
    page.goto(fresh(server))
    page.get_by_text("Control maps").click()
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "white").save(buffer, "PNG")
    page.get_by_label("Map: Depth").set_input_files(
        {"name": "far.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    expect(page.get_by_role("img", name="Depth: far.png")).to_be_visible()
    page.get_by_label("Sampler").select_option("heun")
    page.get_by_role("button", name="Add a LoRA").click()
    page.get_by_label("LoRA 1", exact=True).fill("ink")
    page.get_by_label("Weight", exact=True).fill("9")
    page.get_by_label("Weight", exact=True).press("Enter")
    page.get_by_label("Prompt", exact=True).fill("a map")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.get_by_label("Weight", exact=True)).to_have_value("1.5")
    page.wait_for_timeout(100)
    [request] = sent
    assert (request["scheduler"], request["loras"]) == ("heun", [{"id": "ink", "weight": 1.5}])
    assert list(request["control_images"]) == ["depth"]
    assert request["control_images"]["depth"].startswith("data:image/png;base64,")
