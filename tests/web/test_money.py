"""Offers, estimates, caps and costs through the API, in a real server process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from diorama_web.schemas.jobs import JobView
from diorama_web.schemas.models import ModelList
from diorama_web.schemas.money import CostsView, EstimateView, PlanReply

SERVER = """api_keys = []
[spending]
per_job = 0.5
per_day = 2
[backends.cheap]
plugin = "diorama.testing.fake:create"
price = 0.01
remote = true
outage = "rate_limit"
[backends.dear]
plugin = "diorama.testing.fake:create"
price = 0.04
remote = true
"""


@pytest.fixture(scope="module")
def shop(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = type(server)(tmp_path_factory.mktemp("shop"), SERVER)
    yield made
    made.stop()


def test_models_by_family(shop: Any) -> None:
    plain = shop.client.get("/api/models", params={"group": "family", "operation": "generate"}).json()
    families = ModelList.model_validate(plain, strict=False).families
    assert families is not None
    assert [item.family for item in families] == ["fake-image"]
    offers = {offer.id: offer for offer in families[0].offers}
    assert set(offers) == {"fake:image", "cheap:image", "dear:image"}
    assert offers["dear:image"].price is not None
    assert (offers["dear:image"].price.amount, offers["dear:image"].data_leaves_machine) == (0.04, True)
    assert offers["fake:image"].price is None


def test_an_estimate_stores_nothing(shop: Any) -> None:
    body = {"prompt": "a ball", "model": "fake-image", "policy": "quality", "num_images": 2}
    answer = EstimateView.model_validate(shop.client.post("/api/estimate", json=body).json())
    assert (answer.jobs[0].model, answer.totals, answer.refused) == ("dear:image", {"USD": 0.08}, None)
    many = {"jobs": [{"prompt": "a ball", "model": "dear:image", "num_images": 4}] * 20}
    batch = EstimateView.model_validate(shop.client.post("/api/estimate", json=many).json())
    assert batch.totals == {"USD": 3.2}
    assert "spending.per_day" in str(batch.refused)
    assert shop.stored() == (0, 0)


def test_a_dry_run_shows_offer_and_price(shop: Any) -> None:
    body = {"prompt": "a ball", "model": "fake-image", "policy": "cheapest"}
    plan = PlanReply.model_validate(shop.client.post("/api/plan", json=body).json())
    assert plan.model == "fake:image"
    assert "the cheapest of 3 offers, free" in plan.applied["offer"]
    assert plan.estimate.totals == {}
    assert shop.client.post("/api/plan", json=body | {"policy": "best"}).status_code == 422


def test_a_job_with_failover_and_its_cost(shop: Any) -> None:
    shop.client.put("/api/providers/fake", json={"is_enabled": False})
    body = {"model": "fake-image", "policy": "cheapest"}
    assert shop.finished(shop.submit(**body))["status"] == "failed"
    job = shop.finished(shop.submit(**body, failover=True, session_id="s-1"))
    shop.client.put("/api/providers/fake", json={"is_enabled": None})
    view = JobView.model_validate(job)
    assert (view.status, view.model) == ("completed", "dear:image")
    assert view.cost is not None
    assert (view.cost.amount, view.cost.estimated) == (0.04, False)
    assert view.applied["failed_over"][0]["offer"] == "cheap:image"
    costs = CostsView.model_validate(shop.client.get("/api/costs", params={"by": "session"}).json())
    assert [(line.key, line.amount, line.jobs) for line in costs.costs] == [("s-1", 0.04, 1)]
    assert [line.amount for line in costs.today] == [0.04]
    assert costs.caps.per_day == {"USD": 2.0}


def test_a_cap_refuses_with_field_and_remedy(shop: Any) -> None:
    jobs = [{"prompt": "x", "model": "dear:image", "num_images": 4}] * 13
    before = shop.stored()
    answer = shop.client.post("/api/jobs/batch", json={"jobs": jobs})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "spending.per_day"
    assert "raise per_day" in answer.json()["error"]["fix"]
    assert shop.stored() == before


def test_bad_questions_name_their_field(shop: Any) -> None:
    for params, field in (
        ({"by": "hour"}, "by"),
        ({"since": "yesterday"}, "since"),
        ({"until": "1"}, "until"),
    ):
        answer = shop.client.get("/api/costs", params=params)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    answer = shop.client.get("/api/models", params={"group": "price"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "group")
    answer = shop.client.post("/api/estimate", json={"jobs": [{"prompt": "x"}, {"prompt": "x", "width": 0}]})
    assert answer.json()["error"]["field"] == "jobs.1.width"


def test_caps_are_set_in_the_page_and_outlast_a_restart(new_server: Any) -> None:
    shop = new_server(SERVER.replace("per_day = 2", "per_day = 2\nper_session = 1"))
    caps = shop.client.put(
        "/api/settings/spending", json={"per_job": {"USD": 0.03}, "per_session": {}}
    ).json()
    assert caps == {"per_job": {"USD": 0.03}, "per_day": {"USD": 2.0}, "per_session": {}}
    body = {"prompt": "a ball", "model": "dear:image"}
    refused = shop.client.post("/api/jobs", json=body)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "spending.per_job")
    shop.stop()
    shop.start()
    assert shop.client.get("/api/costs").json()["caps"] == caps
    assert shop.client.post("/api/jobs", json=body).status_code == 422
    shop.client.put("/api/settings/spending", json={"per_job": {"USD": 0.05, "credits": 3}})
    assert shop.client.post("/api/jobs", json=body).status_code == 202
    for wrong in ({"per_job": {"usd": 1}}, {"per_day": {"USD": -1}}, {"per_week": {}}, {"per_day": 5}):
        assert shop.client.put("/api/settings/spending", json=wrong).status_code == 422


def test_a_cap_of_a_variable_is_not_changed_in_the_page(new_server: Any) -> None:
    shop = new_server("api_keys = []", DIORAMA_SPENDING__PER_DAY="3")
    refused = shop.client.put("/api/settings/spending", json={"per_day": {}})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "per_day")
    assert shop.client.get("/api/costs").json()["caps"]["per_day"] == {"USD": 3.0}
