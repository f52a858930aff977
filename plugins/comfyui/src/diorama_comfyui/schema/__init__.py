"""What a ComfyUI server says about its nodes, typed, cached and unfolded."""

from .cache import load_object_info, save_object_info
from .expand import expand_inputs
from .info import ObjectInfo
from .parse import parse_class, parse_input, split_types
from .replacements import Replacement, parse_replacement
from .specs import Branch, Growth, InputSpec, Kind, NodeClass

__all__ = [
    "Branch",
    "Growth",
    "InputSpec",
    "Kind",
    "NodeClass",
    "ObjectInfo",
    "Replacement",
    "expand_inputs",
    "load_object_info",
    "parse_class",
    "parse_input",
    "parse_replacement",
    "save_object_info",
    "split_types",
]
