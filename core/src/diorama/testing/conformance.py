"""The tests that every backend passes, chosen by what its own models say they can do.

An author writes one class with one fixture::

    from diorama.testing import BackendConformance, backend_settings

    class TestMine(BackendConformance):
        @pytest.fixture
        def backend(self, tmp_path):
            return mine.create(backend_settings("mine", tmp_path))

A test may be overridden only to mark it ``xfail`` with a reason.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from diorama.contract import (
    AnyRequest,
    Backend,
    BackendSettings,
    DioramaError,
    JobCancelled,
    ModelInfo,
    Operation,
    Result,
    from_plain,
    to_plain,
)
from diorama.plugins import routing
from diorama.plugins.registry import PluginRegistry
from diorama.resolution import resolve
from diorama.settings import Settings
from diorama.testing.context import RecordingJobContext, RecordingListContext, Saved
from diorama.testing.samples import smallest_submission

HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "fastapi",
    "sqlalchemy",
    "replicate",
    "fal_client",
    "higgsfield_client",
)
"""Modules that importing a backend must not draw in."""
CANARY = "canary-5f1c-secret"


def backend_settings(backend_id: str, folder: Path, **options: Any) -> BackendSettings:
    """Return settings for a backend under test; everything it keeps lies in ``folder``."""
    return BackendSettings(
        id=backend_id, options=options, data_dir=folder / "data", cache_dir=folder / "cache", models_dirs=(folder / "models",),
        config_dir=folder / "config", device="cpu", offline=True,
    )  # fmt: skip


class BackendConformance:
    """Subclass it and give the fixture ``backend``. The attributes below may be overridden.

    Attributes:
        deterministic: Same seed, same pixels. False for providers whose results cannot be repeated.
        prompt: A prompt that the backend accepts.
        parameters: Further parameters for every run.
        models_to_run: Native ids to run; ``None`` runs the first ready model of each operation.
        offline: Whether models are listed without a network. False for providers behind a stand-in.
    """

    deterministic: bool = True
    prompt: str = "a red ball on a white background"
    parameters: Mapping[str, Any] = {}
    models_to_run: tuple[str, ...] | None = None
    offline: bool = True

    @pytest.fixture
    def backend(self) -> Backend:
        """Override this: return a fresh backend."""
        raise NotImplementedError("Give a fixture `backend` that returns your backend.")

    @pytest.fixture
    def secrets(self) -> Mapping[str, str]:
        """Override this where a key is needed to run."""
        return {}

    @pytest.fixture
    def fetcher(self) -> Any:
        """Override this where outputs are downloaded."""
        return None

    @pytest.fixture
    def registry(self, backend: Backend, tmp_path: Path) -> Iterator[PluginRegistry]:
        """Return a registry that holds only this backend."""
        home = tmp_path / "engine"
        registry = PluginRegistry(Settings(config_dir=home, data_dir=home / "data", cache_dir=home / "cache"))
        registry.add(backend)
        yield registry
        registry.close()

    @pytest.fixture
    def models(
        self, backend: Backend, registry: PluginRegistry, secrets: Mapping[str, str], fetcher: Any
    ) -> tuple[ModelInfo, ...]:
        """Return what the backend lists."""
        context = RecordingListContext(secrets=secrets, offline=self.offline, fetcher=fetcher)
        return tuple(routing.call(registry, backend.name, "list_models", context=context))

    @pytest.fixture
    def run(
        self,
        registry: PluginRegistry,
        backend: Backend,
        secrets: Mapping[str, str],
        fetcher: Any,
        tmp_path: Path,
    ) -> Any:
        """Return a function that runs a request and returns ``(result, context)``."""

        def runner(
            model: ModelInfo, operation: Operation, request: AnyRequest, **options: Any
        ) -> tuple[Result, RecordingJobContext]:
            folder = tmp_path / f"work-{time.monotonic_ns()}"
            folder.mkdir()
            context = options.pop("context", None) or RecordingJobContext(
                model, folder, secrets=secrets, fetcher=fetcher, **options
            )
            result = routing.call(registry, backend.name, operation.value, request=request, context=context)
            return result, context

        return runner

    @pytest.fixture
    def cases(
        self, models: tuple[ModelInfo, ...], tmp_path: Path
    ) -> list[tuple[ModelInfo, Operation, AnyRequest]]:
        """Return one small request per operation and model to run."""
        chosen: list[tuple[ModelInfo, Operation, AnyRequest]] = []
        seen: set[Operation] = set()
        for model in models:
            wanted = model.native_id in self.models_to_run if self.models_to_run is not None else True
            if model.availability.state != "ready" or not wanted:
                continue
            for operation in model.operations:
                if self.models_to_run is None and operation in seen:
                    continue
                seen.add(operation)
                submission = smallest_submission(
                    model, operation, tmp_path, prompt=self.prompt, parameters=self.parameters
                )
                chosen.append((model, operation, resolve(submission, model).request))
        return chosen

    def test_name_comes_from_the_settings(self, backend: Backend) -> None:
        """Troubleshooting: call ``super().__init__(settings)`` and leave ``name`` alone."""
        assert backend.name == backend.settings.id

    def test_import_is_light(self, backend: Backend) -> None:
        """Troubleshooting: move heavy imports into the hooks that need them."""
        module = type(backend).__module__
        code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
        printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        if f"No module named {module.partition('.')[0]!r}" in printed.stderr:
            pytest.skip(f"{module} can only be imported inside this test run")
        assert printed.stdout.strip() == "[]", printed.stdout + printed.stderr

    def test_lists_valid_models(self, backend: Backend, models: tuple[ModelInfo, ...]) -> None:
        """Troubleshooting: ids are ``<backend>:<native id>``, unique; every record survives the wire."""
        import jsonschema

        assert all(isinstance(model, ModelInfo) for model in models)
        assert all(model.backend == backend.name for model in models)
        assert len({model.id for model in models}) == len(models)
        for model in models:
            assert from_plain(ModelInfo, to_plain(model)) == model
            for capabilities in model.operations.values():
                if capabilities.parameters:
                    jsonschema.Draft202012Validator.check_schema(dict(capabilities.parameters))

    def test_listing_again_gives_the_same(
        self,
        backend: Backend,
        registry: PluginRegistry,
        models: tuple[ModelInfo, ...],
        secrets: Mapping[str, str],
        fetcher: Any,
    ) -> None:
        """Troubleshooting: a list must not depend on how often it is asked for."""
        context = RecordingListContext(secrets=secrets, offline=self.offline, fetcher=fetcher)
        again = routing.call(registry, backend.name, "list_models", context=context)
        assert tuple(again) == models

    def test_lists_without_network_or_keys(self, backend: Backend, registry: PluginRegistry) -> None:
        """Troubleshooting: without a key, list what you know with ``needs_key`` and the sentence that fixes it."""
        routing.call(registry, backend.name, "list_models", context=RecordingListContext(offline=True))

    def test_offered_operations_are_implemented(
        self, backend: Backend, registry: PluginRegistry, models: tuple[ModelInfo, ...]
    ) -> None:
        """Troubleshooting: decorate the method with ``@hookimpl``, or drop the operation from the model."""
        for model in models:
            for operation in model.operations:
                assert routing.implements(registry, backend.name, operation.value), (model.id, operation)

    def test_runs_every_operation(self, cases: list[Any], run: Any) -> None:
        """Troubleshooting: the artifacts of the result are those that ``context.save`` returned, in order."""
        if not cases:
            pytest.skip("no model is ready here")
        for model, operation, request in cases:
            before = to_plain(request)
            result, context = run(model, operation, request)
            assert isinstance(result, Result)
            assert [saved.artifact for saved in context.outputs] == list(result.artifacts), model.id
            assert len(result.artifacts) >= 1, model.id
            assert to_plain(request) == before, "the request was changed"
            to_plain(result)

    def test_makes_what_was_asked(self, cases: list[Any], run: Any) -> None:
        """Troubleshooting: honour ``num_images``, ``width``, ``height`` and ``seed_of(i)``, or do not declare them.

        What comes out is what the capabilities' ``output_of`` says; only sound may stand beside it.
        """
        for model, operation, request in cases:
            result, context = run(model, operation, request)
            count = getattr(request, "num_images", 1)
            kind = model.operations[operation].output_of(operation) or context.outputs[0].artifact.kind
            made = [artifact for artifact in result.artifacts if artifact.kind == kind]
            assert made, f"{model.id} made no {kind}"
            assert all(artifact.kind in (kind, "audio") for artifact in result.artifacts)
            if operation in (Operation.GENERATE, Operation.EDIT):
                assert len(made) == count
            self._check_size(model, operation, request, context)
            if request.seed is not None:
                seeds = [artifact.seed for artifact in made]
                assert seeds == [request.seed_of(index) for index in range(len(seeds))]

    def _check_size(
        self, model: ModelInfo, operation: Operation, request: Any, context: RecordingJobContext
    ) -> None:
        sizes = model.operations[operation].sizes
        for saved in context.outputs:
            if saved.image is None or sizes is None:
                continue
            if sizes.match_input and operation is Operation.EDIT:
                source = request.images[0]
                assert saved.image.size == (source.width, source.height), "an edit must keep the input's size"
            elif request.width and request.height and (sizes.free or sizes.choices):
                assert saved.image.size == (request.width, request.height)

    def test_progress_never_falls(self, cases: list[Any], run: Any) -> None:
        """Troubleshooting: within a stage, report fractions that only grow, between 0 and 1."""
        for model, operation, request in cases:
            _, context = run(model, operation, request)
            assert context.reports, f"{model.id} reported no progress at all"
            highest: dict[str, float] = {}
            for stage, fraction, _message, _numbers in context.reports:
                if fraction is not None:
                    assert 0 <= fraction <= 1
                    assert fraction >= highest.get(stage, 0.0) - 1e-9, (stage, fraction)
                    highest[stage] = fraction

    def test_same_seed_same_pixels(self, cases: list[Any], run: Any) -> None:
        """Troubleshooting: seed every random generator from ``request.seed_of(i)``; or set ``deterministic = False``."""
        if not self.deterministic:
            pytest.skip("this backend says that results cannot be repeated")
        for model, operation, request in cases:
            if request.seed is None:
                continue
            pixels = []
            for _ in range(2):
                _, context = run(model, operation, request)
                pixels.append([_content(saved) for saved in context.outputs])
            assert pixels[0] == pixels[1], model.id

    def test_cancel_is_obeyed(self, cases: list[Any], run: Any) -> None:
        """Troubleshooting: let ``JobCancelled`` pass; after it nothing is saved and the next job works."""
        for model, operation, request in cases:
            with pytest.raises(JobCancelled):
                run(model, operation, request, cancel_after=0)
            result, _ = run(model, operation, request)
            assert result.artifacts

    def test_unknown_model_is_a_clear_error(self, backend: Backend, cases: list[Any], run: Any) -> None:
        """Troubleshooting: raise ``UnknownModel`` for a native id that is not yours."""
        from dataclasses import replace

        for model, operation, request in cases[:1]:
            stranger = f"{backend.name}:no-such-model-here"
            with pytest.raises(DioramaError):
                run(replace(model, id=stranger), operation, replace(request, model=stranger))

    def test_secrets_stay_secret(
        self,
        backend: Backend,
        cases: list[Any],
        run: Any,
        secrets: Mapping[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Troubleshooting: never put a key into facts, messages, memory or log lines."""
        values = [value for value in secrets.values() if value] or [CANARY]
        for model, operation, request in cases[:1]:
            result, context = run(model, operation, request)
            told = repr(
                (to_plain(result), context.reports, context.memory, [s.facts for s in context.outputs])
            )
            assert not any(value in told or value in caplog.text for value in values)


def _content(saved: Saved) -> bytes:
    """The pixels of a picture or of a video's first frame, or the samples of a sound."""
    if saved.image is not None:
        return saved.image.tobytes()
    return bytes(saved.audio.samples.tobytes()) if saved.audio is not None else b""
