"""The contract's own tests, and the table of base models."""

from __future__ import annotations

from pathlib import Path

import pytest
from diorama.contract import Backend
from diorama.testing import BackendConformance, backend_settings
from diorama_civitai import create_backend
from diorama_civitai.api.cache import Cache
from diorama_civitai.basemodels import base_of, usual_settings


class TestCivitai(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return create_backend(backend_settings("civitai", tmp_path))


@pytest.mark.parametrize(
    ("name", "family", "kind"),
    [
        ("SD 1.5", "sd15", "sd"), ("SD 1.5 LCM", "sd15", "sd"), ("SD 2.1 768", "sd2", "sd"),
        ("SDXL 1.0", "sdxl", "sdxl"), ("SDXL Lightning", "sdxl", "sdxl"), ("Pony", "sdxl", "sdxl"),
        ("Pony V7", "auraflow", ""), ("NoobAI", "sdxl", "sdxl"), ("SD 3.5 Large Turbo", "sd3", "sd3"),
        ("Flux.1 D", "flux", "flux"), ("Flux.1 Kontext", "flux", "flux"), ("Flux.2 Klein 9B", "flux2", "flux2"),
        ("Qwen", "qwen-image", "qwen-image"), ("Wan Video 2.2 I2V-A14B", "wan", "wan"), ("LTXV", "ltx", ""),
        ("LTXV2", "ltx2", "ltx2"), ("Hunyuan Video", "hunyuan-video", ""), ("Hunyuan 1", "hunyuan-dit", ""),
        ("ZImageTurbo", "z-image", ""), ("Other", "", ""), ("", "", ""),
    ],
)  # fmt: skip
def test_base_models(name: str, family: str, kind: str) -> None:
    assert (base_of(name).family, base_of(name).kind) == (family, kind)


@pytest.mark.parametrize("name", ["Sora 2", "Veo 3", "Nano Banana", "Imagen4", "Kling", "Seedream"])
def test_services_have_no_files(name: str) -> None:
    assert base_of(name).closed


def test_fast_variants_get_few_steps() -> None:
    assert usual_settings("SDXL Lightning")["num_inference_steps"] < 10
    assert usual_settings("SDXL 1.0")["num_inference_steps"] > 20
    assert usual_settings("Flux.1 S")["num_inference_steps"] == 4
    assert usual_settings("Other") == {}


def test_the_cache_forgets_in_time() -> None:
    now = [0.0]
    cache = Cache(clock=lambda: now[0])
    cache.put("a", 1, 10)
    now[0] = 9.9
    assert cache.get("a") == 1
    now[0] = 10.0
    assert cache.get("a") is None
    for number in range(300):
        cache.put(number, number, 10)
    assert cache.get(0) is None
    assert cache.get(299) == 299
