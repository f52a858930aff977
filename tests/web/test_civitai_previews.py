"""Preview pictures come through this server: small, checked, kept, and from no host but Civitai's."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "plugins/civitai/tests"))

from civitai_standin import Site
from PIL import Image


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def civitai(site: Site, new_server: Callable[..., Any]) -> Any:
    return new_server(
        DIORAMA_BACKENDS__CIVITAI__PLUGIN="diorama_civitai:create_backend",
        DIORAMA_BACKENDS__CIVITAI__URL=site.url,
        DIORAMA_BACKENDS__CIVITAI__ALLOW_HOSTS=site.storage,
    )


def encoded(format: str, size: tuple[int, int] = (900, 600)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, format)
    return buffer.getvalue()


def clip(folder: Path) -> bytes:
    import av
    import numpy as np

    path = folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(4):
            pixels = np.full((48, 64, 3), 200, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


def ask(civitai: Any, url: str, **more: str) -> Any:
    return civitai.client.get("/api/civitai/preview", params={"url": url, **more})


def test_small_harmless_and_fetched_once(civitai: Any, site: Site) -> None:
    site.pictures["a.jpeg"] = encoded("JPEG")
    address = f"http://{site.storage}/pictures/a.jpeg"
    first = ask(civitai, address)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert "sandbox" in first.headers["content-security-policy"]
    assert Image.open(io.BytesIO(first.content)).size == (480, 320)
    assert Image.open(io.BytesIO(ask(civitai, address, size="page").content)).size == (900, 600)
    assert ask(civitai, address).content == first.content
    asked = [path for path in site.paths("storage") if path.startswith("/pictures/")]
    assert len(asked) == 2  # one for each size
    assert all("authorization" not in headers for headers in site.headers("storage"))


def test_a_video_gives_a_still(civitai: Any, site: Site, tmp_path: Path) -> None:
    site.pictures["clip.mp4"] = clip(tmp_path)
    answer = ask(civitai, f"http://{site.storage}/pictures/clip.mp4")
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).size == (64, 48)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.png", "https://example.test/x.png", "https://civitai.com.example.test/x.png",
        "http://image.civitai.com/x.png", "https://evilcivitai.com/x.png", "file:///etc/passwd", "not an address",
        "https://image.civitai.com@example.test/x.png", "https://[::1", "https://[x]/x.png", "https://civitai.com:port/x.png",
    ],
)  # fmt: skip
def test_nothing_is_fetched_from_elsewhere(civitai: Any, url: str) -> None:
    answer = ask(civitai, url)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "url"


def test_what_is_no_picture_is_not_passed_on(civitai: Any, site: Site) -> None:
    site.pictures["page.png"] = b"<html><script>steal()</script></html>"
    site.pictures["cut.png"] = encoded("PNG")[:200]
    site.pictures["huge.png"] = encoded("PNG", (3000, 2000))  # beyond the limit of this test server
    for name in ("page.png", "cut.png", "huge.png", "nothing.png"):
        answer = ask(civitai, f"http://{site.storage}/pictures/{name}")
        assert answer.status_code >= 400
        assert "error" in answer.json()
    assert not list((Path(civitai.home) / "cache" / "civitai-previews").glob("*"))


def test_the_image_server_is_asked_for_a_small_still() -> None:
    from diorama.services.civitai_previews import smaller

    base = "https://image.civitai.com/xG1nkqKTMzGDvpLrqFT7WA/11111111-2222"
    assert smaller(f"{base}/original=true/a.jpeg", 480) == f"{base}/anim=false,width=480/a.jpeg"
    assert smaller(f"{base}/width=1024/a.mp4", 480) == f"{base}/anim=false,width=480/a.mp4"
    assert smaller("https://example.test/width=9/a.jpeg", 480) == "https://example.test/width=9/a.jpeg"


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from diorama.services import civitai_previews

    monkeypatch.setattr(civitai_previews, "_KEPT", 8)
    for number in range(9):
        (tmp_path / f"{number}.webp").write_bytes(b"x")
        os.utime(tmp_path / f"{number}.webp", (number, number))
    civitai_previews._prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number}.webp" for number in range(2, 9)]
