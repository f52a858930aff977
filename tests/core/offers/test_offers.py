"""Which offer a family name becomes, by which policy, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from diorama.contract import (
    Availability,
    AvailabilityState,
    BackendNotReady,
    InvalidRequest,
    LoraRef,
    Operation,
)
from diorama.offers import group

OFFERS: dict[str, dict[str, Any]] = {
    "middle": {"price": 0.03, "remote": True},
    "cheap": {"price": 0.01, "remote": True},
    "dear": {"price": 0.09, "remote": True},
    "credits": {"price": 0.001, "currency": "credits", "remote": True},
    "here": {"price": 0.05},
}


def test_offers_are_grouped_by_family(make_engine: Any) -> None:
    engine = make_engine(OFFERS)
    families = {family.family: family for family in group(engine.catalog.models(), {"cheap:image": 1.5})}
    assert set(families) == {"fake-image", "fake-edit", "fake-video", "fake-upscale"}
    offers = {offer.model.id: offer for offer in families["fake-image"].offers}
    assert set(offers) == {f"{name}:image" for name in OFFERS}
    assert offers["cheap:image"].median_seconds == 1.5
    assert offers["dear:image"].median_seconds is None
    assert families["fake-image"].offers[0].model.id == "here:image", "what stays here first"


@pytest.mark.parametrize(
    ("policy", "chosen", "words"),
    [
        ("cheapest", "cheap:image", "the cheapest of 5 offers, 0.01 USD"),
        ("quality", "dear:image", "changes least (0 values)"),
        ("local-only", "here:image", "runs on this machine"),
        ("", "here:image", "the first of 5 offers"),
    ],
)
def test_a_policy_picks_one_and_says_why(
    make_engine: Any, ask: Any, policy: str, chosen: str, words: str
) -> None:
    plan = make_engine(OFFERS).plan(ask(policy=policy))
    assert plan.model.id == chosen
    assert plan.applied["offer"].startswith(f"{chosen}: ")
    assert words in plan.applied["offer"]
    assert plan.applied.get("policy", "") == policy


def test_the_price_of_the_whole_request_counts(make_engine: Any, ask: Any) -> None:
    offers = {"each": {"price": 0.03, "remote": True}, "whole": {"price": 0.1, "per": "job", "remote": True}}
    engine = make_engine(offers)
    assert engine.plan(ask(policy="cheapest")).model.id == "each:image"
    assert engine.plan(ask(policy="cheapest", num_images=4)).model.id == "whole:image"


def test_the_fastest_is_the_one_that_was_measured_faster(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"slow": {"remote": True}, "quick": {"remote": True}, "never": {"remote": True}})
    unmeasured = engine.plan(ask(policy="fastest"))
    assert "measured" in unmeasured.applied["offer"]
    for model, delay in (("slow:image", 0.5), ("quick:image", 0.0)):
        engine.wait(engine.submit(ask(model=model, parameters={"delay": delay})).id, 30)
    plan = engine.plan(ask(policy="fastest"))
    assert plan.model.id == "quick:image"
    assert "the fastest of 3 offers, about" in plan.applied["offer"]


def test_quality_prefers_the_offer_that_keeps_the_request(make_engine: Any, ask: Any) -> None:
    """The dearer one has no steps to choose, so it would ignore them."""
    from dataclasses import replace

    from diorama.contract import Operation

    engine = make_engine({"exact": {"price": 0.01, "remote": True}, "rough": {"price": 0.5, "remote": True}})
    engine.catalog.models()
    listing = engine.catalog._listings["rough"]
    image = next(model for model in listing.models if model.native_id == "image")
    can = replace(image.operations[Operation.GENERATE], num_inference_steps=None)
    changed = replace(image, operations={Operation.GENERATE: can})
    engine.catalog._listings["rough"] = replace(listing, models=(changed,))
    engine.catalog._rebuild()
    assert engine.plan(ask(policy="quality", num_inference_steps=7)).model.id == "exact:image"
    assert engine.plan(ask(policy="quality")).model.id == "rough:image"


def test_offers_that_are_not_ready_do_not_take_part(make_engine: Any, ask: Any) -> None:
    engine = make_engine(
        {
            "locked": {"price": 0.01, "needs_key": True, "remote": True},
            "open": {"price": 0.02, "remote": True},
        }
    )
    assert engine.plan(ask(policy="cheapest")).model.id == "open:image"
    engine = make_engine({name: {"needs_key": True, "remote": True} for name in ("one", "two")})
    with pytest.raises(BackendNotReady) as caught:
        engine.plan(ask(policy="cheapest"))
    assert "diorama keys set one" in caught.value.fix
    assert "diorama keys set two" in caught.value.fix


def test_local_only_never_lets_data_leave(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"far": {"remote": True}, "further": {"remote": True}})
    with pytest.raises(BackendNotReady, match="on this machine") as caught:
        engine.submit(ask(policy="local-only"))
    assert caught.value.field == "policy"
    assert engine.jobs().items == ()


def test_bad_values_name_their_field(make_engine: Any, ask: Any) -> None:
    engine = make_engine(OFFERS)
    with pytest.raises(InvalidRequest, match="best") as caught:
        engine.plan(ask(policy="best"))
    assert caught.value.field == "policy"
    with pytest.raises(InvalidRequest) as caught:
        engine.plan(ask(policy="cheapest", prompt=""))
    assert caught.value.field == "prompt"


def test_a_full_id_leaves_nothing_to_choose_and_that_is_said(make_engine: Any, ask: Any) -> None:
    engine = make_engine(OFFERS)
    plan = engine.plan(ask(model="dear:image", policy="cheapest", failover=True))
    assert plan.model.id == "dear:image"
    assert [(note.field, note.before) for note in plan.ignored] == [
        ("policy", "cheapest"),
        ("failover", True),
    ]
    with pytest.raises(InvalidRequest) as caught:
        engine.plan(ask(model="dear:image", policy="cheapest", strict=True))
    assert caught.value.field == "policy"


def test_the_users_prices_decide(make_engine: Any, ask: Any, tmp_path: Any) -> None:
    prices = tmp_path / "home" / "config" / "prices.toml"
    prices.parent.mkdir(parents=True)
    prices.write_text('"dear:image" = 0.001\ncheap = { amount = 2, currency = "USD", per = "job" }\n')
    engine = make_engine(OFFERS)
    assert engine.catalog.get("dear:image").price.amount == 0.001
    assert engine.catalog.get("cheap:video").price.per == "job"
    assert engine.catalog.get("middle:image").price.amount == 0.03
    assert engine.plan(ask(policy="cheapest")).model.id == "dear:image"
    prices.write_text("")
    engine.catalog.refresh()
    assert engine.plan(ask(policy="cheapest")).model.id == "cheap:image"
    prices.write_text('"dear:image" = "a lot"\n')
    with pytest.raises(InvalidRequest) as caught:
        engine.catalog.refresh()
    assert caught.value.field == "prices.dear:image"


def test_an_offer_that_would_ignore_a_lora_takes_part_only_when_all_would(
    make_engine: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine({"cheap": {"price": 0.01, "remote": True}, "dear": {"price": 0.09, "remote": True}})
    wish = ask(policy="cheapest", loras=(LoraRef(id="https://files.example/kite.safetensors"),))
    assert engine.plan(wish).model.id == "cheap:image"
    offers = list(engine.catalog.offers("fake-image"))
    dear = next(model for model in offers if model.id == "dear:image")
    can = replace(dear.operations[Operation.GENERATE], lora_kinds=("flux",), lora_sources=("https",))
    able = replace(dear, operations={**dear.operations, Operation.GENERATE: can})
    changed = [able if model is dear else model for model in offers]
    monkeypatch.setattr(engine.catalog, "offers", lambda name: changed)
    plan = engine.plan(wish)
    assert (plan.model.id, plan.ignored) == ("dear:image", ())
    assert engine.plan(ask(policy="cheapest")).model.id == "cheap:image"


@pytest.mark.parametrize("policy", ["cheapest", "fastest", "quality", ""])
def test_an_offer_that_must_be_downloaded_first_comes_after_those_that_can_begin(
    make_engine: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    engine = make_engine({"here": {}, "far": {"price": 0.5, "remote": True}})
    offers = list(engine.catalog.offers("fake-image"))
    absent = Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix="Fetch it.")
    changed = [
        replace(model, availability=absent, downloadable=True) if model.id == "here:image" else model
        for model in offers
    ]
    monkeypatch.setattr(engine.catalog, "offers", lambda name: changed)
    assert engine.plan(ask(policy=policy)).model.id == "far:image"
    plan = engine.plan(ask(policy="local-only"))
    assert plan.model.id == "here:image"
    assert "downloaded first" in plan.applied["offer"]
