"""What the tests of files run on, with a real PostgreSQL in place of SQLite. Skipped where none is installed."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "jobs"))

from cluster import Cluster, find_binaries


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason='the driver is not installed: pip install "diorama[postgresql]"')
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    if os.geteuid() == 0 and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    made = Cluster(binaries)
    yield made
    made.stop()


@pytest.fixture
def database_url(cluster: Cluster) -> str:
    """An empty database."""
    return cluster.database()
