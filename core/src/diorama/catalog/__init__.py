"""One list of models over all backends."""

from diorama.catalog.catalog import Catalog
from diorama.catalog.search import ModelFilter

__all__ = ["Catalog", "ModelFilter"]
