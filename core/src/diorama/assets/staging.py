"""From what a backend hands over to a checked, encoded file with its thumbnail.

Runs wherever the backend runs: in a worker process or in a thread of the server. It touches the job's folder only.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.assets.decoding import Undecodable, decode, open_image, plain_mode, recognise
from diorama.assets.formats import FORMATS, OTHER_NAMES, Format
from diorama.assets.frames import count_frames
from diorama.assets.pixels import WEBP_QUALITY, Frames, encode_image, to_image
from diorama.assets.sound import has_pictures, read_sound, read_track
from diorama.assets.sound_writing import remux_sound, transcode, write_sound
from diorama.assets.staged import StagedOutput
from diorama.assets.thumbnails import make_preview, make_thumbnail
from diorama.assets.video import iterate_frames, read_video, remux, write_video
from diorama.assets.waveform import draw
from diorama.contract import Audio, BackendError, MediaKind
from diorama.settings import LimitSettings

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What one call of :func:`stage` was asked, passed along as one."""

    index: int
    seed: int | None
    work_dir: Path
    format: Format | None
    fps: float | None
    audio: Audio | None
    facts: Mapping[str, Any]
    limits: LimitSettings

    def path(self, found: Format) -> Path:
        return self.work_dir / f"output-{self.index:04d}.{found.extension}"


def stage(
    content: Any,
    *,
    index: int,
    kind: MediaKind = "image",
    work_dir: Path,
    format: str | None = None,
    seed: int | None = None,
    fps: float | None = None,
    audio: Audio | None = None,
    facts: Mapping[str, Any] | None = None,
    limits: LimitSettings | None = None,
) -> StagedOutput:
    """Encode and check one output of a job.

    Pixels and samples are encoded as ``format`` (PNG, MP4 for a video, FLAC for sound). Encoded content is decoded to
    check it, its real type counts, and it is kept byte for byte where it is PNG, JPEG, WebP, GIF, MP4, WebM, FLAC, MP3,
    Ogg, WAV or M4A and no other format is asked.

    Args:
        content: See :meth:`diorama.contract.JobContext.save`; a video may also be an iterable of frames.
        index: Position among the job's outputs, from 0; names the files.
        kind: ``image``, ``video`` or ``audio``.
        work_dir: The job's existing folder.
        format: Name of the file format, ``None`` for the content's own.
        seed: Seed that made it.
        fps: Frames per second, needed for arrays of a video.
        audio: Sound for frames.
        facts: Plain values for this output's recipe.
        limits: Bounds on pixels, frames and seconds of sound.

    Raises:
        BackendError: the content is not what it claims, cannot be decoded, or is too large.
    """
    wanted = _wanted(format)
    job = _Job(
        index=index, seed=seed, work_dir=work_dir, format=wanted, fps=fps, audio=audio, facts=dict(facts or {}),
        limits=limits or LimitSettings(),
    )  # fmt: skip
    try:
        encoded = _as_file(content, job)
        if encoded is not None:
            return _stage_encoded(encoded, kind, job)
        if kind == "video":
            return _stage_frames(content, job)
        if kind == "audio" or isinstance(content, Audio):
            return _stage_samples(content, job)
        return _stage_pixels(to_image(content, job.limits), job)
    except Undecodable as error:
        raise BackendError(f"The backend's output {index} cannot be used. {error}") from error
    except (ValueError, TypeError) as error:
        raise BackendError(f"The backend's output {index} cannot be encoded: {error}.") from error


def encode_preview(content: Any) -> tuple[bytes, str]:
    """Return a small picture of at most 256 px a side for an unfinished result, with its content type.

    Raises:
        BackendError: the content is not a picture.
    """
    limits = LimitSettings()
    try:
        if hasattr(content, "read"):
            content = content.read()
        if isinstance(content, bytes | bytearray | Path):
            source = content if isinstance(content, Path) else bytes(content)
            with open_image(source, limits) as opened:
                opened.draft("RGB", (512, 512))  # a large JPEG is decoded small
                return make_preview(plain_mode(decode(opened)))
        return make_preview(plain_mode(to_image(content, limits)))
    except (Undecodable, ValueError, TypeError) as error:
        raise BackendError(f"The preview cannot be shown: {error}") from error


def _wanted(format: str | None) -> Format | None:
    if not format:
        return None
    found = FORMATS.get(OTHER_NAMES.get(format.lower(), format.lower()))
    if found is None or not found.kept:
        known = ", ".join(item.name for item in FORMATS.values() if item.kept)
        raise BackendError(f"Outputs cannot be written as {format!r}; known are {known}.", field="format")
    return found


