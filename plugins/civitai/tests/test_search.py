"""Searching, details, names: against the stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from civitai_jobs import make_backend
from civitai_standin import KEY, Site, safetensors
from diorama.contract import (
    BackendError,
    BackendNotReady,
    InvalidRequest,
    NotFound,
    RateLimited,
    UnknownModel,
)
from diorama_civitai.backend import CivitaiBackend


def test_pages_are_walked_by_cursor_only(backend: CivitaiBackend, site: Site, look: Any) -> None:
    for number in range(1, 8):
        site.add(number)
    first = backend.search({"limit": 3}, look())
    second = backend.search({"limit": 3, "cursor": first["next_cursor"]}, look())
    third = backend.search({"limit": 3, "cursor": second["next_cursor"]}, look())
    ids = [[model["id"] for model in page["models"]] for page in (first, second, third)]
    assert ids == [[1, 2, 3], [4, 5, 6], [7]]
    assert third["next_cursor"] is None
    assert not site.paths("storage"), (
        "the address of the next page leads to another host and must not be followed"
    )


def test_empty_pages_are_read_on_with_a_bound(backend: CivitaiBackend, site: Site, look: Any) -> None:
    for number in range(1, 13):
        site.add(number, type="LORA" if number in (5, 12) else "Checkpoint")
    found = backend.search({"types": ["lora"], "limit": 2}, look())
    assert [model["id"] for model in found["models"]] == [5]
    assert len(site.paths("api")) == 3
    rest = backend.search({"types": ["LORA"], "limit": 1, "cursor": "after|5"}, look())
    assert rest["models"] == []
    assert rest["next_cursor"] == "after|10", "five pages at most, then the caller decides"


def test_filters_are_encoded_and_checked(backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.add(1, version={"baseModel": "Flux.1 D"})
    found = backend.search(
        {"query": "Model & 1?", "base_models": ["Flux.1 D", "SDXL 1.0"], "nsfw": False}, look()
    )
    assert found["models"] == []
    assert "baseModels=Flux.1+D&baseModels=SDXL+1.0" in site.paths("api")[0].replace("%20", "+")
    assert "query=Model+%26+1%3F" in site.paths("api")[0].replace("%20", "+")
    for name, wrong in (("types", ["Lora!"]), ("period", "Decade"), ("limit", 101), ("basemodels", ["x"])):
        with pytest.raises(InvalidRequest) as caught:
            backend.search({name: wrong}, look())
        assert caught.value.field == name


def test_mature_models_only_when_asked_for(backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.add(1)
    site.add(2, nsfw=True, nsfwLevel=28)
    site.add(3, nsfw=True, poi=True)
    site.add(4, minor=True)
    assert [model["id"] for model in backend.search({}, look())["models"]] == [1, 4]
    assert [model["id"] for model in backend.search({"nsfw": True}, look())["models"]] == [1, 2]
    assert len(backend.model(1, look())["versions"][0]["images"]) == 2
    assert len(backend.model(1, look(), nsfw=True)["versions"][0]["images"]) == 3


def test_details_are_clean_and_complete(backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.add(1, version={"baseModel": "Illustrious"})
    model = backend.model(1, look())
    assert model["description"] == "<p>Paints <b>thickly</b>.</p>"
    version = model["versions"][0]
    assert (version["family"], version["kind"]) == ("sdxl", "sdxl")
    assert version["trigger_words"] == ["oil painting", "thick paint"]
    assert version["recommended"] == {
        "num_inference_steps": 30, "guidance_scale": 5.0, "sampler": "Euler a", "width": 512, "height": 768,
        "clip_skip": 2,
    }  # fmt: skip
    assert version["download_file_id"] == 100
    assert model["license"] == {
        "credit_required": True, "commercial_use": ["Image", "RentCivit"], "derivatives": True,
        "different_license": False, "sell_images": True,
    }  # fmt: skip
    assert backend.version(10, look())["model_name"] == "Model 1"


@pytest.mark.parametrize(
    "broken",
    [
        {"modelVersions": None, "creator": None, "stats": [], "tags": "x", "description": None},
        {
            "modelVersions": [
                {},
                7,
                None,
                {"id": "12", "files": [{}], "images": [{}], "trainedWords": [None, 3]},
            ]
        },
        {
            "modelVersions": [{"id": 10, "files": [{"sizeKB": "big", "hashes": None, "metadata": 4}]}],
            "mode": "Archived",
        },
        {"allowCommercialUse": ["None"], "nsfwLevel": "high", "name": 5},
    ],
)
def test_any_field_may_be_missing(
    backend: CivitaiBackend, site: Site, look: Any, broken: dict[str, Any]
) -> None:
    site.add(1, **broken)
    model = backend.model(1, look())
    json.dumps(model)
    assert model["id"] == 1
    assert all(
        version["download_problem"] for version in model["versions"] if version["download_file_id"] is None
    )
    assert backend.search({}, look())["models"][0]["id"] == 1


def test_a_hash_finds_its_version(backend: CivitaiBackend, site: Site, look: Any) -> None:
    content = safetensors(seed=9)
    model = site.add(3, content)
    digest = model["modelVersions"][0]["files"][0]["hashes"]["SHA256"]
    for wanted in (digest.lower(), digest[:10]):
        assert backend.by_hash(wanted, look())["id"] == 30
    with pytest.raises(NotFound):
        backend.by_hash("0" * 64, look())
    with pytest.raises(InvalidRequest):
        backend.by_hash("../../../etc", look())


@pytest.mark.parametrize(
    ("text", "native"),
    [
        ("30", "30"),
        ("30/300", "30/300"),
        ("https://civitai.com/models/3/model-3?modelVersionId=30", "30"),
        ("https://civitai.red/models/3", "30"),
        ("https://civitai.green/api/download/models/30?fileId=300", "30/300"),
        ("urn:air:sd1:checkpoint:civitai:3@30", "30"),
        ("urn:air:sd1:checkpoint:civitai:3@30+300", "30/300"),
    ],
)
def test_names(backend: CivitaiBackend, site: Site, look: Any, text: str, native: str) -> None:
    site.add(3)
    assert backend.native_id(text, look()) == native


@pytest.mark.parametrize(
    "text", ["", "paint", "https://example.test/x", "urn:air:sd1:lora:other:3@30", "30/", "-1"]
)
def test_what_names_nothing(backend: CivitaiBackend, look: Any, text: str) -> None:
    with pytest.raises(UnknownModel):
        backend.native_id(text, look())
    if "/" not in text or text.endswith("/"):
        assert backend.describe(text, look()) is None


def test_answers_are_kept_apart_for_each_key(backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.add(1)
    for _ in range(2):
        backend.search({}, look())
        backend.model(1, look())
    assert len(site.paths("api")) == 2
    backend.model(1, look(KEY))
    assert len(site.paths("api")) == 3
    assert site.headers("api")[-1]["authorization"] == f"Bearer {KEY}"
    backend.model(1, look(refresh=True))
    assert len(site.paths("api")) == 4


def test_a_short_pause_is_obeyed_and_a_long_one_reported(
    backend: CivitaiBackend, site: Site, look: Any
) -> None:
    site.add(1)
    site.api_faults = [(429, {"Retry-After": "0"}, b"{}"), (503, {}, b"<html>"), (502, {}, b"")]
    assert backend.model(1, look())["id"] == 1
    site.api_faults = [(429, {"Retry-After": "3600"}, b"{}")]
    with pytest.raises(RateLimited) as caught:
        backend.search({}, look())
    assert caught.value.retry_after == 3600
    site.api_faults = [(500, {}, b"")] * 4
    with pytest.raises(BackendError):
        backend.search({}, look())


def test_refusals_say_what_helps(backend: CivitaiBackend, site: Site, look: Any) -> None:
    with pytest.raises(NotFound):
        backend.model(77, look())
    with pytest.raises(BackendNotReady, match="refuses the key") as caught:
        backend.model(77, look("wrong-key"))
    assert "wrong-key" not in str(caught.value.describe())
    site.api_faults = [(200, {"Content-Type": "text/html"}, b"<html>a captive portal</html>")]
    with pytest.raises(BackendError, match="JSON"):
        backend.model(78, look())
    with pytest.raises(BackendNotReady, match="offline"):
        backend.search({}, look(offline=True))


def test_the_key_stays_with_civitai(backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.content[1] = b"{}"
    site.valid.add("s0")
    site.api_faults = [(302, {"Location": f"http://{site.storage}/bucket/1?X-Amz-Signature=s0"}, b"")]
    backend.model(1, look(KEY))
    assert "authorization" in site.headers("api")[0]
    assert "authorization" not in site.headers("storage")[0]


def test_check_says_who_the_key_is(backend: CivitaiBackend, site: Site, look: Any) -> None:
    assert "somebody" in backend.check(look(KEY))
    assert "no key" in backend.check(look())
    with pytest.raises(BackendNotReady):
        backend.check(look("wrong-key"))


def test_a_site_that_is_down_is_a_clear_error(tmp_path: Path, look: Any) -> None:
    with Site() as site:
        backend = make_backend(site, tmp_path)
    with pytest.raises(BackendError, match="cannot be reached"):
        backend.search({}, look())
    backend.close()


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://x"}, {"url": "civitai.com"}, {"allow_hosts": 4}, {"retry_seconds": "x"}]
)
def test_wrong_settings_name_themselves(site: Site, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        make_backend(site, tmp_path, **wrong)
    assert caught.value.field in wrong
