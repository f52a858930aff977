"""The Replicate stand-in, driven by the official client."""

# ruff: noqa: PT012 - a broken rule shows when the stand-in is left

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest

from standins import ReplicateStandin, Script
from standins.media import picture, size_of
from standins.replicate_models import VERSION_OF


@pytest.fixture
def client(replicate_server: ReplicateStandin) -> Any:
    import replicate

    return replicate.Client(api_token=replicate_server.key, base_url=replicate_server.url(), timeout=10)


def until_over(client: Any, prediction: Any) -> Any:
    while prediction.status in ("starting", "processing"):
        prediction = client.predictions.get(prediction.id)
    return prediction


def test_a_prediction_goes_through_its_states(client: Any, replicate_server: ReplicateStandin) -> None:
    replicate_server.next(Script(queued=2, running=2))
    made = client.models.predictions.create(
        "black-forest-labs/flux-schnell", input={"prompt": "a kite", "num_outputs": 2}
    )
    assert (made.status, made.version) == ("starting", "hidden")
    seen = [client.predictions.get(made.id) for _ in range(5)]
    assert [row.status for row in seen] == ["starting", "starting", "processing", "processing", "succeeded"]
    assert seen[2].progress.percentage == 0.5
    assert len(seen[-1].output) == 2
    content = httpx.get(seen[-1].output[0]).content
    assert size_of(content) == (512, 512)
    assert replicate_server.job.requests["poll"] == 5


def test_prefer_wait_answers_with_the_result(client: Any) -> None:
    done = client.models.predictions.create(
        "tencent/hunyuan-image-3", input={"prompt": "x", "aspect_ratio": "16:9"}, wait=True
    )
    assert done.status == "succeeded"


def test_prefer_wait_may_answer_before_the_end(client: Any, replicate_server: ReplicateStandin) -> None:
    replicate_server.next(Script(hold="running"))
    made = client.models.predictions.create("tencent/hunyuan-image-3", input={"prompt": "x"}, wait=5)
    assert made.status == "starting"


def test_files_are_uploaded_as_multipart_and_read_back_by_the_model(
    client: Any, replicate_server: ReplicateStandin
) -> None:
    source = io.BytesIO(picture(640, 400).content)
    source.name = "in.png"
    made = client.models.predictions.create(
        "qwen/qwen-image-edit", input={"prompt": "blue", "image": source}, wait=True
    )
    assert size_of(httpx.get(made.output[0]).content) == (640, 400)
    file_id = made.input["image"].rsplit("/", 1)[-1]
    assert client.files.get(file_id).size == len(source.getvalue())
    client.files.delete(file_id)
    assert not replicate_server.files_uploaded


def test_a_community_model_runs_by_version(client: Any, replicate_server: ReplicateStandin) -> None:
    version = client.models.get("nightmareai/real-esrgan").latest_version
    assert version.id == VERSION_OF["nightmareai/real-esrgan"]
    assert version.openapi_schema["components"]["schemas"]["Input"]["required"] == ["image"]
    made = client.predictions.create(
        version=version.id, input={"image": replicate_server.publish(picture(40, 30)), "scale": 2}
    )
    assert size_of(httpx.get(until_over(client, made).output).content) == (80, 60)


@pytest.mark.parametrize(
    ("outcome", "status"), [("failed", "failed"), ("refused", "failed"), ("canceled", "canceled")]
)
def test_bad_endings(client: Any, replicate_server: ReplicateStandin, outcome: Any, status: str) -> None:
    replicate_server.next(Script(0, 0, outcome=outcome))
    made = client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    assert until_over(client, made).status == status


def test_aborted_breaks_the_client_but_not_the_wire(client: Any, replicate_server: ReplicateStandin) -> None:
    replicate_server.next(Script(0, 0, outcome="aborted"))
    made = client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    with pytest.raises(Exception, match="status"):
        client.predictions.get(made.id)
    raw = httpx.get(
        replicate_server.url(path=f"/v1/predictions/{made.id}"),
        headers={"Authorization": f"Bearer {replicate_server.key}"},
    )
    assert raw.json()["status"] == "aborted"


