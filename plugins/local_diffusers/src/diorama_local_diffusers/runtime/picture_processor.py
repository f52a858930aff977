"""What prepares prompts and pictures for the Qwen vision-language models, without torchvision.

The class of transformers cannot be made without its part for videos, which exists for torchvision only. No picture ever
comes near that part, so it is left out here. Pictures go through Pillow on every machine, whether torchvision is there or
not, so that a recipe does not depend on it. Imports transformers: only what opens such a model imports this.
"""

# ruff: noqa: TID253
from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import Qwen2Tokenizer, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil


class PictureProcessor(Qwen2VLProcessor):  # type: ignore[misc]
    """The processor of these models for text with pictures.

    transformers reads the parts of a processor from the arguments of this constructor; one that is not named here is not
    asked for.
    """

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None) -> None:
        super().__init__(image_processor, tokenizer, chat_template=chat_template)


def open_processor(place: Path) -> PictureProcessor:
    """Open the processor in a folder, as the stock class or this one saved it."""
    return PictureProcessor(
        image_processor=Qwen2VLImageProcessorPil.from_pretrained(place, local_files_only=True),
        tokenizer=Qwen2Tokenizer.from_pretrained(place, local_files_only=True),
    )
