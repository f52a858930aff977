"""The studio's log and settings in a real browser: requests, costs and caps, providers, limits, storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from e2e.conftest import expect, shoot
from web.served import Server

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]
PROVIDERS = """api_keys = []
[backends.acme]
plugin = "diorama.testing.fake:create"
needs_key = true
price = 0.04
remote = true
api_url = "http://127.0.0.1:9"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("shop"), PROVIDERS)
    yield made
    made.stop()


def section(page: Any, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


def test_a_key_goes_in_and_the_provider_is_found_tested_and_switched_off(shop: Server, page: Any) -> None:
    page.goto(shop.url + "/settings")
    acme = section(page, "Fake").filter(has=page.get_by_label("api key"))
    expect(acme).to_contain_text("0 ready")
    acme.get_by_label("api key").fill("canary-0123456789abcdef")
    acme.get_by_role("button", name="Keep").click()
    expect(acme.get_by_role("status")).to_contain_text("Kept")
    expect(acme.get_by_label("api key")).to_have_attribute("placeholder", "set, ends in cdef")
    expect(acme.get_by_label("api key")).to_have_value("")
    acme.get_by_role("button", name="Discover models").click()
    expect(acme.get_by_role("status")).to_have_text("4 models found, 4 ready.")
    acme.get_by_role("button", name="Test").click()
    expect(acme.get_by_role("status")).to_contain_text("does not answer")
    shoot(page, "studio-settings-providers")
    acme.get_by_label("Address").fill("http://127.0.0.1:10/v1")
    acme.get_by_role("button", name="Keep").click()
    expect(acme.get_by_role("status")).to_contain_text("sent to another server")
    acme.get_by_label("In use").click()
    expect(page.get_by_label("api key")).to_have_count(0)
    expect(section(page, "Providers and keys")).to_contain_text("off")
    assert "acme:image" not in str(shop.client.get("/api/models").json())
    page.get_by_label("In use").click()
    expect(page.get_by_label("api key")).to_be_visible()
    assert "canary" not in page.content()


def test_caps_are_set_and_costs_are_told_by_day_model_and_session(shop: Server, page: Any) -> None:
    shop.client.put("/api/providers/acme", json={"api_key": "some-key-0123456789"})
    shop.client.post("/api/providers/acme/discover")
    shop.client.post("/api/sessions", json={"id": "paid", "title": "A paid session"})
    shop.finished(shop.submit(model="acme:image", session_id="paid", num_images=2))
    page.goto(shop.url + "/settings#costs")
    costs = section(page, "Costs")
    expect(costs.get_by_role("row")).to_have_count(2)
    costs.get_by_role("button", name="By model").click()
    expect(costs.get_by_role("row", name=re.compile("acme:image"))).to_contain_text("$0.08")
    costs.get_by_role("button", name="By session").click()
    expect(costs.get_by_role("link", name="A paid session")).to_be_visible()
    costs.get_by_label("One job at most, USD").fill("0.05")
    costs.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("The caps hold from the next job on.")).to_be_visible()
    assert shop.client.get("/api/costs").json()["caps"]["per_job"] == {"USD": 0.05}
    page.goto(shop.url + "/image?session=capped&model=acme:image")
    page.get_by_role("button", name="4 pictures").click()
    expect(page.get_by_text(re.compile("the cap spending.per_job is 0.05"))).to_be_visible()
    expect(page.get_by_role("group", name="Estimate")).to_contain_text("about $0.16")
    shop.client.put("/api/settings/spending", json={"per_job": {}})


def test_the_log_is_filtered_read_deleted_and_cleared(new_server: Callable[..., Server], page: Any) -> None:
    server = new_server()
    server.finished(server.submit(prompt="<img src=x onerror=alert(1)>", seed=7, parameters={"text": "kept"}))
    server.finished(server.submit(prompt="refused", parameters={"trouble": "refuse"}))
    server.finished(server.submit(prompt="a clip", kind="video", model="fake:video"))
    page.goto(server.url + "/logs")
    rows = page.get_by_role("list", name="Requests, newest first").locator("> li")
    expect(rows).to_have_count(3)
    rows.nth(2).get_by_role("button", expanded=False).click()
    sent = rows.nth(2).get_by_role("region", name="As it was sent")
    expect(sent).to_contain_text('{"text":"kept"}')
    expect(rows.nth(2).get_by_role("link", name=re.compile("img src=x"))).to_be_visible()
    assert page.locator("#main img[src='x']").count() == 0
    page.get_by_label("Status").select_option("Failed")
    expect(page).to_have_url(re.compile("status=failed"))
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Word it differently.")
    page.reload()
    expect(rows).to_have_count(1)
    rows.first.get_by_role("button", name="Delete this entry").click()
    expect(page.get_by_text("Nothing fits these filters.")).to_be_visible()
    page.get_by_label("Status").select_option("Any status")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Clear", exact=True).click()
    sheet = page.get_by_role("dialog", name="Clear the log")
    expect(sheet.get_by_role("button", name="Keep")).to_be_focused()
    sheet.get_by_role("button", name="Forget all requests").click()
    expect(page.get_by_text("No request yet.")).to_be_visible()
    assert server.client.get("/api/assets/count").json()["number"] == 2
    assert server.stored()[0] == 0


def test_a_refused_request_says_in_the_log_what_was_wrong(new_server: Callable[..., Any], page: Any) -> None:
    server = new_server()
    server.finished(server.submit(prompt="a good one"))
    assert server.client.post("/api/jobs", json={"prompt": "too wide", "width": -1}).status_code == 422
    page.goto(server.url + "/logs")
    rows = page.get_by_role("list", name="Requests, newest first").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Refused")
    expect(rows.first).to_contain_text("width: the number is too small. Use a value of 1 or more.")
    rows.first.get_by_role("button", expanded=False).click()
    expect(rows.first.get_by_role("region", name="As it was sent")).to_contain_text("-1")
    expect(rows.first.get_by_role("link", name="Its job")).to_have_count(0)
    page.get_by_label("Status").select_option("refused")
    expect(page).to_have_url(re.compile("status=refused"))
    expect(rows).to_have_count(1)
    rows.first.get_by_role("button", name="Delete this entry").click()
    expect(page.get_by_text("Nothing fits these filters.")).to_be_visible()


def test_limits_of_the_log_and_storage(new_server: Callable[..., Server], page: Any) -> None:
    server = new_server()
    for number in range(3):
        server.finished(server.submit(prompt=f"number {number}"))
    page.goto(server.url + "/settings#log")
    expect(section(page, "Storage")).to_contain_text("3 files")
    field = section(page, "History").get_by_label("Requests in the log")
    field.fill("1")
    field.press("Enter")
    expect(field).to_have_value("1")
    page.get_by_role("link", name="to the log").click()
    expect(page.get_by_role("list", name="Requests, newest first").locator("> li")).to_have_count(1)
