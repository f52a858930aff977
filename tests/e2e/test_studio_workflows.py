"""The room for workflows in a real browser: from a dropped picture to a form, a run with live progress, and the library."""

from __future__ import annotations

import base64
import copy
import gzip
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import SHOTS, expect
from e2e.test_studio_pages import AXE, WIDTHS, violations

sys.path.append(str(Path(__file__).parents[2] / "plugins/comfyui/tests"))

from comfyui_standin import StandIn
from comfyui_workflows import INVERT, TEXT_TO_IMAGE
from PIL import Image, PngImagePlugin

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
DATA = Path(__file__).parents[2] / "plugins/comfyui/tests/data"
DEAD = "http://127.0.0.1:9"
INPAINT: dict[str, Any] = {
    **{key: copy.deepcopy(TEXT_TO_IMAGE[key]) for key in ("4", "6", "7", "3", "8", "9")},
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["4", 2]}},
    "5": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["2", 0], "mask": ["1", 1]}},
}
INPAINT["3"]["inputs"]["latent_image"] = ["5", 0]


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with gzip.open(DATA / "object_info-0.33.0.json.gz") as file:
        raw = dict(json.load(file))
    with StandIn(raw, tmp_path_factory.mktemp("comfyui")) as standin:
        yield standin


@pytest.fixture
def site(comfy: StandIn, new_server: Callable[..., Any]) -> Iterator[Any]:
    """A server with one ComfyUI that works and one that is down."""
    servers = json.dumps([comfy.url, DEAD])
    comfy.engine.cache.clear()
    yield new_server(f'[backends.comfyui]\nplugin = "diorama_comfyui:create_backend"\nservers = {servers}')
    comfy.engine.gate.set()
    comfy.engine.step_seconds = 0.0


