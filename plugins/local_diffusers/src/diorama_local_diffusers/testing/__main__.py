"""``python -m diorama_local_diffusers.testing FOLDER [FAMILY ...]``: write tiny stand-ins for the known models."""

from __future__ import annotations

import argparse
from pathlib import Path

from diorama_local_diffusers.testing.standins import FAMILIES, build_standins


def main() -> None:
    """Write them and print the settings that list them."""
    parser = argparse.ArgumentParser(prog="python -m diorama_local_diffusers.testing", description=__doc__)
    parser.add_argument("folder", type=Path, help="where they are written")
    parser.add_argument(
        "family", nargs="*", choices=[*FAMILIES, []], help="only these families (default: all)"
    )
    options = parser.parse_args()
    listed = build_standins(options.folder, options.family)
    print(f"export DIORAMA_BACKENDS__LOCAL__MODELS_FILE={listed}")
    print(f"export DIORAMA_BACKENDS__LOCAL__LORAS_DIRS={listed.parent / 'loras'}")
    for network in sorted((listed.parent / "controlnets").glob("*")):
        print(f"export DIORAMA_BACKENDS__LOCAL__CONTROLNETS__{network.name.upper()}__CANNY={network}")
    for adapter in sorted((listed.parent / "adapters").glob("*")):
        print(f"export DIORAMA_BACKENDS__LOCAL__IP_ADAPTERS__{adapter.name.upper()}={adapter}")


if __name__ == "__main__":
    main()
