"""What all video families share: frames, rate, and sizes that follow a start picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from diorama.contract import Capabilities, Operation, Range, VideoRequest

from diorama_local_diffusers.families.base import Family, Task, size_of_ratio
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder

DEFAULT_STRENGTH = 0.8
"""How far a video that is made over leaves its source when nothing is asked."""


class VideoFamily(Family):
    """Text and/or a picture to a video, or a video to another one.

    Attributes:
        width: Default width.
        height: Default height.
        frame_step: Allowed frame counts are ``1 + n * frame_step``.
        default_frames: Frames when nothing is asked.
        most_frames: Largest frame count.
        default_fps: Frames per second when nothing is asked.
        sound: Whether the model makes sound.
        reads_prompt: Whether the model reads a prompt.
        most_pictures: How many pictures may stand at times of their own, the first one at the beginning.
    """

    width: ClassVar[int] = 832
    height: ClassVar[int] = 480
    frame_step: ClassVar[int] = 4
    default_frames: ClassVar[int] = 81
    most_frames: ClassVar[int] = 200
    default_fps: ClassVar[float] = 16.0
    sound: ClassVar[bool] = False
    reads_prompt: ClassVar[bool] = True
    most_pictures: ClassVar[int] = 1

    def native_size(self, entry: ModelEntry, folder: PipelineFolder | None) -> tuple[int, int]:
        """Return the frame size used when nothing is asked."""
        return entry.default_width or self.width, entry.default_height or self.height

    def frames_range(self, entry: ModelEntry) -> Range:
        """Return the allowed frame counts."""
        most = 1 + (self.most_frames - 1) // self.frame_step * self.frame_step
        whole = Range(minimum=1, maximum=most, step=self.frame_step, integer=True)
        default = whole.nearest(entry.default_num_frames or self.default_frames)
        return Range(minimum=1, maximum=most, step=self.frame_step, default=default, integer=True)

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Return video, with or without a start picture."""
        common = self.common(entry, folder)
        sizes = self.sizes(entry, folder)
        if "text" not in self.classes and not sizes.choices:
            sizes = replace(
                sizes, default=None
            )  # the start picture decides the shape unless the user names a size
        images = None
        if "image" in self.classes:
            least, most = int("text" not in self.classes), self.pictures_taken(folder)
            images = Range(minimum=least, maximum=most, default=least or None, integer=True)
        fps = entry.default_fps or self.default_fps
        video = Capabilities(
            prompt="required" if self.reads_prompt else "none",
            sizes=sizes,
            images_in=images,
            videos_in=self.takes_videos(folder),
            strength=Range(minimum=0, maximum=1, default=DEFAULT_STRENGTH)
            if self.takes_videos(folder)
            else None,
            frames=self.frames_range(entry),
            fps=Range(minimum=1, maximum=60, default=fps),
            audio=self.sound,
            **common,
        )
        return {Operation.VIDEO: video}

    def pictures_taken(self, folder: PipelineFolder | None) -> int:
        """Return how many pictures a model takes."""
        return self.most_pictures

    def picture_arguments(self, pictures: list[Any], frames: int, pipe: Any) -> dict[str, Any]:
        """Return the arguments for pictures that are as large as the video.

        Args:
            pictures: The start picture, and what comes later.
            frames: Number of frames.
            pipe: The model as it was opened.

        Raises:
            InvalidRequest: there is no room for so many.
        """
        return {"image": pictures[0]}

    def takes_videos(self, folder: PipelineFolder | None) -> bool:
        """Whether a model makes videos over."""
        return "video" in self.classes

    def runs_steps(self, steps: int, strength: float) -> int:
        """These pipelines round down, and break when nothing is left."""
        return min(int(steps * strength), steps)

    def size_for(
        self,
        request: VideoRequest,
        entry: ModelEntry,
        folder: PipelineFolder | None,
        picture: tuple[int, int] | None,
    ) -> tuple[int, int]:
        """Return the frame size: what was asked, else the shape of the start picture or source video at the native number
        of pixels."""
        width, height = self.native_size(entry, folder)
        if request.width and request.height:
            return request.width, request.height
        if picture is None:
            return width, height
        return size_of_ratio(picture[0] / picture[1], width * height, self.multiple_of)

    def video_arguments(self, request: VideoRequest, frames: int, fps: float) -> dict[str, Any]:
        """Return the arguments for length and rate."""
        return {"num_frames": frames}

    def further(self, task: Task, request: Any, pipe: Any) -> dict[str, Any]:
        """Return the user's values of this family's own parameters, by the pipeline's names."""
        return {
            key: value
            for key, value in request.parameters.items()
            if key in self.parameters.get("properties", {})
        }
