"""The scripted backend must be found here and in the worker processes, which get their paths from the environment."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE / "backends"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture(autouse=True, scope="module")
def _paths_for_workers():
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE / "backends"), before]))
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def make_bench(tmp_path):
    from worker_bench import Bench

    made = []

    def make(**options):
        made.append(Bench(tmp_path / str(len(made)), **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One executor for tests that leave its worker as they found it."""
    from worker_bench import Bench

    bench = Bench(tmp_path_factory.mktemp("shared"))
    yield bench
    bench.close()
