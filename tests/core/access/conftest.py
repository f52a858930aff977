"""What the tests of the way to the network share."""

import pytest
from core.access.loopback import make_door, serving
from diorama.access.lines import Lines
from diorama.settings import load_settings


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def settings(tmp_path):
    return load_settings({"DIORAMA_HOME": str(tmp_path / "home")})


@pytest.fixture
def door(settings, server):
    """A door for a backend whose user configured the server."""
    return make_door(settings, url=server.url)


@pytest.fixture
def lines():
    kept = Lines()
    yield kept
    kept.close()