def test_results_can_be_removed_hollow_or_expired(client: Any, replicate_server: ReplicateStandin) -> None:
    replicate_server.next(
        Script(0, 0, outcome="removed"), Script(0, 0, outcome="hollow"), Script(0, 0, outputs=0), Script(0, 0)
    )
    ends = []
    for _ in range(4):
        ends.append(
            until_over(client, client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"}))
        )
    assert [row.output for row in ends[:3]] == [None, None, []]
    replicate_server.fault("download", status=404, times=-1)
    assert httpx.get(ends[3].output[0]).status_code == 404


def test_cancel(client: Any, replicate_server: ReplicateStandin) -> None:
    replicate_server.next(Script(hold="running"))
    made = client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    client.predictions.cancel(made.id)
    assert client.predictions.get(made.id).status == "canceled"


@pytest.mark.parametrize("status", [401, 402, 404, 422, 429, 503])
def test_errors_of_a_submission_are_not_retried_by_the_client(
    client: Any, replicate_server: ReplicateStandin, status: int
) -> None:
    from replicate.exceptions import ReplicateError

    replicate_server.fault("submit", status=status, detail="no")
    with pytest.raises(ReplicateError) as caught:
        client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    assert caught.value.detail == "no"
    assert (replicate_server.counts["submit"], replicate_server.submissions) == (1, 0)


def test_polls_are_retried_by_the_client(client: Any, replicate_server: ReplicateStandin) -> None:
    made = client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    replicate_server.fault("poll", status=503, retry_after=0, times=2)
    assert client.predictions.get(made.id).status == "starting"
    assert replicate_server.counts["poll"] == 3


def test_our_client_leaves_the_retries_of_others_alone(
    client: Any, replicate_server: ReplicateStandin
) -> None:
    from diorama.contract.remote import Refusal
    from diorama_replicate.client import ReplicateClient

    ours = ReplicateClient(replicate_server.key, replicate_server.url())
    made = client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    replicate_server.fault("poll", status=503, retry_after=0, times=2)
    with pytest.raises(Refusal):
        ours.prediction(made.id)
    assert replicate_server.counts["poll"] == 1
    assert client.predictions.get(made.id).status == "starting"
    assert replicate_server.counts["poll"] == 3


def test_a_lost_answer_leaves_the_job_behind(client: Any, replicate_server: ReplicateStandin) -> None:
    replicate_server.fault("submit", disconnect=True, after=True)
    with pytest.raises(httpx.TransportError):
        client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    assert replicate_server.submissions == 1
    rows = client.predictions.list().results
    assert rows[0].id == replicate_server.job.id


def test_webhook_signatures(client: Any, replicate_server: ReplicateStandin) -> None:
    from replicate.webhook import InvalidSignatureError, InvalidTimestampError, Webhooks

    secret = client.webhooks.default.secret()
    client.models.predictions.create("qwen/qwen-image", input={"prompt": "x"})
    for kwargs, wrong in (
        ({}, None),
        ({"good": False}, InvalidSignatureError),
        ({"age": 3600.0}, InvalidTimestampError),
    ):
        headers, body = replicate_server.webhook(replicate_server.job, **kwargs)
        check = {"headers": headers, "body": body.decode(), "secret": secret, "tolerance": 300}
        if wrong is None:
            Webhooks.validate(**check)
            continue
        with pytest.raises(wrong):
            Webhooks.validate(**check)


def test_account_search_and_collections(client: Any) -> None:
    assert client.accounts.current().username == "standin"
    assert [row.name for row in client.models.search("seedream").results] == ["seedream-4"]
    assert {row.name for row in client.collections.get("super-resolution").models} == {"real-esrgan"}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"prompt": "x", "aspect_ratio": "match_input_image"}, "aspect_ratio"),
        ({"prompt": "x", "size": "2K"}, "size"),
        ({}, "prompt"),
    ],
)
def test_it_is_strict_about_inputs(given: dict[str, Any], complaint: str) -> None:
    import replicate
    from replicate.exceptions import ReplicateError

    with pytest.raises(AssertionError, match=complaint), ReplicateStandin() as server:
        client = replicate.Client(api_token=server.key, base_url=server.url())
        with pytest.raises(ReplicateError):
            client.models.predictions.create("qwen/qwen-image", input=given)


def test_the_media_host_wants_no_key() -> None:
    with pytest.raises(AssertionError, match="authorization"), ReplicateStandin() as server:
        httpx.get(server.publish(picture(8, 8)), headers={"Authorization": "Bearer x"})


def test_inputs_have_to_be_of_the_models_size() -> None:
    with pytest.raises(AssertionError, match="384-3072"), ReplicateStandin() as server:
        body = {"input": {"prompt": "x", "image": server.publish(picture(100, 100))}}
        url = server.url(path="/v1/models/qwen/qwen-image-edit/predictions")
        assert (
            httpx.post(url, json=body, headers={"Authorization": f"Bearer {server.key}"}).status_code == 422
        )