def picture(document: Any = None, color: str = "red") -> bytes:
    chunks = PngImagePlugin.PngInfo()
    if document is not None:
        chunks.add_text("prompt", json.dumps(document))
    buffer = io.BytesIO()
    Image.new("RGB", (96, 64), color).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def drop(page: Any, where: str, name: str, kind: str, content: bytes) -> None:
    """Let a file go over a place of the page."""
    transfer = page.evaluate_handle(
        """([name, type, text]) => {
            const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [name, kind, base64.b64encode(content).decode()],
    )
    page.locator(where).first.dispatch_event("drop", {"dataTransfer": transfer})


def imported(site: Any, workflow: Any = TEXT_TO_IMAGE, title: str = "Apple") -> str:
    answer = site.client.post("/api/comfyui/workflows", json={"workflow": workflow, "title": title})
    assert answer.status_code == 201, answer.text
    return f"{site.url}/workflows/{answer.json()['id']}"


def test_a_dropped_picture_becomes_a_form_a_run_and_a_frame_of_the_library(
    site: Any, comfy: StandIn, page: Any
) -> None:
    page.goto(site.url)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Workflows").click()
    expect(page.get_by_text("does not answer")).to_be_visible()
    expect(page.get_by_text("ComfyUI 0.33.0")).to_be_visible()
    drop(page, "label.strip", "red_apple.png", "image/png", picture(TEXT_TO_IMAGE))
    expect(page).to_have_url(re.compile(r"/workflows/red-apple"))
    form = page.get_by_role("form")
    expect(form.get_by_label("Prompt", exact=True)).to_have_value("a red apple")
    expect(form.get_by_label("Negative prompt")).to_have_value("blurry")
    expect(form.get_by_label("Seed", exact=True)).to_be_visible()
    expect(form.get_by_label("wide")).to_have_value("64")
    expect(form.get_by_label("Steps", exact=True)).to_have_value("3")
    expect(form.get_by_label("Guidance", exact=True)).to_have_value("2")
    expect(form.get_by_label("Filename prefix")).to_be_hidden()  # behind "Advanced"

    form.get_by_label("Steps", exact=True).fill("40")
    form.get_by_label("Seed", exact=True).fill("77")
    comfy.engine.step_seconds = 0.06
    form.get_by_label("Prompt", exact=True).fill("a green pear")
    form.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.get_by_test_id("stage")).to_contain_text(re.compile(r"step \d+ of 40"))
    nodes = page.get_by_role("list", name="Nodes")
    expect(nodes).to_contain_text(re.compile(r"KSampler\s*\d+ of 40"))
    preview = page.get_by_test_id("preview")
    expect(preview).to_have_js_property("complete", True)
    assert preview.get_attribute("src").startswith("data:image/")
    page.screenshot(path=SHOTS / "studio-workflow-running.png")
    page.reload()  # a run is not lost from view
    expect(page.get_by_test_id("stage")).to_contain_text("step")
    frame = page.locator(".strip figure img.relative")
    expect(frame).to_have_js_property("complete", True)
    assert frame.evaluate("image => image.naturalWidth") == 64
    expect(page.locator(".strip figure .number")).to_have_text("▸ 77")
    assert comfy.engine.submitted[-1]["prompt"]["6"]["inputs"]["text"] == "a green pear"
    page.keyboard.press("g")
    expect(page.get_by_role("img", name="a green pear")).to_be_visible()


def test_files_that_carry_nothing_say_so(site: Any, page: Any) -> None:
    page.goto(site.url + "/workflows")
    page.locator("input[type=file]").set_input_files(
        {"name": "plain.png", "mimeType": "image/png", "buffer": picture()}
    )
    expect(page.get_by_role("alert")).to_contain_text("plain.png")
    expect(page.get_by_role("alert")).to_contain_text("ComfyUI")
    expect(page).to_have_url(re.compile("/workflows$"))


def test_what_is_missing_is_said_before_anything_runs(site: Any, comfy: StandIn, page: Any) -> None:
    broken = copy.deepcopy(TEXT_TO_IMAGE)
    broken["4"]["inputs"]["ckpt_name"] = "not-here.safetensors"
    page.goto(imported(site, broken))
    expect(page.get_by_label("Missing model files")).to_contain_text("not-here.safetensors")
    run = page.get_by_role("button", name="Run it")
    expect(run).to_be_disabled()
    page.get_by_role("form").locator("select").first.select_option("sd15.safetensors")
    expect(run).to_be_enabled()
    broken["8"]["class_type"] = "WonderfulDecode"
    page.goto(imported(site, broken, "Broken"))
    expect(page.get_by_label("Missing nodes")).to_contain_text("WonderfulDecode")
    expect(page.get_by_role("button", name="Run it")).to_be_disabled()


def test_an_error_stands_at_the_value_it_is_about(site: Any, page: Any) -> None:
    page.goto(imported(site))
    page.get_by_text("Advanced").click()
    field = page.get_by_label("Filename prefix")
    field.fill("../outside")
    page.get_by_role("button", name="Run it").click()
    wrong = page.locator('[data-parameter="filename_prefix"] [role=alert]')
    expect(wrong).to_contain_text("Saving image outside the output folder")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("fine")
    expect(wrong).to_have_count(0)
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".strip figure img.relative")).to_be_visible()


def test_a_picture_has_to_be_given_and_goes_in(site: Any, comfy: StandIn, page: Any) -> None:
    page.goto(imported(site, INVERT, "Negative"))
    page.get_by_role("button", name="Run it").click()
    expect(page.locator('[data-parameter="image"] [role=alert]')).to_contain_text("Choose a picture")
    page.locator('[data-parameter="image"] input[type=file]').set_input_files(
        {"name": "white.png", "mimeType": "image/png", "buffer": picture(color="white")}
    )
    page.get_by_role("button", name="Run it").click()
    frame = page.locator(".strip figure img.relative")
    expect(frame).to_have_js_property("complete", True)
    made = site.client.get("/api/assets", params={"limit": 1}).json()["assets"][0]
    with Image.open(io.BytesIO(site.client.get(made["url"]).content)) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (0, 0, 0)
    page.reload()
    page.get_by_role("button", name="From the library").click()
    page.get_by_role("dialog").locator("button.picture").first.click()
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".strip .edge").first).to_contain_text("Done")


def test_only_what_is_painted_changes(site: Any, page: Any) -> None:
    page.goto(imported(site, INPAINT, "Mend"))
    page.locator('[data-parameter="image"] input[type=file]').set_input_files(
        {"name": "white.png", "mimeType": "image/png", "buffer": picture(color="white")}
    )
    page.get_by_role("button", name="Paint a mask").click()
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Use the mask").click()
    expect(page.get_by_role("img", name="the painted mask")).to_be_visible()
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".strip .edge").first).to_contain_text("Done")
    made = site.client.get("/api/assets", params={"limit": 1}).json()["assets"][0]
    with Image.open(io.BytesIO(site.client.get(made["url"]).content)) as image:
        pixels = image.convert("RGB")
        assert pixels.getpixel((90, 32)) == (255, 255, 255)
        assert pixels.getpixel((8, 32)) != (255, 255, 255)


def test_the_form_is_arranged_and_stays_so(site: Any, page: Any) -> None:
    page.goto(imported(site))
    page.get_by_role("button", name="Arrange the form").click()
    dialog = page.get_by_role("dialog", name="Arrange the form")
    dialog.get_by_label("Name of Prompt").fill("What to paint")
    dialog.get_by_role("group", name="Place of Guidance").get_by_role("button", name="Not shown").click()
    dialog.get_by_role("group", name="Place of Negative prompt").get_by_role(
        "button", name="Advanced"
    ).click()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    page.reload()
    expect(page.get_by_label("What to paint")).to_be_visible()
    expect(page.get_by_label("Guidance", exact=True)).to_have_count(0)
    expect(page.get_by_label("Negative prompt")).to_be_hidden()
    page.get_by_label("What to paint").fill("a plum")
    page.get_by_label("What to paint").press("Enter")
    expect(page.locator(".strip .edge").first).to_contain_text("Done")


def test_escape_cancels_and_the_library_of_workflows_is_kept_in_order(
    site: Any, comfy: StandIn, page: Any
) -> None:
    page.goto(imported(site))
    comfy.engine.gate.clear()
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_role("button", name="Run it once more")).to_be_visible()
    page.get_by_role("heading", level=1).evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Escape")
    expect(page.locator(".strip .edge").first).to_contain_text("Cancelled")
    comfy.engine.gate.set()
    page.get_by_role("link", name="All workflows").click()
    page.get_by_role("button", name="More for Apple").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("New title").fill("Orchard")
    page.get_by_label("New title").press("Enter")
    expect(page.get_by_role("link", name="Orchard", exact=True)).to_be_visible()
    page.evaluate("window.confirm = () => true")
    page.get_by_role("button", name="More for Orchard").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("list", name="Imported workflows")).to_have_count(0)
    page.get_by_role("button", name="Free its memory").click()
    expect(page.get_by_text("ComfyUI was told to free its memory.")).to_be_visible()
    assert comfy.engine.freed


def test_keys_alone_lead_from_the_form_to_the_frame(site: Any, page: Any) -> None:
    address = imported(site)
    page.goto(site.url + "/workflows")
    expect(page.get_by_role("link", name="Open Apple")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Open Apple":
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(address)
    expect(page.get_by_label("Prompt", exact=True)).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("a fig")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="In the library")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "In the library":
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/asset/"))


def test_a_picture_dropped_anywhere_offers_its_workflow(site: Any, page: Any) -> None:
    page.goto(site.url + "/queue")
    expect(page.get_by_role("link", name="Workflows")).to_be_visible()
    drop(page, "h1", "any.png", "image/png", picture(TEXT_TO_IMAGE))
    page.get_by_role("dialog").get_by_role("button", name="Take its workflow").click()
    expect(page).to_have_url(re.compile("/workflows/any"))
    page.goto(site.url + "/queue")
    expect(page.get_by_role("link", name="Workflows")).to_be_visible()  # the frame alone takes no files
    drop(page, "h1", "other.json", "application/json", json.dumps(TEXT_TO_IMAGE).encode())
    expect(page).to_have_url(re.compile("/workflows/other"))


def test_without_comfyui_there_is_no_room_for_it(server: Any, page: Any) -> None:
    page.goto(server.url + "/queue")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Queue")).to_be_visible()
    page.wait_for_timeout(300)
    expect(pages.get_by_role("link", name="Workflows")).to_have_count(0)
    expect(pages.get_by_role("link", name="Civitai")).to_have_count(0)
    page.goto(server.url + "/workflows")
    expect(page.get_by_role("alert").first).to_contain_text("pip install diorama-comfyui")


def test_both_pages_in_both_themes_at_three_widths(site: Any, page: Any) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/ui")
    broken = copy.deepcopy(TEXT_TO_IMAGE)
    broken["8"]["class_type"] = "WonderfulDecode"
    broken["4"]["inputs"]["ckpt_name"] = "not-here.safetensors"
    address, lacking = imported(site), imported(site, broken, "Something is missing")
    page.goto(address)
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".strip .edge").first).to_contain_text("Done")
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    places = {"workflows": site.url + "/workflows", "workflow": address, "workflow-lacking": lacking}
    for name, place in places.items():
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.goto(place)
            expect(page.locator("h1").first).to_be_attached()
            page.wait_for_timeout(500)
            for summary in page.locator("main summary").all():
                summary.click()
            page.evaluate(AXE.read_text(encoding="utf-8"))
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(150)
                found += [f"{name} {theme} {width}: {item}" for item in violations(page)]
                wide = page.evaluate("document.documentElement.scrollWidth")
                if wide > width:
                    found.append(f"{name} {width}: the page is {wide} wide")
                page.screenshot(path=SHOTS / f"studio-{name}-{theme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address)
    page.get_by_role("button", name="Arrange the form").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(300)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.screenshot(path=SHOTS / "studio-open-arrange.png")
    found += violations(page)
    assert not found, "\n" + "\n".join(found)
