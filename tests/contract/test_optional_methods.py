"""What a backend may offer beside the hooks: one that offers nothing still works with all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from diorama.contract import (
    Availability,
    AvailabilityState,
    Backend,
    BackendNotReady,
    LoraInfo,
    MemoryNeed,
    StoredModel,
    from_plain,
    to_plain,
)
from diorama.testing import backend_settings


def test_a_backend_that_offers_nothing(tmp_path: Path) -> None:
    plain = Backend(backend_settings("plain", tmp_path))
    assert (plain.loras(), plain.storage(), plain.memory_needs("any", "cpu")) == ((), (), ())
    with pytest.raises(BackendNotReady):
        plain.remove("any")


@pytest.mark.parametrize(
    "record",
    [
        LoraInfo(id="a/b", title="B", kind="sdxl", triggers=("word",), defaults={"num_inference_steps": 4},
                 availability=Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix="Get it.")),
        StoredModel(native_id="x", path="/p", size_bytes=5, freeable_bytes=3),
        MemoryNeed(plan="full", device_bytes=7, ram_bytes=1, parameters={"quantization": "Q4_K_M"}),
    ],
    ids=lambda record: type(record).__name__,
)  # fmt: skip
def test_records_travel_as_plain_data(record: LoraInfo | StoredModel | MemoryNeed) -> None:
    assert from_plain(type(record), to_plain(record)) == record
