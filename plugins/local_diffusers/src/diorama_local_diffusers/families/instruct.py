"""Models that change pictures by instruction."""

from __future__ import annotations

from typing import ClassVar

from diorama.contract import Capabilities, Operation, Range, Sizes

from diorama_local_diffusers.families.base import FOUR_PICTURES, Family
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder


class InstructFamily(Family):
    """One or more pictures and an instruction to a picture of exactly the first one's size.

    Attributes:
        most_images: How many pictures an edit takes.
        takes_list: Whether the pipeline wants a list of pictures.
    """

    most_images: ClassVar[int] = 1
    takes_list: ClassVar[bool] = False

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Return edit, and generate for those whose pipeline also runs without a picture."""
        common = self.common(entry, folder)
        found = {
            Operation.EDIT: Capabilities(
                sizes=Sizes(match_input=True, free=False, minimum=1, maximum=65_500, multiple_of=1),
                images_in=Range(minimum=1, maximum=self.most_images, default=1, integer=True),
                images_out=FOUR_PICTURES,
                mask="mask" in self.classes,
                strength=Range(minimum=0, maximum=1, default=1.0) if "mask" in self.classes else None,
                **common,
            )
        }
        if "text" in self.classes:
            sizes = self.sizes(entry, folder)
            found[Operation.GENERATE] = Capabilities(sizes=sizes, images_out=FOUR_PICTURES, **common)
        return found

    def instruct_arguments(self, width: int, height: int) -> dict[str, object]:
        """Return the arguments that set the work size."""
        return {"width": width, "height": height}
