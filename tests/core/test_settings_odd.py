"""Settings that contradict each other or have another form than they should: a sentence, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from diorama.cli.options import parse_size
from diorama.contract import InvalidRequest
from diorama.settings import load_settings


@pytest.mark.parametrize(
    "text",
    [
        "[backends]\nfal = 5",
        "backends = 5",
        "[backends]\nfal = [1]",
        "server = 5",
        "limits = []",
        "[aliases]\nx = 1\n[backends]\ny = true",
        "[limits]\nupload_bytes = -1",
        "[limits]\nupload_bytes = inf",
        "[limits]\nvideo_frames = nan",
        "[limits]\ncancel_grace_seconds = nan",
        "[limits]\nworker_idle_seconds = -0.5",
        "[spending]\nper_day = nan",
        "[server]\nport = -1",
        'output_format = "exe"',
    ],
)
def test_what_no_setting_can_be(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(text)
    with pytest.raises(InvalidRequest) as caught:
        load_settings({"DIORAMA_HOME": str(tmp_path)})
    assert caught.value.field


@pytest.mark.parametrize("order", [1, -1])
def test_a_variable_of_a_table_and_one_of_its_name(tmp_path: Path, order: int) -> None:
    both = [("DIORAMA_BACKENDS__FAL", "x"), ("DIORAMA_BACKENDS__FAL__URL", "http://a")][::order]
    settings = load_settings({"DIORAMA_HOME": str(tmp_path), **dict(both)})
    assert settings.backends["fal"] == {"url": "http://a"}


@pytest.mark.parametrize("text", ["\u00b2x\u00b2", "1e3x5", "-1x5", "x", "1" * 5000 + "x1", "0x", "\u0663x"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_size(text)
