"""Settings inside files: ours put in, everybody's read back. Pixels are never touched, foreign text is never trusted."""

from diorama.assets.metadata.embed import embed, strip
from diorama.assets.metadata.info import ImageInfo, LoraUse
from diorama.assets.metadata.read import read_metadata

__all__ = ["ImageInfo", "LoraUse", "embed", "read_metadata", "strip"]
