"""Input pictures, masks, videos and sounds against what the model takes."""

from __future__ import annotations

from collections.abc import Mapping

from diorama.contract import Capabilities, InvalidRequest, MediaInput, ModelInfo
from diorama.resolution.notebook import Notebook


def check_images(
    images: tuple[MediaInput, ...],
    capabilities: Capabilities,
    model: ModelInfo,
    notes: Notebook,
    *,
    needed: bool,
) -> tuple[MediaInput, ...]:
    """Return the pictures to run with.

    Args:
        images: What was given.
        capabilities: Of the operation.
        model: For the sentences.
        notes: Where ignored ones are recorded.
        needed: Whether the operation makes no sense without one.

    Raises:
        InvalidRequest: too few or too many, or one of them is a video.
    """
    offered = capabilities.images_in
    if offered is None:
        if images:
            notes.ignore("reference_images", len(images), f"{model.title} takes no input image here.")
        return ()
    least, most = max(int(offered.minimum), int(needed)), int(offered.maximum)
    if len(images) < least:
        raise InvalidRequest(
            f"{model.title} needs {least} input image{'s' if least > 1 else ''}; {len(images)} given.",
            field="reference_images",
            fix="Add an image.",
        )
    if len(images) > most:
        raise InvalidRequest(
            f"{model.title} takes at most {most} input image{'s' if most > 1 else ''}; {len(images)} given.",
            field="reference_images",
            fix="Remove some.",
        )
    if any(image.kind != "image" for image in images):
        what = "sound" if any(image.kind == "audio" for image in images) else "a video"
        raise InvalidRequest(
            f"{what[:1].upper()}{what[1:]} was given where an image is needed.",
            field="reference_images",
            fix="Give an image.",
        )
    if images:
        notes.apply("reference_images", [image.asset_id or image.sha256 for image in images])
    return images


def check_sounds(
    sounds: tuple[MediaInput, ...], capabilities: Capabilities, model: ModelInfo, notes: Notebook
) -> tuple[MediaInput, ...]:
    """Return the sounds to run with.

    Raises:
        InvalidRequest: too few or too many, or one of them is no sound.
    """
    offered = capabilities.sounds_in
    if offered is None:
        if sounds:
            notes.ignore("sounds", len(sounds), f"{model.title} takes no sound here.")
        return ()
    least, most = int(offered.minimum), int(offered.maximum)
    if not least <= len(sounds) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise InvalidRequest(
            f"{model.title} takes {wanted} sound{'' if most == 1 else 's'}; {len(sounds)} given.",
            field="sounds",
            fix="Add a sound." if len(sounds) < least else "Remove some.",
        )
    if any(sound.kind != "audio" for sound in sounds):
        raise InvalidRequest(
            "A picture or video was given where sound is needed.",
            field="sounds",
            fix="Give a FLAC, MP3, Ogg, WAV or M4A file.",
        )
    if sounds:
        notes.apply("sounds", [sound.asset_id or sound.sha256 for sound in sounds])
    return sounds


def note_unused(media: MediaInput | None, notes: Notebook) -> None:
    """Note a source that only upscales and videos have."""
    if media is not None:
        notes.ignore("media", media.asset_id or media.sha256, "media has no meaning for this operation.")


def check_source_video(
    media: MediaInput | None, capabilities: Capabilities, model: ModelInfo, notes: Notebook
) -> MediaInput | None:
    """Return the video that another one is made from, where the model takes one.

    Raises:
        InvalidRequest: it is a picture or a sound.
    """
    if media is None:
        return None
    if not capabilities.videos_in:
        notes.ignore("media", media.asset_id or media.sha256, f"{model.title} takes no video here.")
        return None
    if media.kind != "video":
        what = "A sound" if media.kind == "audio" else "A picture"
        raise InvalidRequest(f"{what} was given where a video is needed.", field="media", fix="Give a video.")
    notes.apply("media", media.asset_id or media.sha256)
    return media


def check_mask(
    mask: MediaInput | None, images: tuple[MediaInput, ...], capabilities: Capabilities, notes: Notebook
) -> MediaInput | None:
    """Return the mask where the model takes one.

    Raises:
        InvalidRequest: it has another size than the picture, or there is no picture.
    """
    if mask is None:
        return None
    if not capabilities.mask:
        notes.ignore("mask", mask.sha256, "This model takes no mask.")
        return None
    if not images:
        raise InvalidRequest(
            "A mask was given without an image.", field="mask", fix="Add the image that it belongs to."
        )
    if (mask.width, mask.height) != (images[0].width, images[0].height):
        raise InvalidRequest(
            f"The mask is {mask.width}x{mask.height}, the image {images[0].width}x{images[0].height}.",
            field="mask",
            fix="Make the mask as large as the image.",
        )
    notes.apply("mask", mask.asset_id or mask.sha256)
    return mask


def check_control(
    control: Mapping[str, MediaInput], capabilities: Capabilities, notes: Notebook
) -> dict[str, MediaInput]:
    """Return the control maps that the model takes; the others are noted as ignored."""
    taken = {}
    for kind, image in control.items():
        if kind in capabilities.control_kinds:
            taken[kind] = image
            notes.apply(f"control.{kind}", image.asset_id or image.sha256)
        else:
            known = ", ".join(capabilities.control_kinds) or "none"
            notes.ignore(f"control.{kind}", image.sha256, f"This model takes these control maps: {known}.")
    return taken


def check_media(media: MediaInput | None, capabilities: Capabilities, model: ModelInfo) -> MediaInput:
    """Return what an upscale enlarges.

    Raises:
        InvalidRequest: nothing was given, or a kind that the model does not take.
    """
    if media is None:
        raise InvalidRequest(
            f"{model.title} needs something to enlarge.", field="media", fix="Give an image or a video."
        )
    if media.kind == "audio":
        raise InvalidRequest("Sound cannot be enlarged.", field="media", fix="Give an image or a video.")
    if media.kind == "video" and not capabilities.videos_in:
        raise InvalidRequest(f"{model.title} takes no video.", field="media", fix="Give an image.")
    if media.kind == "image" and capabilities.images_in is None:
        raise InvalidRequest(f"{model.title} takes no image.", field="media", fix="Give a video.")
    return media
