"""The studio's library, queue, models and settings in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from e2e.conftest import expect, fresh

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]


@pytest.fixture(scope="module")
def made(server: Any) -> list[str]:
    """Ids of six pictures, oldest first."""
    ids = []
    for number in range(6):
        job = server.finished(
            server.submit(prompt=f"library piece {number}", session_id="library", seed=100 + number)
        )
        ids.append(job["images"][0]["id"])
    return ids


def test_filters_live_in_the_address(server: Any, page: Any, made: list[str]) -> None:
    page.goto(server.url + "/assets?session=library")
    expect(page.locator("li[data-index]")).to_have_count(6)
    page.get_by_label("Search prompts").fill("piece 3")
    expect(page).to_have_url(re.compile(r"q=piece"))
    expect(page.locator("li[data-index]")).to_have_count(1)
    page.reload()
    expect(page.locator("li[data-index]")).to_have_count(1)
    page.goto(server.url + "/assets?seed=104")
    expect(page.locator("li[data-index] .number")).to_have_text("104")


def test_last_weeks_frames_are_two_choices_away(server: Any, page: Any, made: list[str]) -> None:
    page.goto(server.url + "/assets?session=library")
    expect(page.locator("li[data-index]")).to_have_count(6)
    page.get_by_label("When").select_option("Last week")
    expect(page.get_by_text("Nothing fits these filters.")).to_be_visible()
    assert re.search(r"since=\d{4}-\d\d-\d\d&until=\d{4}-\d\d-\d\d", page.url)
    page.reload()
    expect(page.get_by_label("When")).to_have_value("Last week")
    page.get_by_label("When").select_option("Last 30 days")
    expect(page.locator("li[data-index]")).to_have_count(6)
    page.get_by_label("When").select_option("Any time")
    assert "since" not in page.url


def test_marked_frames_go_to_the_trash_and_come_back(server: Any, page: Any, made: list[str]) -> None:
    page.goto(server.url + "/assets?session=library")
    expect(page.locator("li[data-index]")).to_have_count(6)
    page.get_by_role("button", name="Select frame 105").click(force=True)
    page.get_by_role("button", name="Select frame 103").click(modifiers=["Shift"], force=True)
    expect(page.get_by_role("toolbar")).to_contain_text("3 marked")
    page.get_by_role("button", name="To the trash").click()
    expect(page.locator("li[data-index]")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("li[data-index]")).to_have_count(6)


def test_two_frames_are_compared_and_packed(server: Any, page: Any, made: list[str]) -> None:
    page.goto(server.url + "/assets?session=library")
    page.get_by_role("button", name="Select frame 101").click(force=True)
    page.get_by_role("button", name="Select frame 102").click(force=True)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export zip").click()
    assert waiting.value.suggested_filename == "diorama-assets.zip"
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("slider", name="Where the left picture ends")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("seed"))).to_contain_text("101")


def test_arrow_keys_walk_and_a_deep_link_opens(server: Any, page: Any, made: list[str]) -> None:
    page.goto(server.url + "/assets?session=library")
    page.locator("li[data-index='0'] a").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("li[data-index='1'] a")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("toolbar")).to_contain_text("1 marked")
    page.get_by_role("button", name="Unmark").click()
    page.locator("li[data-index='1'] a").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(made[4]))
    expect(page.get_by_role("button", name="Favourite")).to_be_enabled()
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(made[3]))
    page.goto(server.url + f"/asset/{made[0]}")
    expect(page.get_by_text("library piece 0", exact=True).last).to_be_visible()
    page.get_by_role("button", name="Reuse").click()
    page.get_by_role("menuitem", name="All settings").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("library piece 0")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("100")


def test_the_queue_is_paused_reordered_and_goes_on(new_server: Callable[..., Any], page: Any) -> None:
    server = new_server()
    server.client.post("/api/queue/pause")
    for name in ("first", "second", "third"):
        server.submit(prompt=name)
    page.goto(server.url + "/queue")
    waiting = page.get_by_role("region", name="Waiting").get_by_role("listitem")
    expect(waiting).to_have_count(3)
    expect(waiting.first).to_contain_text("first")
    waiting.nth(1).get_by_role("button", name="Earlier").click()
    expect(waiting.first).to_contain_text("second")
    waiting.nth(2).get_by_role("button", name="Cancel").click()
    expect(waiting).to_have_count(2)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    expect(page.get_by_role("region", name="Finished").get_by_role("listitem")).to_have_count(3)


def test_models_are_found_and_used(server: Any, page: Any) -> None:
    page.goto(server.url + "/models")
    page.get_by_label("Search models").fill("edit")
    page.get_by_role("link", name=re.compile("Fake edit")).click()
    expect(page).to_have_url(re.compile("/model/fake"))
    page.get_by_role("link", name="Use it").click()
    expect(page.get_by_role("button", name="Fake edit")).to_be_visible()


def test_the_theme_is_kept_across_a_reload_and_on_another_browser(
    new_server: Callable[..., Any], page: Any, browser: Any
) -> None:
    server = new_server()
    page.goto(server.url + "/settings")
    page.get_by_role("button", name="Light", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.get_by_role("button", name="Light", exact=True)).to_have_attribute("aria-pressed", "true")
    elsewhere = browser.new_context(color_scheme="dark")
    other = elsewhere.new_page()
    other.goto(server.url + "/image")
    expect(other.locator("html")).to_have_attribute("data-theme", "light")
    elsewhere.close()


def test_sessions_are_renamed_put_away_and_restored(server: Any, page: Any) -> None:
    page.goto(fresh(server))
    page.get_by_label("Prompt", exact=True).fill("a session to rename")
    page.get_by_label("Prompt", exact=True).press("Enter")
    title = page.get_by_label("Title of this session")
    title.fill("Renamed here")
    title.press("Enter")
    page.get_by_role("button", name="Sessions").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("link", name=re.compile("Renamed here"))).to_be_visible()
    sheet.get_by_role("button", name="Delete Renamed here").click()
    expect(sheet.get_by_role("link", name=re.compile("Renamed here"))).to_have_count(0)
    sheet.get_by_label("Deleted").check()
    sheet.get_by_role("listitem").filter(has_text="Renamed here").get_by_role(
        "button", name="Restore"
    ).click()
    expect(sheet.get_by_text("Renamed here")).to_have_count(0)


def test_a_key_is_asked_for_once(locked: Any, page: Any) -> None:
    page.goto(locked.url)
    page.get_by_label("Key", exact=True).fill("first-key")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Fake image")).to_be_visible()


def test_an_empty_library_shows_how_to_begin(new_server: Callable[..., Any], page: Any) -> None:
    page.goto(new_server().url + "/assets")
    page.get_by_role("link", name="a green tree in the snow").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a green tree in the snow")


def test_what_it_cost_is_said_with_the_picture(server: Any, page: Any, made: list[str]) -> None:
    page.goto(server.url + "/image?session=library")
    expect(page.locator(".strip .edge").first).to_contain_text("no charge")
    page.goto(server.url + f"/asset/{made[0]}")
    expect(page.get_by_role("region", name="Recipe")).to_contain_text("no charge")


def test_a_phone_makes_a_picture(server: Any, page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(fresh(server))
    page.get_by_label("Prompt", exact=True).fill("small")
    page.get_by_role("button", name="Make the picture").click()
    expect(page.locator(".strip .edge").first).to_contain_text("Done")
    expect(page.locator(".strip .picture").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
