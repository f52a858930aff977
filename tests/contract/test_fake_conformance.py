"""The fake backend passes the suite that it helps to test."""

from pathlib import Path

import pytest
from diorama.contract import Backend
from diorama.testing import BackendConformance, backend_settings
from diorama.testing.fake import create


class TestFake(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return create(backend_settings("fake", tmp_path, sounds=True, videos=True))
