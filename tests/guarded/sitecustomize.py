"""Python reads this in every program that a test starts: it stays on loopback, and says where it wanted to go.

Loaded at each start, so it imports nothing before something asks for the network.
"""

import os
import sys

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
    found = sys.modules.get("_loopback_guard")
    if found is None:
        from importlib.util import module_from_spec, spec_from_file_location

        spec = spec_from_file_location("_loopback_guard", os.environ["LOOPBACK_GUARD"])
        found = sys.modules["_loopback_guard"] = module_from_spec(spec)
        spec.loader.exec_module(found)
    return found


if RECORD:
    sys.addaudithook(_guard)
