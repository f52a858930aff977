"""A kit for backends that send work to somebody else's service; import it only where it is used.

A provider's plugin says how *its* service is spoken to (submit, look, cancel, upload) in a class derived from
:class:`RemoteBackend`, and lists its models in a TOML file. The kit does what must be alike everywhere: buy once,
remember before waiting, poll with patience, cancel, bring every result at once, and never repeat what may be billed.
"""

from diorama.contract.remote.answers import Refusal, Unanswered, Unreached
from diorama.contract.remote.backend import RemoteBackend
from diorama.contract.remote.call import Call, Look, Output
from diorama.contract.remote.offers import Offer, Wire, load_offers

__all__ = [
    "Call", "Look", "Offer", "Output", "Refusal", "RemoteBackend", "Unanswered", "Unreached", "Wire", "load_offers",
]  # fmt: skip
