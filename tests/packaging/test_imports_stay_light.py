"""What must start fast draws in nothing heavy; each case is a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

HEAVY = (
    "torch", "diffusers", "transformers", "accelerate", "fastapi", "starlette", "pydantic", "sqlalchemy", "numpy", "PIL",
    "av", "replicate", "fal_client", "higgsfield_client", "huggingface_hub", "httpx2",
)  # fmt: skip
VENDORS = (
    "torch",
    "diffusers",
    "transformers",
    "fastapi",
    "sqlalchemy",
    "replicate",
    "fal_client",
    "higgsfield_client",
)


def drawn_in(code: str, names: tuple[str, ...]) -> str:
    script = f"import sys\n{code}\nprint('|' + ' '.join(n for n in {names!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.rpartition("|")[2].strip()


@pytest.mark.parametrize(
    "code",
    [
        "import diorama",
        "from diorama.cli.main import main; main(['--help'])",
        "from diorama.cli.main import main; main(['--version'])",
        "import diorama.contract",
        "from diorama.settings import load_settings; load_settings()",
    ],
)
def test_the_first_steps_are_light(code: str) -> None:
    assert drawn_in(code, HEAVY) == ""


@pytest.mark.parametrize("point", entry_points(group="diorama.backends"), ids=lambda point: point.name)
def test_importing_a_backend_is_light(point) -> None:  # type: ignore[no-untyped-def]
    module = point.value.partition(":")[0]
    assert drawn_in(f"import {module}", VENDORS) == ""


def test_the_server_never_imports_torch() -> None:
    assert (
        drawn_in(
            "import diorama_web.app, diorama_web.server, diorama.engine",
            ("torch", "diffusers", "transformers"),
        )
        == ""
    )
