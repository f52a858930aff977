"""Python reads this in every program that a test starts: it stays on loopback, and says where it wanted to go.

Loaded at each start, so it imports nothing before something asks for the network.
"""

import _thread
import os
import sys

_guard_module = None
_loading = _thread.allocate_lock()
RECORD = os.environ.get("LOOPBACK_RECORD", "")


def _guard(event, args):
    if not event.startswith("socket."):
        return
    where = _module().leaves(event, args)
    if where is not None:
        with open(RECORD, "a", encoding="utf-8") as file:
            print(f"{os.environ.get('PYTEST_CURRENT_TEST', '?')}: {where}", file=file)
        raise OSError(f"the loopback guard stopped {where}")


def _module():
    """The guard's own module, loaded once; many threads may ask for it at the same time."""
    global _guard_module
    with _loading:
        if _guard_module is None:
            from importlib.util import module_from_spec, spec_from_file_location

            spec = spec_from_file_location("_loopback_guard", os.environ["LOOPBACK_GUARD"])
            made = sys.modules["_loopback_guard"] = module_from_spec(spec)
            spec.loader.exec_module(made)
            _guard_module = made
        return _guard_module


if RECORD:
    sys.addaudithook(_guard)
