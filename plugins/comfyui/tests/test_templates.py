"""Every official template converts, and the results are what the server takes."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest
from comfyui_templates import RELEASES, Unreachable, templates
from diorama_comfyui.analysis import check, derive_parameters, infer_purpose
from diorama_comfyui.convert import Code, convert
from diorama_comfyui.convert.align import align
from diorama_comfyui.models.analysed import analyse_document
from diorama_comfyui.models.controls import parameter_schema
from diorama_comfyui.schema import ObjectInfo

pytestmark = [pytest.mark.registry, pytest.mark.slow]


@pytest.fixture(scope="module", params=list(RELEASES))
def collection(request: pytest.FixtureRequest) -> tuple[str, dict[str, dict[str, Any]]]:
    try:
        return request.param, dict(templates(request.param))
    except Unreachable as error:
        pytest.skip(str(error))


def test_valid_after_conversion(collection: tuple[str, dict[str, dict[str, Any]]], info: ObjectInfo) -> None:
    release, documents = collection
    valid, refused = [], {}
    for name, document in documents.items():
        issues = check(convert(document, info).prompt, info)
        if not issues:
            valid.append(name)
        elif not any(issue.code is Code.MISSING_CLASS for issue in issues):
            refused[name] = [issue.message for issue in issues]
    if release == "0.11.44":
        assert len(documents) == 506
        assert len(valid) == 503
        assert not refused, "the server knows all classes of these"
    else:
        assert len(documents) == 644
        assert len(valid) >= 500, refused


def test_form_and_purpose(collection: tuple[str, dict[str, dict[str, Any]]], info: ObjectInfo) -> None:
    _, documents = collection
    for name, document in documents.items():
        conversion = convert(document, info)
        parameters = derive_parameters(conversion, info)
        names = [parameter.name for parameter in parameters]
        assert len(names) == len(set(names)), name
        targets = [target for parameter in parameters for target in parameter.targets]
        assert len(targets) == len(set(targets)), name
        purpose = infer_purpose(conversion, parameters, info)
        assert purpose.operation or purpose.reason, name


def test_what_a_workflow_says_by_itself_is_allowed(
    collection: tuple[str, dict[str, dict[str, Any]]], info: ObjectInfo
) -> None:
    """No template becomes a model that its own defaults would be refused by."""
    import jsonschema

    for name, document in collection[1].items():
        analysed = analyse_document(document, info)
        if analysed.operation is None:
            continue
        schema = parameter_schema(analysed.controls().extra.values())
        defaults = {
            key: rule["default"] for key, rule in schema.get("properties", {}).items() if "default" in rule
        }
        assert not list(jsonschema.Draft202012Validator(schema).iter_errors(defaults)), name


def test_positional_values_match_named_ones(
    collection: tuple[str, dict[str, dict[str, Any]]], info: ObjectInfo
) -> None:
    """Newer files hold values twice: by position and by name. Read by position they give the same."""
    equal = different = 0
    for document in collection[1].values():
        subgraphs = (document.get("definitions") or {}).get("subgraphs") or []
        for level in [document, *subgraphs]:
            for node in level["nodes"]:
                named, values = node.get("widgets_values_named"), node.get("widgets_values")
                if not named or not isinstance(values, list) or node["type"] not in info:
                    continue
                found = align(info[node["type"]].inputs, values).values
                common = [key for key in found if key in named]
                same = all(found[key] == named[key] for key in common)
                equal, different = equal + same, different + (not same)
    assert equal > 100
    assert equal / (equal + different) >= 0.98, (equal, different)


def test_time_of_conversion(collection: tuple[str, dict[str, dict[str, Any]]], info: ObjectInfo) -> None:
    """No template is far from the others; the absolute figure is measured by the benchmark."""
    times = []
    for document in collection[1].values():
        convert(document, info)
        start = time.process_time()
        convert(document, info)
        times.append(time.process_time() - start)
    assert max(times) < 1000 * max(statistics.median(times), 1e-4)
