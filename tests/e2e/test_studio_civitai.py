"""The room for Civitai in a real browser: from a search to a picture made with what was fetched."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e import test_civitai_to_picture
from e2e.conftest import SHOTS, expect
from e2e.test_studio_pages import AXE, WIDTHS, violations

sys.path.append(str(Path(__file__).parents[2] / "plugins/civitai/tests"))

from civitai_standin import Site, safetensors
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
weights = test_civitai_to_picture.weights
BIG = safetensors(6_000_000, seed=9)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def room(site: Site, new_server: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a server that knows the stand-in of Civitai and the backend for models on this machine."""

    def make(**environ: str) -> Any:
        return new_server(
            DIORAMA_BACKENDS__CIVITAI__PLUGIN="diorama_civitai:create_backend",
            DIORAMA_BACKENDS__CIVITAI__URL=site.url,
            DIORAMA_BACKENDS__CIVITAI__ALLOW_HOSTS=site.storage,
            DIORAMA_BACKENDS__CIVITAI__RETRY_SECONDS="0.01",
            DIORAMA_BACKENDS__LOCAL__PLUGIN="diorama_local_diffusers:create_backend",
            DIORAMA_DEVICES="cpu",
            **environ,
        )

    return make


def shown(site: Site, name: str, colour: str = "teal", size: tuple[int, int] = (320, 480)) -> dict[str, Any]:
    """A preview that the stand-in has."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    site.pictures[name] = buffer.getvalue()
    address = f"http://{site.storage}/pictures/{name}"
    return {"url": address, "nsfwLevel": 1, "width": size[0], "height": size[1], "type": "image"}


@pytest.mark.torch
@pytest.mark.slow
def test_a_lora_and_a_checkpoint_are_found_fetched_and_used(
    room: Callable[..., Any],
    site: Site,
    page: Any,
    weights: Any,
    tmp_path: Path,
) -> None:
    folder, checkpoint, lora = weights
    models = tmp_path / "models"
    models.mkdir()
    (models / "stable-diffusion-v1-5").symlink_to(folder)  # what completes a checkpoint of one file
    images = {"version": {"images": [shown(site, "harbour.jpeg")]}}
    site.add(1, checkpoint, name="Tiny harbour", file={"name": "tiny.safetensors"}, **images)
    site.add(2, lora, name="Thick paint", type="LORA", file={"name": "thick.safetensors"}, **images)
    server = room(DIORAMA_MODELS_DIRS=str(models))

    page.goto(server.url)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Civitai").click()
    page.get_by_label("Search Civitai").fill("thick")
    expect(page.get_by_role("list", name="Models").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("link", name=re.compile("Thick paint")).click()
    expect(page.get_by_role("button", name="Copy oil painting")).to_be_visible()
    expect(page.get_by_label("Licence")).to_contain_text("has to be given")
    page.get_by_role("button", name=re.compile("^Download")).click()
    expect(page.get_by_text("It is here, as a LoRA")).to_be_visible(timeout=60_000)

    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_role("link", name=re.compile("Tiny harbour")).click()
    page.get_by_role("button", name=re.compile("^Download")).click()
    page.get_by_role("button", name=re.compile("^Use ")).click(timeout=60_000)
    expect(page).to_have_url(re.compile("/image"))
    expect(page.locator("#model-name")).to_have_text("Tiny harbour – v1")
    page.get_by_role("button", name="Add a LoRA").click()
    page.get_by_label("LoRA 1", exact=True).fill("thick-20-200")
    page.get_by_label("Steps", exact=True).fill("2")
    page.get_by_label("Steps", exact=True).press("Tab")
    page.get_by_label("Prompt", exact=True).fill("oil painting of a boat")
    page.get_by_label("Prompt", exact=True).press("Enter")
    expect(page.locator(".strip .edge").first).to_contain_text(re.compile("Done|Failed"), timeout=240_000)
    job = server.client.get("/api/jobs", params={"kind": "generate", "limit": 1}).json()["jobs"][0]
    assert job["status"] == "completed", job["error"]
    made = server.client.get("/api/assets", params={"limit": 1}).json()["assets"][0]
    recipe = server.client.get(f"/api/assets/{made['id']}").json()["recipe"]
    assert recipe["model"] == "local:tiny-10-100"
    assert [item["id"] for item in recipe["loras"]] == ["thick-20-200"]


def test_a_download_shows_its_numbers_pauses_and_goes_on(
    room: Callable[..., Any], site: Site, page: Any
) -> None:
    site.add(1, BIG, name="Large one", version={"images": [shown(site, "a.jpeg")]})
    server = room()
    site.gate.clear()
    page.goto(f"{server.url}/civitai/1")
    page.get_by_role("button", name=re.compile("^Download")).click()
    files = page.get_by_role("region", name="Files")
    expect(files).to_contain_text(re.compile(r"\d+% · .* of 6\.0 MB · .*B/s"))
    files.get_by_role("button", name="Pause").click()
    expect(files).to_contain_text("Paused; what came is kept")
    site.gate.set()
    files.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Search", exact=True).click()
    downloads = page.get_by_role("region", name="Downloads")
    expect(downloads).to_contain_text("Done")
    assert site.headers("storage")[-1].get("range") or len(site.paths("storage")) > 1
    downloads.get_by_role("button", name=re.compile("off the list")).first.click()
    expect(downloads.get_by_text("Done")).to_have_count(0)


def test_pages_follow_filters_stay_in_the_address_and_previews_come_through_us(
    room: Callable[..., Any], site: Site, page: Any
) -> None:
    for number in range(1, 76):
        kind = "LORA" if number % 5 == 0 else "Checkpoint"
        site.add(
            number, b"x" * 100, name=f"Model {number}", type=kind,
            version={"images": [shown(site, "a.jpeg")], "baseModel": "SDXL 1.0" if number > 40 else "SD 1.5"},
        )  # fmt: skip
    server = room()
    page.goto(f"{server.url}/civitai")
    cards = page.get_by_role("list", name="Models").get_by_role("listitem")
    expect(cards.nth(29)).to_be_attached()
    picture = cards.first.locator("img")
    expect(picture).to_have_js_property("naturalWidth", 320)
    assert picture.get_attribute("src").startswith("/api/civitai/preview?")
    for _ in range(6):
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(200)
    expect(cards).to_have_count(75)
    expect(page.get_by_text("That is all.")).to_be_visible()
    page.get_by_role("navigation", name="Kind").get_by_role("link", name="LoRA").click()
    expect(page).to_have_url(re.compile("kind=LoRA"))
    expect(cards).to_have_count(15)
    page.get_by_label("Base model").select_option("SDXL 1.0")
    expect(cards).to_have_count(7)
    page.reload()
    expect(cards).to_have_count(7)
    expect(page.get_by_label("Base model")).to_have_value("SDXL 1.0")
    page.get_by_role("link", name="Clear").click()
    expect(cards).to_have_count(15)
    page.get_by_label("Search Civitai").fill("nothing like it")
    expect(page.get_by_text("Nothing fits these filters.")).to_be_visible()


def test_pickles_are_refused_and_keys_are_asked_for(room: Callable[..., Any], site: Site, page: Any) -> None:
    model = site.add(1, name="Both", version={"images": [shown(site, "a.jpeg")]})
    pickle = {"id": 7, "name": "old.ckpt", "primary": False, "metadata": {"format": "PickleTensor"}}
    version = model["modelVersions"][0]
    version["files"].append({**version["files"][0], **pickle})
    site.needs_key.add(10)
    server = room()
    page.goto(f"{server.url}/civitai/1")
    files = page.get_by_role("region", name="Files")
    expect(files.get_by_text("old.ckpt").first).to_be_visible()
    expect(files).to_contain_text("Refused.")
    expect(files).to_contain_text("is a pickle")
    expect(page.get_by_role("heading", name="About the model")).to_be_visible()
    assert page.locator(".prose script, .prose img").count() == 0
    files.get_by_role("button", name=re.compile("^Download")).click()
    expect(files).to_contain_text("Failed")
    expect(files.get_by_role("link", name="Set the key")).to_have_attribute("href", "/settings")
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.get_by_text("No key is set.")).to_be_visible()


def test_a_site_that_does_not_answer_is_said(room: Callable[..., Any], site: Site, page: Any) -> None:
    server = room()
    site.api_faults = [(503, {}, b"down")] * 20
    page.goto(f"{server.url}/civitai")
    expect(page.get_by_role("alert")).to_contain_text("Civitai")
    site.api_faults = []
    site.add(1, name="Back again")
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("link", name=re.compile("Back again"))).to_be_visible()


def test_both_pages_in_both_themes_at_three_widths(room: Callable[..., Any], site: Site, page: Any) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/ui")
    colours = ["teal", "sienna", "slateblue", "olive", "indianred", "steelblue"]
    for number, colour in enumerate(colours * 2, start=1):
        images = [shown(site, f"{number}-{size[0]}.jpeg", colour, size) for size in ((320, 480), (480, 320))]
        more = {"earlyAccessEndsAt": "2099-01-02T00:00:00Z"} if number == 3 else {}
        site.add(number, BIG, name=f"A style called {colour}", version={"images": images, **more})
    version = site.models[0]["modelVersions"][0]
    pickle = {"id": 7, "name": "old.ckpt", "primary": False, "metadata": {"format": "PickleTensor"}}
    version["files"].append({**version["files"][0], **pickle})
    site.models[0]["modelVersions"].append({**version, "id": 99, "name": "v0.9"})
    server = room()
    site.gate.clear()
    page.goto(f"{server.url}/civitai/1")
    page.get_by_role("button", name=re.compile("^Download")).click()
    expect(page.get_by_role("region", name="Files")).to_contain_text("of 6.0 MB")
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for name, place in {"civitai": "/civitai", "civitai-model": "/civitai/1"}.items():
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.goto(server.url + place)
            expect(page.locator("h1").first).to_be_attached()
            page.wait_for_timeout(900)
            page.evaluate(AXE.read_text(encoding="utf-8"))
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(250)
                found += [f"{name} {theme} {width}: {item}" for item in violations(page)]
                wide = page.evaluate("document.documentElement.scrollWidth")
                if wide > width:
                    found.append(f"{name} {width}: the page is {wide} wide")
                page.screenshot(path=SHOTS / f"studio-{name}-{theme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.locator("#more-pages").get_by_role("link", name="Civitai")).to_be_visible()
    page.wait_for_timeout(200)
    found += violations(page)
    page.screenshot(path=SHOTS / "studio-open-more.png")
    site.gate.set()
    assert not found, "\n" + "\n".join(found)
