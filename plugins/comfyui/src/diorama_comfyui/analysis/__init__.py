"""What a converted workflow needs, offers and does. Pure functions over a prompt and ``object_info``."""

from .check import check, check_value
from .links import OutputTypes, output_nodes, upstream
from .operations import Purpose, infer_purpose, output_media
from .parameters import Parameter, derive_parameters
from .requirements import MissingClass, MissingFile, missing_classes, missing_files
from .roles import Role

__all__ = [
    "MissingClass",
    "MissingFile",
    "OutputTypes",
    "Parameter",
    "Purpose",
    "Role",
    "check",
    "check_value",
    "derive_parameters",
    "infer_purpose",
    "missing_classes",
    "missing_files",
    "output_media",
    "output_nodes",
    "upstream",
]
