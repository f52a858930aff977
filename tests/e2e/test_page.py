"""The first page in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from e2e.conftest import shoot

pytestmark = pytest.mark.browser
SMALL = "/page/index.html"
"""Where the small page is, whether or not the studio was built in."""


def expect(what: Any) -> Any:
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(what)


def test_prompt_enter_watch(server: Any, page: Any) -> None:
    page.goto(server.url + SMALL)
    expect(page.get_by_label("Model")).to_have_value("fake:image")
    shoot(page, "page-empty-dark")
    page.get_by_label("Prompt").fill("a red ball under a yellow sun")
    page.get_by_label("Prompt").press("Enter")
    result = page.locator("#results li")
    expect(result).to_have_count(1)
    expect(result.locator(".seed")).to_have_text(re.compile(r"▸ \d+"))
    image = result.locator("img")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0
    expect(page.locator("#recent li").first).to_contain_text("a red ball under a yellow sun")
    with page.expect_download() as waiting:
        result.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"diorama-\w{26}\.png", waiting.value.suggested_filename)
    shoot(page, "page-result-dark")


def test_progress_is_seen_and_a_job_can_be_cancelled(server: Any, page: Any) -> None:
    page.goto(server.url + SMALL)
    page.route(
        "**/api/jobs",
        lambda route: route.continue_(
            post_data={**route.request.post_data_json, "parameters": {"delay": 20}}
        ),
    )
    page.get_by_label("Prompt").fill("slow")
    page.get_by_role("button", name="Make the picture").click()
    expect(page.locator("#stage")).to_contain_text("step")
    expect(page.locator("#bar")).not_to_have_js_property("value", 0)
    expect(page.get_by_role("button", name="Make the picture")).to_be_disabled()
    shoot(page, "page-progress-dark")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#stage")).to_contain_text(re.compile("cancelled", re.IGNORECASE))
    expect(page.get_by_role("button", name="Make the picture")).to_be_enabled()


def test_a_reload_does_not_lose_the_job(server: Any, page: Any) -> None:
    page.goto(server.url + SMALL)
    page.route(
        "**/api/jobs",
        lambda route: route.continue_(post_data={**route.request.post_data_json, "parameters": {"delay": 2}}),
    )
    page.get_by_label("Prompt").fill("reloaded")
    page.get_by_label("Prompt").press("Enter")
    expect(page.locator("#stage")).to_contain_text("step")
    page.reload()
    expect(page.locator("#results li")).to_have_count(1, timeout=15_000)


def test_errors_say_what_to_do(server: Any, page: Any) -> None:
    page.goto(server.url + SMALL)
    page.get_by_text("Settings").click()
    page.get_by_label("Steps").evaluate("input => { input.value = 5000; input.removeAttribute('max') }")
    page.get_by_label("Prompt").fill("x")
    page.get_by_label("Prompt").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Use a value of 1000 or less")


def test_a_model_without_a_control_shows_none(server: Any, page: Any) -> None:
    page.goto(server.url + SMALL)
    page.get_by_text("Settings").click()
    model = server.client.get("/api/models/fake:image").json()["operations"]["generate"]
    expect(page.get_by_label("Seed")).to_be_visible()
    assert model["negative_prompt"] is page.get_by_label("Not in the picture").is_visible()


def test_reuse_puts_prompt_and_seed_back(server: Any, page: Any) -> None:
    server.client.post("/api/generate", json={"prompt": "once more", "seed": 1234})
    page.goto(server.url + SMALL)
    page.locator("#recent li").first.get_by_role("button", name="Reuse").click()
    expect(page.get_by_label("Prompt")).to_have_value("once more")
    expect(page.get_by_label("Seed")).to_have_value("1234")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        '"><script>alert(1)</script>',
        "javascript:alert(1)",
        "{{7*7}} ${alert(1)}",
        "\u202egnp",
        "</textarea><svg onload=alert(1)>",
    ],
)
def test_prompts_are_text_and_nothing_else(server: Any, page: Any, text: str) -> None:
    server.client.post("/api/generate", json={"prompt": text})
    page.goto(server.url + SMALL)
    expect(page.locator("#recent li").first.locator(".line")).to_have_text(text)
    assert page.locator("#recent script, #recent svg, #recent img[src='x']").count() == 0


def test_a_key_is_asked_for_once(locked: Any, page: Any) -> None:
    page.goto(locked.url + SMALL)
    page.get_by_label("Key", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#key-error")).to_contain_text("not known")
    page.get_by_label("Key", exact=True).fill("first-key")
    page.get_by_label("Key", exact=True).press("Enter")
    expect(page.get_by_label("Model")).to_have_value("fake:image")
    page.get_by_label("Prompt").fill("behind a lock")
    page.get_by_label("Prompt").press("Enter")
    expect(page.locator("#results img")).to_have_js_property("complete", True)
    page.reload()
    expect(page.locator("#recent li")).to_have_count(1)


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (2560, "dark")]
)
def test_every_width_and_theme(server: Any, browser: Any, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(server.url + SMALL)
    expect(page.get_by_label("Model")).to_have_value("fake:image")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, f"page-{width}-{scheme}")
    context.close()


def test_the_api_page_lists_every_route(server: Any, page: Any) -> None:
    page.goto(f"{server.url}/docs")
    routes = page.locator(".route")
    expect(routes.first).to_be_visible()
    document = server.client.get("/openapi.json").json()
    assert routes.count() == sum(len(methods) for methods in document["paths"].values())
    page.locator(".route", has_text="/api/generate").first.click()
    expect(page.locator(".route[open] td code", has_text="prompt").first).to_be_visible()
    shoot(page, "api-page")
