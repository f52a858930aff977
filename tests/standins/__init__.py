"""Stand-in servers: the providers' interfaces on loopback, strict in what they accept, scriptable in what they say."""

from .fal import FalStandin
from .guard import loopback_guard
from .higgsfield import HiggsfieldStandin
from .krea import KreaStandin
from .openai_images import OpenAIStandin
from .replicate import ReplicateStandin
from .script import Fault, Job, Script
from .server import Standin

__all__ = [
    "FalStandin",
    "Fault",
    "HiggsfieldStandin",
    "Job",
    "KreaStandin",
    "OpenAIStandin",
    "ReplicateStandin",
    "Script",
    "Standin",
    "loopback_guard",
]