def _as_file(content: Any, job: _Job) -> Path | None:
    """Bring encoded content into the work folder; ``None`` when it is pixels."""
    raw = job.work_dir / f"incoming-{job.index:04d}"
    if isinstance(content, bytes | bytearray | memoryview):
        raw.write_bytes(content)
    elif isinstance(content, Path):
        if content.is_symlink() or not content.is_file():
            raise Undecodable("Its file does not exist.")
        shutil.copyfile(content, raw)
    elif hasattr(content, "read"):
        with raw.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
    else:
        return None
    return raw


def _stage_encoded(raw: Path, kind: MediaKind, job: _Job) -> StagedOutput:
    found = recognise(raw)
    try:
        if found.kind == "video" and kind == "audio" and not has_pictures(raw, found):
            found = _as_sound(raw, found, job)
        if found.kind == "audio":
            return _stage_sound(raw, found, job)
        if found.kind == "video":
            return _stage_video(raw, found, job)
        if kind == "video" and count_frames(raw, found.name, job.limits.video_frames) > 1:
            return _stage_animation(raw, found, job)
        return _stage_picture(raw, found, job)
    finally:
        raw.unlink(missing_ok=True)


def _stage_picture(raw: Path, found: Format, job: _Job) -> StagedOutput:
    with open_image(raw, job.limits) as opened:
        pixels = plain_mode(decode(opened))
    wanted = job.format if job.format is not None and job.format.kind == "image" else None
    if not found.kept or (wanted is not None and wanted is not found):
        return _stage_pixels(pixels, job)
    return _finish(raw.rename(job.path(found)), found, pixels, job)


def _stage_pixels(pixels: Image, job: _Job) -> StagedOutput:
    found = job.format if job.format is not None and job.format.kind == "image" else FORMATS["png"]
    path = job.path(found)
    path.write_bytes(encode_image(pixels, found.name))
    return _finish(path, found, pixels, job)


def _stage_frames(content: Any, job: _Job) -> StagedOutput:
    if not job.fps or not 0 < job.fps <= 1000:
        raise Undecodable("A video given as frames needs `fps`, more than 0 and at most 1000.")
    found = (
        job.format
        if job.format is not None and job.format.name in ("mp4", "webm", "gif", "webp")
        else FORMATS["mp4"]
    )
    path = job.path(found)
    frames = Frames(content, job.limits)
    if found.kind == "image":
        _write_animation(frames, path, found, job.fps)
        return _finish_animation(path, found, frames.count, job.fps, job)
    write_video(frames, path, format=found.name, fps=job.fps, audio=job.audio)
    if not frames.count:
        raise Undecodable("It has no frames.")
    return _finish_video(path, found, job)


def _stage_video(raw: Path, found: Format, job: _Job) -> StagedOutput:
    facts = read_video(raw, found, job.limits)
    wanted = job.format if job.format is not None and job.format.kind == "video" else None
    target = wanted or (found if found.kept else FORMATS["mp4"])
    path = job.path(target)
    if target is found:
        return _finish_video(raw.rename(path), found, job)
    try:
        remux(raw, found, path, target.name)
        return _finish_video(path, target, job)
    except (ValueError, Undecodable):  # a codec that this container cannot hold: encode anew
        path.unlink(missing_ok=True)
    try:
        write_video(
            iterate_frames(raw, found), path, format=target.name, fps=facts.fps, audio=read_track(raw, found)
        )
    except OSError as error:
        raise Undecodable(f"It cannot be turned into {target.name} ({type(error).__name__}).") from error
    return _finish_video(path, target, job)


def _as_sound(raw: Path, found: Format, job: _Job) -> Format:
    """A container of videos without pictures, brought into the one that sound of its kind goes by."""
    if found.reader == "mov":
        return FORMATS["m4a"]
    opened = raw.with_suffix(".sound")
    for name in ("ogg", "flac"):
        try:
            if name == "ogg":
                remux_sound(raw, found, opened, name)
            else:  # a codec that Ogg does not hold
                transcode(raw, found, opened, format=name)
        except ValueError:
            opened.unlink(missing_ok=True)
            continue
        opened.replace(raw)
        return FORMATS[name]
    raise Undecodable(f"Its sound cannot be taken out of {found.name}.")


def _stage_sound(raw: Path, found: Format, job: _Job) -> StagedOutput:
    wanted = job.format if job.format is not None and job.format.kind == "audio" else None
    if wanted in (None, found) and found.kept:
        return _finish_sound(raw.rename(job.path(found)), found, job)
    read_sound(raw, found, job.limits)  # the limits first: encoding takes longer than looking
    target = wanted or FORMATS["m4a" if found.name == "aac" else "flac"]
    path = job.path(target)
    try:
        if found.name == "aac" and target.name == "m4a":
            remux_sound(raw, found, path, target.name)
        else:
            transcode(raw, found, path, format=target.name)
    except ValueError as error:
        raise Undecodable(f"It cannot be turned into {target.name}.") from error
    return _finish_sound(path, target, job)


