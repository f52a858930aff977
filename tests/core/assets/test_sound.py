"""Sound as a result: encoded or taken as it is, checked by decoding, its recipe inside, its waveform drawn."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from diorama.assets.formats import BY_MIME, FORMATS, sniff
from diorama.assets.intake import take_in
from diorama.assets.metadata import embed, mp3_file, read_metadata, strip
from diorama.assets.records import Asset
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.assets.waveform import GROUND, SIZE, WAVE, Peaks, draw
from diorama.contract import Audio, BackendError, InvalidRequest, NotFound
from diorama.settings import LimitSettings, Settings
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

RATE = 22050
RECIPE = {
    "schema": 1, "diorama": "0.1.0", "operation": "generate", "model": "comfyui:song", "seed": 2**32 - 1, "duration": 1.0,
    "prompt": "Trommeln für 猫 🎈,\nslow & <loud>", "facts": {"nul": "\0\x1b[31m\ud800"},
}  # fmt: skip
NAMES = ["flac", "mp3", "ogg", "wav", "m4a"]


def tone(seconds: float = 1.0, channels: int = 2, rate: int = RATE, loud: float = 0.5) -> Audio:
    wave = loud * np.sin(np.arange(round(rate * seconds)) * (2 * np.pi * 440 / rate))
    return Audio(samples=np.stack([wave] * channels).astype(np.float32), sample_rate=rate)


def samples(source: Path | bytes) -> Any:
    """Every decoded sample, (channels, samples)."""
    with av.open(str(source) if isinstance(source, Path) else io.BytesIO(source)) as container:
        resampler = av.AudioResampler(format="fltp")
        return np.concatenate(
            [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)],
            axis=1,
        )


def pitch(source: Path | bytes, rate: int) -> float:
    heard = samples(source)[0]
    return float(np.argmax(np.abs(np.fft.rfft(heard))) * rate / len(heard))


def encoded(tmp_path: Path, container: str, codec: str, rate: int = RATE, **tags: str) -> bytes:
    """A file of any kind, as other programs write it."""
    path = tmp_path / "foreign"
    with av.open(str(path), "w", format=container) as out:
        out.metadata.update(tags)
        stream: Any = out.add_stream(codec, rate=rate, layout="stereo")
        sound = tone(rate=rate)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sound.samples), format="fltp", layout="stereo"
        )
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_samples_become_a_file(tmp_path: Path, name: str) -> None:
    found = stage(tone(), index=0, kind="audio", format=name, seed=7, work_dir=tmp_path)
    assert (found.kind, found.mime, found.seed, found.has_audio) == ("audio", FORMATS[name].mime, 7, True)
    assert (found.width, found.height, found.channels) == (0, 0, 2)
    assert found.sample_rate == (48000 if name == "ogg" else RATE)
    assert found.duration == pytest.approx(1.0, abs=0.1)  # AAC and MP3 pad
    assert pitch(found.path, found.sample_rate or 0) == pytest.approx(440, abs=3)
    assert found.path.suffix == f".{FORMATS[name].extension}"
    assert found.thumbnail is not None
    with Image.open(found.thumbnail) as waveform:
        assert waveform.size == SIZE
    assert found.placeholder


def test_flac_is_the_usual_format_and_loses_nothing_of_16_bits(tmp_path: Path) -> None:
    exact = np.random.default_rng(1).integers(-(2**15), 2**15, (2, 5000)).astype(np.float32) / 2**15
    found = stage(Audio(samples=exact, sample_rate=RATE), index=0, kind="audio", work_dir=tmp_path)
    assert found.mime == "audio/flac"
    assert np.array_equal(samples(found.path), exact)


@pytest.mark.parametrize("name", NAMES)
def test_encoded_sound_stays_byte_for_byte(tmp_path: Path, name: str) -> None:
    made = stage(tone(), index=0, kind="audio", format=name, work_dir=tmp_path).path.read_bytes()
    kept = stage(made, index=1, kind="audio", work_dir=tmp_path)
    assert kept.path.read_bytes() == made
    assert stage(made, index=2, work_dir=tmp_path).kind == "audio", "its real type counts"


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_goes_in_and_comes_out_and_the_sound_stays(tmp_path: Path, name: str) -> None:
    made = stage(tone(), index=0, kind="audio", format=name, work_dir=tmp_path)
    before = samples(made.path)
    inside = tmp_path / f"inside.{name}"
    embed(made.path, inside, RECIPE, made.mime)
    info = read_metadata(inside)
    assert info.recipe == RECIPE
    assert (info.source, info.source_type) == ("diorama", "trainedAlgorithmicMedia")
    assert (info.prompt, info.seed) == (RECIPE["prompt"], 2**32 - 1)
    assert np.array_equal(samples(inside), before)
    again = tmp_path / f"again.{name}"
    embed(inside, again, {**RECIPE, "seed": 1}, made.mime)
    assert read_metadata(again).seed == 1
    assert again.read_bytes().count(b'"seed":4294967295') == 0
    bare = tmp_path / f"bare.{name}"
    strip(again, bare, made.mime)
    assert b"comfyui:song" not in bare.read_bytes()
    assert np.array_equal(samples(bare), before)


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("flac", "flac", RATE), ("mp3", "libmp3lame", RATE), ("ogg", "libopus", 48000),
     ("ipod", "aac", RATE), ("wav", "pcm_s16le", RATE)],
)  # fmt: skip
def test_texts_of_other_tools_stay_beside_ours(tmp_path: Path, container: str, codec: str, rate: int) -> None:
    data = encoded(tmp_path, container, codec, rate, title="Süßes Lied")
    found = sniff(data)
    assert found is not None
    raw, inside = tmp_path / "raw", tmp_path / "inside"
    raw.write_bytes(data)
    embed(raw, inside, RECIPE, found.mime)
    with av.open(str(inside)) as opened:
        tags = {**opened.metadata, **opened.streams.audio[0].metadata}
    assert tags["title"] == "Süßes Lied"
    assert read_metadata(inside).recipe == RECIPE


def test_comfyuis_own_texts_are_read(tmp_path: Path) -> None:
    graph = '{"3": {"class_type": "KSampler", "inputs": {"seed": 11, "steps": 4, "cfg": 1.5}}}'
    for container, codec, rate in (
        ("flac", "flac", RATE),
        ("mp3", "libmp3lame", RATE),
        ("ogg", "libopus", 48000),
    ):
        info = read_metadata(encoded(tmp_path, container, codec, rate, prompt=graph))
        assert (info.source, info.seed, info.num_inference_steps) == ("comfyui", 11, 4), container


@pytest.mark.parametrize(
    ("container", "codec", "rate", "kept"),
    [("adts", "aac", RATE, "m4a"), ("aiff", "pcm_s16be", RATE, "flac"), ("mp4", "aac", RATE, "m4a"),
     ("webm", "libopus", 48000, "ogg"), ("matroska", "pcm_s16le", RATE, "flac")],
)  # fmt: skip
def test_other_containers_become_usual_ones(
    tmp_path: Path, container: str, codec: str, rate: int, kept: str
) -> None:
    data = encoded(tmp_path, container, codec, rate)
    found = stage(data, index=0, kind="audio", work_dir=tmp_path)
    assert (found.kind, found.mime, found.channels) == ("audio", FORMATS[kept].mime, 2)
    assert pitch(found.path, rate) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("wanted", NAMES)
def test_another_format_may_be_asked(tmp_path: Path, wanted: str) -> None:
    found = stage(
        encoded(tmp_path, "wav", "pcm_s16le"), index=0, kind="audio", format=wanted, work_dir=tmp_path
    )
    assert found.mime == FORMATS[wanted].mime
    assert pitch(found.path, found.sample_rate or 0) == pytest.approx(440, abs=3)


def test_too_long_or_nothing_is_refused(tmp_path: Path) -> None:
    limits = replace(LimitSettings(), audio_seconds=1)
    long = stage(tone(seconds=2), index=0, kind="audio", work_dir=tmp_path).path.read_bytes()
    for content in (long, tone(seconds=2)):
        with pytest.raises(BackendError, match="longer than 1 seconds"):
            stage(content, index=1, kind="audio", work_dir=tmp_path, limits=limits)
    dense = tone(seconds=0.9, rate=655_350)
    with pytest.raises(BackendError, match="more than 384000 samples"):
        stage(dense, index=1, kind="audio", work_dir=tmp_path, limits=limits)
    for content in (tone(seconds=0), tone(channels=3), "text", np.zeros((2, 9), np.float32)):
        with pytest.raises(BackendError):
            stage(content, index=2, kind="audio", work_dir=tmp_path)
    with pytest.raises(BackendError, match="cannot be written as 'aiff'"):
        stage(tone(), index=3, kind="audio", format="aiff", work_dir=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_a_clear_error(tmp_path: Path, name: str) -> None:
    good = stage(tone(), index=0, kind="audio", format=name, work_dir=tmp_path).path.read_bytes()
    random = np.random.default_rng(3)
    for number in range(40):
        data = bytearray(good[: int(random.integers(4, len(good)))])
        for at in random.integers(0, len(data), 20):
            data[at] = int(random.integers(0, 256))
        read_metadata(bytes(data))  # never an error
        with contextlib.suppress(BackendError):  # and nothing else
            stage(bytes(data), index=number, kind="audio", work_dir=tmp_path)


HEADS = (
    b"fLaC",
    b"fLaC\x84",
    b"ID3\x04\0\0",
    b"ID3\x03\0\0\0\0\0\x7f",
    b"ID3",
    b"RIFF\0\0\0\0WAVE",
    b"OggS",
    b"\0\0\0\x10ftypM4A ",
)


@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=300))
def test_texts_of_any_bytes_are_read_or_not_but_never_raise(head: bytes, rest: bytes) -> None:
    info = read_metadata(head + rest)
    assert info.recipe is None


@given(
    texts=st.dictionaries(
        st.sampled_from(["title", "comment", "own"]),
        st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), max_size=40),
    ),
    version=st.sampled_from([3, 4]),
)
def test_id3_texts_come_back_whatever_they_say(texts: dict[str, str], version: int) -> None:
    first, second = io.BytesIO(), io.BytesIO()
    mp3_file.write(b"ID3" + bytes([version, 0, 0, 0, 0, 0, 0]) + b"\xff\xfbsound", texts, b"", first)
    mp3_file.write(first.getvalue(), {"more": "x"}, b"<x/>", second)
    found = mp3_file.read(second.getvalue())
    assert {name: found[name] for name in texts} == texts
    assert (found["more"], found["xmp"]) == ("x", "<x/>")
    assert second.getvalue().endswith(b"\xff\xfbsound")


def test_the_waveform_shows_where_it_is_loud() -> None:
    peaks = Peaks(RATE)
    for loud in (1.0, 0.0, 0.25):
        peaks.add(np.full(RATE, loud, np.float32))
    picture = np.asarray(draw(peaks.values()))
    bright = (picture == WAVE).all(axis=2).sum(axis=0)
    heights = [int(bright[left : left + 60].max()) for left in (20, 130, 230)]
    assert heights[0] > 3 * heights[2] > 3 * heights[1] > 0
    assert tuple(picture[0, 0]) == GROUND


def test_a_stored_sound_is_listed_exported_and_given_as_input(
    keep: Callable[..., Asset], store: AssetStore
) -> None:
    asset = keep(tone(), kind="audio", seed=4)
    assert (asset.kind, asset.mime, asset.sample_rate, asset.channels) == ("audio", "audio/flac", RATE, 2)
    assert asset.duration == pytest.approx(1.0)
    assert [found.id for found in store.list(kind="audio").items] == [asset.id]
    assert store.list(kind="image").items == ()
    assert read_metadata(store.file(asset.id)).recipe == asset.recipe
    taken = store.as_input(asset.id)
    assert (taken.kind, taken.width, taken.asset_id) == ("audio", 0, asset.id)
    for name in NAMES:
        for metadata in (True, False):
            content, mime = store.export(asset.id, name, metadata=metadata)
            data = content if isinstance(content, bytes) else content.read_bytes()
            assert mime == FORMATS[name].mime
            assert (read_metadata(data).recipe == asset.recipe) is metadata
            assert pitch(data, 48000 if name == "ogg" else RATE) == pytest.approx(440, abs=3)
    with pytest.raises(InvalidRequest, match="cannot be exported"):
        store.export(asset.id, "png")
    whole = store.file(asset.id).read_bytes()
    store.file(asset.id).write_bytes(b"fLaC" + whole[40:])
    for name, metadata in (("mp3", True), (None, False)):
        with pytest.raises(NotFound, match="damaged"):
            store.export(asset.id, name, metadata=metadata)
    store.file(asset.id).write_bytes(whole)
    (store.root / str(asset.thumbnail)).unlink()
    with Image.open(store.thumbnail(asset.id)) as waveform:
        assert waveform.size == SIZE


def test_a_zip_holds_each_file_in_a_format_of_its_kind(
    keep: Callable[..., Asset], store: AssetStore, picture: Any
) -> None:
    import zipfile

    made = [keep(tone(), kind="audio"), keep(picture())]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(store.export_zip([item.id for item in made], "mp3"))))
    assert [name.rpartition(".")[2] for name in archive.namelist()] == ["mp3", "png"]


@pytest.mark.parametrize("name", NAMES)
def test_uploaded_sound_is_checked_and_stored(tmp_path: Path, settings: Settings, name: str) -> None:
    made = stage(tone(), index=0, kind="audio", format=name, work_dir=tmp_path)
    taken = take_in(made.path, settings, name="sounds")
    assert (taken.kind, taken.mime) == ("audio", made.mime)
    assert Path(taken.path).read_bytes() == made.path.read_bytes()
    with pytest.raises(InvalidRequest, match="It is sound, but a picture is needed"):
        take_in(made.path, settings, name="image", kind="image")


def test_what_phones_record_is_sound(tmp_path: Path, settings: Settings) -> None:
    taken = take_in(encoded(tmp_path, "mp4", "aac"), settings, name="sounds")
    assert (taken.kind, taken.mime) == ("audio", "audio/mp4")
    assert BY_MIME[taken.mime].extension == Path(taken.path).suffix[1:]
    with pytest.raises(InvalidRequest):
        take_in(b"fLaC" + b"\0" * 64, settings, name="sounds")
