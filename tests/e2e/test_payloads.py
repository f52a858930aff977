"""Whatever a backend, a provider or a file says is text: no markup of it lives, no address of it runs, wherever it is shown."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import expect
from PIL import Image, PngImagePlugin

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("studio")]

MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)>'
ADDRESS = "javascript:alert(4)"
BACKEND = f'''
"""A backend whose every word is an attack."""

from dataclasses import replace

from diorama.contract import Availability, AvailabilityState, BackendError, License, LoraInfo, hookimpl
from diorama.testing.fake import FakeBackend

MARKUP, ADDRESS = {MARKUP!r}, {ADDRESS!r}
KEY = Availability(state=AvailabilityState.NEEDS_KEY, fix=MARKUP, url=ADDRESS)


class Evil(FakeBackend):
    title = MARKUP

    @hookimpl
    def list_models(self, context):
        listed = super().list_models(context)
        return [
            replace(
                model, title=MARKUP + model.native_id, description=MARKUP, author=MARKUP, tags=(MARKUP,), category=MARKUP,
                license=License(name=MARKUP, url=ADDRESS), links={{MARKUP: ADDRESS, "homepage": ADDRESS}}, revision=MARKUP,
                vocabulary={{MARKUP: (MARKUP,)}},
                availability=KEY if model.native_id == "edit" else Availability(),
            )
            for model in listed
        ]

    @hookimpl
    def generate(self, request, context):
        context.progress("generating", 0.5, MARKUP, node=MARKUP)
        context.ignored("scheduler", MARKUP, MARKUP)
        if request.prompt == "fail":
            raise BackendError(MARKUP, fix=MARKUP)
        return super().generate(request, context)

    def loras(self):
        return [LoraInfo(id=MARKUP, title=MARKUP, kind="fake", triggers=(MARKUP,), description=MARKUP)]


create = Evil
'''
LIVING = (
    "script:not([src])", "img[src='x']", "svg[onload]", "[onerror]", "iframe", "object", "embed",
    "a[href^='javascript' i]", "[src^='javascript' i]",
)  # fmt: skip
ALIVE = f"() => [...document.querySelectorAll({', '.join(LIVING)!r})].map((node) => node.outerHTML)"


@pytest.fixture
def evil(new_server: Callable[..., Any], tmp_path: Path) -> Any:
    package = tmp_path / "evil"
    package.mkdir()
    (package / "evil_backend.py").write_text(BACKEND, encoding="utf-8")
    server = new_server(
        PYTHONPATH=os.pathsep.join([str(package), os.environ["PYTHONPATH"]]),
        DIORAMA_BACKENDS__EVIL__PLUGIN="evil_backend:create",
        DIORAMA_DEFAULT_MODEL="evil:image",
    )
    listed = server.client.get("/api/models", params={"backend": "evil"}).json()["models"]
    assert any(model["title"].startswith(MARKUP) for model in listed)
    return server


def look(page: Any, address: str, words: str = "onerror=alert(1)") -> None:
    """Open a page, wait until it shows the words as words, and look for anything of them that lives."""
    page.goto(address)
    if words:
        expect(page.locator("body")).to_contain_text(words)
    else:  # where the words stand in fields, or are cut
        expect(page.locator("h1").first).to_be_attached()
    assert page.evaluate(ALIVE) == []


def test_the_words_of_a_backend_are_words(evil: Any, page: Any) -> None:
    failed = evil.client.post("/api/jobs", json={"prompt": "fail", "session_id": "evil"}).json()["job_id"]
    assert evil.finished(failed)["error"]["message"] == MARKUP
    done = evil.finished(evil.submit(prompt=MARKUP, session_id="evil"))
    assert done["status"] == "completed", done
    asset = done["images"][0]["id"]
    evil.client.patch("/api/sessions/evil", json={"title": MARKUP})
    evil.client.patch(f"/api/assets/{asset}", json={"title": MARKUP})
    for path in (
        "/models", "/model/evil:image", "/model/evil:edit", f"/job/{failed}", f"/job/{done['job_id']}", "/logs",
        "/image?session=evil",
    ):  # fmt: skip
        look(page, evil.url + path)
    for path in (f"/asset/{asset}", "/assets", "/queue", "/settings", "/workflows"):
        look(page, evil.url + path, words="")


def test_what_stands_in_a_file_is_words(evil: Any, page: Any) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text(
        "parameters",
        f"{MARKUP}\nNegative prompt: {MARKUP}\nSteps: 7, Sampler: {ADDRESS}, Seed: 4321, Model: {MARKUP}",
    )
    notes.add_itxt(MARKUP, MARKUP)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG", pnginfo=notes)
    page.goto(evil.url + "/image?session=file")
    expect(page.get_by_label("Prompt", exact=True)).to_be_visible()
    page.evaluate(
        """([data, name]) => {
            const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: "image/png" }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [base64.b64encode(buffer.getvalue()).decode(), MARKUP + ".png"],
    )
    sheet = page.get_by_role("dialog", name="How it was made")
    expect(sheet).to_contain_text("4321")
    assert page.evaluate(ALIVE) == []
    sheet.get_by_role("button", name="Take all settings").click()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("4321")
    assert page.evaluate(ALIVE) == []