def _stage_samples(content: Any, job: _Job) -> StagedOutput:
    if not isinstance(content, Audio):
        raise Undecodable("Sound is handed over as `Audio` or as an encoded file.")
    if (
        len(content.samples.shape)
        and content.samples.shape[-1] > content.sample_rate * job.limits.audio_seconds
    ):
        raise Undecodable(f"It is longer than {job.limits.audio_seconds} seconds.")
    found = job.format if job.format is not None and job.format.kind == "audio" else FORMATS["flac"]
    path = job.path(found)
    write_sound(content, path, format=found.name)
    return _finish_sound(path, found, job)


def _finish_sound(path: Path, found: Format, job: _Job) -> StagedOutput:
    facts = read_sound(path, found, job.limits)
    thumbnail, hash_ = _write_thumbnail(draw(facts.peaks), job)
    return StagedOutput(
        index=job.index, kind="audio", path=path, mime=found.mime, seed=job.seed, thumbnail=thumbnail,
        placeholder=hash_, duration=facts.duration, has_audio=True, sample_rate=facts.sample_rate,
        channels=facts.channels, facts=job.facts,
    )  # fmt: skip


def _write_animation(frames: Frames, path: Path, found: Format, fps: float) -> None:
    import PIL.Image

    pictures = (PIL.Image.fromarray(pixels) for pixels in frames)
    first = next(pictures, None)
    if first is None:
        raise Undecodable("It has no frames.")
    more = {"quality": WEBP_QUALITY} if found.name == "webp" else {}
    first.save(
        path,
        found.reader,
        save_all=True,
        append_images=pictures,
        duration=max(1, round(1000 / fps)),
        loop=0,
        **more,
    )


def _stage_animation(raw: Path, found: Format, job: _Job) -> StagedOutput:
    from PIL import ImageSequence

    with open_image(raw, job.limits) as opened:
        frames = count_frames(raw, found.name, job.limits.video_frames)
        fps = job.fps or 1000 / (float(opened.info.get("duration") or 0) or 100.0)
        if job.format is not None and job.format.kind == "video":
            path = job.path(job.format)
            pictures = Frames(ImageSequence.Iterator(opened), job.limits)
            write_video(pictures, path, format=job.format.name, fps=fps, audio=job.audio)
            return _finish_video(path, job.format, job)
        decode(opened)
    return _finish_animation(raw.rename(job.path(found)), found, frames, fps, job)


def _finish(path: Path, found: Format, pixels: Image, job: _Job) -> StagedOutput:
    thumbnail, hash_ = _write_thumbnail(pixels, job)
    return StagedOutput(
        index=job.index, kind="image", path=path, mime=found.mime, width=pixels.width, height=pixels.height,
        seed=job.seed, thumbnail=thumbnail, placeholder=hash_, facts=job.facts,
    )  # fmt: skip


def _finish_animation(path: Path, found: Format, frames: int, fps: float, job: _Job) -> StagedOutput:
    with open_image(path, job.limits) as opened:
        pixels = plain_mode(decode(opened))
    thumbnail, hash_ = _write_thumbnail(pixels, job)
    return StagedOutput(
        index=job.index, kind="video", path=path, mime=found.mime, width=pixels.width, height=pixels.height,
        seed=job.seed, thumbnail=thumbnail, placeholder=hash_, duration=frames / fps, fps=fps, frames=frames,
        facts=job.facts,
    )  # fmt: skip


def _finish_video(path: Path, found: Format, job: _Job) -> StagedOutput:
    facts = read_video(path, found, job.limits)
    thumbnail, hash_ = _write_thumbnail(facts.poster, job)
    return StagedOutput(
        index=job.index, kind="video", path=path, mime=found.mime, width=facts.width, height=facts.height,
        seed=job.seed, thumbnail=thumbnail, placeholder=hash_, duration=facts.duration, fps=facts.fps,
        frames=facts.frames, has_audio=facts.has_audio, facts=job.facts,
    )  # fmt: skip


def _write_thumbnail(pixels: Image, job: _Job) -> tuple[Path, str]:
    data, hash_ = make_thumbnail(pixels)
    path = job.work_dir / f"thumbnail-{job.index:04d}.webp"
    path.write_bytes(data)
    return path, hash_
