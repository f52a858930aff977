"""What a worker process inherits: the interpreter's and the libraries' variables, none of the user's keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SECRET = re.compile(
    r"(^|_)(api)?(keys?|tokens?|secrets?|passw(or)?ds?|passphrase|credentials?|auth|cookies?|dsn|pwd)(_|\d|$)",
    re.IGNORECASE,
)
_USER_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_KEPT = frozenset({"PWD", "OLDPWD"})
_OURS = ("DIORAMA_",)
"""Settings travel over the wire; the server's own variables are none of a worker's business."""


_USUAL = {"GOMP_SPINCOUNT": "3000"}
"""Set unless the user set it: how long threads that wait for each other spin before they sleep. As long as the library spins
by itself, a two-second picture took minutes on a busy machine; without any spinning a small model on two calm cores takes a
fifth longer."""


def worker_environment(environ: Mapping[str, str], named: Iterable[str] = ()) -> dict[str, str]:
    """Return ``environ`` without keys.

    A worker runs native code on files from the internet; what it does not have, it cannot leak. A backend asks for a
    secret through its context.

    Args:
        environ: Variables of the server.
        named: Variables that backends declared for their secrets.
    """
    declared = frozenset(named)
    return _USUAL | {
        name: value
        for name, value in environ.items()
        if name in _KEPT
        or not (
            name in declared or name.startswith(_OURS) or _SECRET.search(name) or _USER_IN_URL.search(value)
        )
    }
