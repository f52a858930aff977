"""Sound in a real browser: made by a workflow, heard without a mouse, found in the library, taken into another workflow."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import SHOTS, expect
from e2e.test_studio_pages import AXE, violations

sys.path.append(str(Path(__file__).parents[2] / "plugins/comfyui/tests"))

from comfyui_standin import StandIn
from comfyui_workflows import IMAGE_TO_VIDEO, SOUND_TO_SOUND, TEXT_TO_SOUND
from diorama.testing.samples import sample_image, sample_sound

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
LIPS: dict[str, Any] = {
    **IMAGE_TO_VIDEO,
    "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 8.0, "audio": ["5", 0]}},
    "5": {"class_type": "LoadAudio", "inputs": {"audio": "voice.wav"}},
}
DATA = Path(__file__).parents[2] / "plugins/comfyui/tests/data"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with gzip.open(DATA / "object_info-0.33.0.json.gz") as file:
        raw = dict(json.load(file))
    with StandIn(raw, tmp_path_factory.mktemp("comfyui")) as standin:
        yield standin


@pytest.fixture
def site(comfy: StandIn, new_server: Callable[..., Any]) -> Any:
    made = new_server(f'[backends.comfyui]\nplugin = "diorama_comfyui:create_backend"\nurl = "{comfy.url}"')
    for workflow, title in ((TEXT_TO_SOUND, "Song"), (SOUND_TO_SOUND, "Quiet"), (LIPS, "Lips")):
        answer = made.client.post("/api/comfyui/workflows", json={"workflow": workflow, "title": title})
        assert answer.status_code == 201, answer.text
    return made


def clean(page: Any, name: str) -> None:
    """Nothing for axe to find, in either theme; screenshots of both."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/ui")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
        page.screenshot(path=SHOTS / f"studio-{name}-{scheme}.png")


def test_a_song_is_made_heard_found_and_turned_down(site: Any, page: Any, tmp_path: Path) -> None:
    page.goto(f"{site.url}/workflows/song")
    expect(page.get_by_text("Text to sound")).to_be_visible()
    form = page.get_by_role("form")
    expect(form.get_by_label("wide")).to_have_count(0)
    form.get_by_label("Prompt", exact=True).fill("a slow drum")
    form.get_by_label("Seed", exact=True).fill("12")
    form.get_by_role("button", name="Run it").click()
    player = page.get_by_label("a slow drum", exact=True).and_(page.locator("audio"))
    expect(player).to_have_js_property("readyState", 4)
    expect(player).to_have_js_property("paused", True)  # nobody is startled
    assert player.evaluate("sound => sound.duration") == pytest.approx(2, abs=0.1)
    clean(page, "song")
    player.focus()
    page.keyboard.press("Space")
    expect(player).to_have_js_property("paused", False)
    expect(player).to_have_js_property("ended", True)
    expect(page.locator(".strip figure .number")).to_have_text("▸ 12 · 2.0 s · 16 kHz stereo")

    page.get_by_role("link", name="In the library").click()
    expect(page.locator("audio")).to_have_js_property("paused", True)
    expect(page.get_by_role("link", name="Open its workflow")).to_be_visible()
    expect(page.get_by_role("link", name="Use as reference")).to_have_count(0)
    page.get_by_role("button", name="Download").click()
    for name in ("FLAC", "MP3", "Ogg Opus", "WAV", "M4A"):
        expect(page.get_by_role("menuitem", name=name)).to_be_visible()
    page.keyboard.press("Escape")
    clean(page, "sound")

    page.goto(f"{site.url}/assets")
    page.get_by_role("navigation", name="Kind").get_by_role("link", name="Sounds").click()
    expect(page).to_have_url(re.compile("tab=audio"))
    expect(page.locator("li[data-index]")).to_have_count(1)
    frame = page.locator("li[data-index]").first
    expect(frame).to_contain_text("2.0 s")
    waveform = frame.locator("img.relative")
    expect(waveform).to_have_js_property("naturalWidth", 320)
    clean(page, "sounds")

    page.goto(f"{site.url}/workflows/quiet")
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_text("Choose a sound for “Audio”.")).to_be_visible()
    field = page.locator("[data-parameter=audio]")
    field.locator("input[type=file]").set_input_files(sample_sound(tmp_path).path)
    expect(field.locator("audio")).to_have_js_property("readyState", 4)  # it can be heard before it goes in
    field.get_by_role("button", name="Take sample.wav away").click()
    page.get_by_role("button", name="From the library").click()
    page.get_by_role("dialog").get_by_role("button", name="a slow drum").click()
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".strip audio")).to_have_js_property("readyState", 4)
    (quiet, _song) = site.client.get("/api/assets", params={"kind": "audio"}).json()["assets"]
    assert (quiet["mime"], len(quiet["parents"])) == ("audio/mpeg", 1)


def test_models_that_make_sound_are_not_on_the_image_bench(site: Any, page: Any) -> None:
    page.goto(f"{site.url}/image")
    page.get_by_role("button", name=re.compile("^Model")).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Fake image")
    expect(page.get_by_role("dialog")).not_to_contain_text("Song")
    page.goto(f"{site.url}/model/comfyui:song")
    expect(page.get_by_role("heading", name="Text to sound")).to_be_visible()
    expect(page.get_by_role("link", name="Use it")).to_have_attribute("href", "/workflows/song")


def test_a_video_that_needs_a_sound_asks_for_it_on_the_bench(site: Any, page: Any, tmp_path: Path) -> None:
    page.goto(f"{site.url}/video?model=comfyui:lips")
    bench = page.get_by_role("form", name="What to make")
    expect(bench.get_by_text("Sounds that go in")).to_be_visible()
    bench.locator("[data-drop=reference] input").set_input_files(sample_image(tmp_path, size=(64, 64)).path)
    bench.get_by_role("button", name="Make the video").click()
    expect(page.get_by_text("This model takes a sound: add one.").first).to_be_visible()
    bench.locator("[data-drop=sound] input").set_input_files(sample_sound(tmp_path).path)
    expect(bench.locator("audio")).to_have_js_property("readyState", 4)
    clean(page, "sound-in")
    bench.get_by_role("button", name="Make the video").click()
    expect(page.locator(".strip video")).to_have_count(1)
    (video,) = site.client.get("/api/assets", params={"kind": "video"}).json()["assets"]
    recipe = site.client.get(f"/api/assets/{video['id']}").json()["recipe"]
    assert [parent["role"] for parent in recipe["parents"]] == ["image", "sound"]
