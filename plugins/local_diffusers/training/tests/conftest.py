"""Makes the training package importable and finds the shipped model."""

import sys
from pathlib import Path

import pytest

TRAINING = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TRAINING))


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The folder of the pocket model that the plugin ships."""
    return TRAINING.parent / "src" / "diorama_local_diffusers" / "pocket"
