"""Workflows that make sound, and such that take it: real files on the stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comfyui_jobs import Job, make_backend, models
from comfyui_standin import StandIn
from comfyui_workflows import IMAGE_TO_VIDEO, SOUND_TO_SOUND, TEXT_TO_SOUND
from diorama.contract import EditRequest, GenerateRequest, InvalidRequest, VideoRequest
from diorama.testing import sample_image
from diorama.testing.samples import sample_sound
from diorama_comfyui.backend import ComfyBackend


def saved_by(class_type: str, **inputs: Any) -> dict[str, Any]:
    node = {"class_type": class_type, "inputs": {"audio": ["8", 0], "filename_prefix": "song", **inputs}}
    return {**TEXT_TO_SOUND, "9": node}


def heard(job: Job) -> Any:
    """The samples of a job's only result."""
    (saved,) = job.context.outputs
    assert saved.audio is not None
    return saved.audio


@pytest.mark.parametrize(
    "graph",
    [
        TEXT_TO_SOUND,
        saved_by("SaveAudioMP3", quality="V0"),
        saved_by("SaveAudioOpus", quality="128k"),
        {**TEXT_TO_SOUND, "9": {"class_type": "PreviewAudio", "inputs": {"audio": ["8", 0]}}},
    ],
    ids=["flac", "mp3", "opus", "preview"],
)
def test_every_way_to_keep_sound_is_fetched(
    backend: ComfyBackend, server: StandIn, tmp_path: Path, graph: dict[str, Any]
) -> None:
    backend.library.import_workflow(graph, title="Song")
    request = GenerateRequest(model="comfyui:song", prompt="a drum", seed=3, duration=1.5)
    job = Job(backend, request, tmp_path)
    (artifact,) = job.end().artifacts
    assert (artifact.kind, artifact.seed) == ("audio", 3)
    sound = heard(job)
    assert sound.samples.shape[0] == 2
    assert sound.samples.shape[1] / sound.sample_rate == pytest.approx(1.5, abs=0.1)
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.1)
    assert server.engine.submitted[0]["prompt"]["5"]["inputs"]["seconds"] == 1.5


def test_the_prompt_decides_what_is_heard(backend: ComfyBackend, tmp_path: Path) -> None:
    backend.library.import_workflow(TEXT_TO_SOUND, title="Song")

    def pitch(prompt: str) -> float:
        job = Job(backend, GenerateRequest(model="comfyui:song", prompt=prompt, seed=3), tmp_path)
        job.end()
        sound = heard(job)
        spectrum = np.abs(np.fft.rfft(sound.samples[0]))
        return float(np.argmax(spectrum) * sound.sample_rate / sound.samples.shape[1])

    assert pitch("a drum") == pitch("a drum") != pitch("a flute")


def test_a_sound_goes_in_and_comes_out_changed(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    backend.library.import_workflow(SOUND_TO_SOUND, title="Quiet")
    source = sample_sound(tmp_path, seconds=1.0)
    job = Job(backend, EditRequest(model="comfyui:quiet", images=(), sounds=(source,)), tmp_path)
    job.end()
    assert server.uploads == [f"{source.sha256[:32]}.wav"]
    assert np.abs(heard(job).samples).max() == pytest.approx(0.25, abs=0.03)


def test_a_sound_that_is_nowhere_is_asked_for(backend: ComfyBackend, tmp_path: Path) -> None:
    backend.library.import_workflow(SOUND_TO_SOUND, title="Quiet")
    with pytest.raises(InvalidRequest, match="needs a sound for Audio") as caught:
        Job(backend, EditRequest(model="comfyui:quiet", images=()), tmp_path).end()
    assert caught.value.field == "sounds"


def test_a_sound_of_the_server_may_stay_or_be_replaced(raw_info: dict[str, Any], tmp_path: Path) -> None:
    spec = ["COMBO", {"options": ["voice.wav", "other.wav"], "audio_upload": True}]
    changed = {**raw_info, "LoadAudio": {**raw_info["LoadAudio"], "input": {"required": {"audio": spec}}}}
    with StandIn(changed, tmp_path / "comfyui") as server:
        backend = make_backend(tmp_path, server)
        for name, seconds in (("voice", 0.25), ("other", 0.75)):
            sample_sound(server.engine.folders.of("input"), seconds=seconds, name=name)
        backend.library.import_workflow(SOUND_TO_SOUND, title="Quiet")
        can = next(iter(models(backend)["quiet"].operations.values()))
        assert can.sounds_in is not None
        assert can.sounds_in.minimum == 0
        assert can.parameters["properties"]["audio"]["enum"] == ["voice.wav", "other.wav"]

        def seconds_of(**more: Any) -> float:
            job = Job(backend, EditRequest(model="comfyui:quiet", images=(), **more), tmp_path)
            job.end()
            return float(heard(job).samples.shape[1] / heard(job).sample_rate)

        assert seconds_of() == pytest.approx(0.25, abs=0.1)
        assert seconds_of(parameters={"audio": "other.wav"}) == pytest.approx(0.75, abs=0.1)
        sent = sample_sound(tmp_path, seconds=1.25)
        assert seconds_of(sounds=(sent,), parameters={"audio": "voice.wav"}) == pytest.approx(1.25, abs=0.1)
        backend.close()


def test_a_video_takes_a_sound(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    graph = {**IMAGE_TO_VIDEO, "5": {"class_type": "LoadAudio", "inputs": {"audio": "voice.wav"}}}
    graph["3"] = {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 8.0, "audio": ["5", 0]}}
    backend.library.import_workflow(graph, title="Lips")
    picture, sound = sample_image(tmp_path, size=(32, 32)), sample_sound(tmp_path)
    request = VideoRequest(model="comfyui:lips", images=(picture,), sounds=(sound,))
    (artifact,) = Job(backend, request, tmp_path).end().artifacts
    assert artifact.kind == "video"
    assert f"{sound.sha256[:32]}.wav" in server.uploads
