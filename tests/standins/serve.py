"""Run one stand-in in a process of its own, for trying things out and for measuring.

    python -m standins.serve replicate [SECONDS]

Prints one JSON line: the key and the address of each host. Jobs take SECONDS (2) and make small pictures. Each line
written to its input is answered with the counts so far; the end of the input ends it.
"""

from __future__ import annotations

import json
import sys

from . import FalStandin, HiggsfieldStandin, KreaStandin, OpenAIStandin, ReplicateStandin, Script, Standin

STANDINS: dict[str, type[Standin]] = {
    "replicate": ReplicateStandin, "fal": FalStandin, "krea": KreaStandin, "higgsfield": HiggsfieldStandin,
    "openai": OpenAIStandin,
}  # fmt: skip


def main(name: str, seconds: float) -> None:
    """Serve until the input ends."""
    with STANDINS[name]() as server:
        server.default = Script(seconds=seconds, size=(64, 64))
        print(
            json.dumps({"key": server.key, **{host: server.url(host) for host in server.ports}}), flush=True
        )
        for _ in sys.stdin:
            print(
                json.dumps(
                    {"submissions": server.submissions, "requests": len(server.seen), **server.counts}
                ),
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 2.0)
