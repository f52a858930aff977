"""Stripes in the colours of the prompt: the smallest backend that is complete."""

# [start:imports]
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diorama.contract import (
    Backend,
    BackendSettings,
    Capabilities,
    EditRequest,
    GenerateRequest,
    JobContext,
    ListContext,
    ModelInfo,
    Operation,
    Range,
    Result,
    Sizes,
    UnknownModel,
    hookimpl,
)

if TYPE_CHECKING:
    from PIL.Image import Image
# [end:imports]

WORDS = re.compile(r"[a-z]+")


# [start:capabilities]
STRIPES = Capabilities(
    sizes=Sizes(default=(256, 256), minimum=16, maximum=2048, multiple_of=1),
    images_out=Range(minimum=1, maximum=4, default=1, integer=True),
    parameters={
        "type": "object",
        "properties": {
            "count": {
                "type": "integer", "minimum": 1, "maximum": 64, "default": 8, "description": "Number of stripes.",
            },
        },
        "additionalProperties": False,
    },
)  # fmt: skip
TINT = Capabilities(
    sizes=Sizes(match_input=True, free=False),
    images_in=Range(minimum=1, maximum=1, integer=True),
    strength=Range(minimum=0, maximum=1, default=0.5),
    seed=False,
)
# [end:capabilities]


# [start:backend]
class ExampleBackend(Backend):
    """Draws stripes and tints pictures."""

    title = "Example"
    # [end:backend]

    # [start:list]
    @hookimpl
    def list_models(self, context: ListContext) -> Sequence[ModelInfo]:
        """Return the one model."""
        return [
            ModelInfo(
                id=f"{self.name}:stripes",
                title="Stripes",
                operations={Operation.GENERATE: STRIPES, Operation.EDIT: TINT},
                description="Stripes in the colours that the prompt names.",
                category="example",
            )
        ]

    # [end:list]

    # [start:generate]
    @hookimpl
    def generate(self, request: GenerateRequest, context: JobContext) -> Result:
        """Draw one striped picture per image asked."""
        self._check(request.native_id)
        colours = self._colours(request.prompt, context)
        saved = []
        for index in range(request.num_images):
            context.progress(
                "generating", index / request.num_images, image=index + 1, images=request.num_images
            )
            seed = request.seed_of(index)
            picture = draw(
                colours,
                seed or 0,
                int(request.parameters["count"]),
                (request.width or 256, request.height or 256),
            )
            saved.append(context.save(picture, seed=seed))
        return Result(artifacts=tuple(saved))

    # [end:generate]

    # [start:edit]
    @hookimpl
    def edit(self, request: EditRequest, context: JobContext) -> Result:
        """Blend the picture with the first colour of the prompt."""
        from PIL import Image as Pillow

        self._check(request.native_id)
        context.progress("generating", 0.0)
        source = request.images[0].load_image()
        colour = Pillow.new("RGB", source.size, self._colours(request.prompt, context)[0])
        tinted = Pillow.blend(source, colour, 0.5 if request.strength is None else request.strength)
        return Result(artifacts=(context.save(tinted),))

    # [end:edit]

    # [start:ignored]
    def _colours(self, prompt: str, context: JobContext) -> list[str]:
        """Return the colour names in the prompt, and tell the user which words had no effect."""
        from PIL import ImageColor

        words = WORDS.findall(prompt.lower())
        known = [word for word in words if word in ImageColor.colormap]
        for word in words:
            if word not in known and word != "and":
                context.ignored("prompt", word, "Only colour names are understood, such as red or gold.")
        return known or ["black", "white"]

    # [end:ignored]

    def _check(self, native_id: str) -> None:
        if native_id != "stripes":
            raise UnknownModel(f"{self.name} has no model {native_id!r}.", field="model")


def draw(colours: Sequence[str], seed: int, count: int, size: tuple[int, int]) -> Image:
    """Return ``count`` vertical stripes; the seed shuffles the colours."""
    import random

    from PIL import Image as Pillow
    from PIL import ImageDraw

    order = random.Random(seed)
    picture = Pillow.new("RGB", size)
    pen = ImageDraw.Draw(picture)
    for index in range(count):
        left, right = size[0] * index // count, size[0] * (index + 1) // count
        pen.rectangle((left, 0, right, size[1]), fill=order.choice(list(colours)))
    return picture


# [start:factory]
def create(settings: BackendSettings) -> ExampleBackend:
    """Make the backend; the entry point names this function."""
    return ExampleBackend(settings)


# [end:factory]
