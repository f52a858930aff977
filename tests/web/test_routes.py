"""Every route, and who may call it. A new route fails here until somebody has decided."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from diorama_web.routes import NOUNS, load

PUBLIC = {
    "GET /api/health", "POST /api/sign-in", "POST /api/sign-out", "GET /", "GET /page/{name}", "GET /{address:path}",
}  # fmt: skip
CALLER = set(
    """
GET /api/system/status|GET /api/system/storage|GET /api/system/can-generate/{model_id:path}|GET /api/settings/system
GET /api/models|GET /api/models/detailed|POST /api/models/refresh|GET /api/models/{model_id:path}
GET /api/models/cache-status|GET /api/models/downloads|POST /api/models/{model_id:path}/download
DELETE /api/models/{model_id:path}/cache|DELETE /api/models/{model_id:path}|GET /api/loras
POST /api/loras/scan|POST /api/models/{model_id:path}/unload
POST /api/generate|POST /api/plan|POST /api/edit
POST /api/jobs|GET /api/jobs|POST /api/jobs/batch|GET /api/jobs/{job_id}|DELETE /api/jobs/{job_id}
POST /api/jobs/{job_id}/retry|GET /api/jobs/{job_id}/events|GET /api/jobs/{job_id}/status
GET /api/jobs/{job_id}/images|GET /api/jobs/{job_id}/images/{index}
POST /api/jobs/{job_id}/hold|POST /api/jobs/{job_id}/release|POST /api/jobs/{job_id}/move|GET /api/events
GET /api/queue|GET /api/queue/jobs|POST /api/queue/pause|POST /api/queue/resume
POST /api/video/jobs|GET /api/video/jobs|GET /api/video/jobs/{job_id}
POST /api/i2v/jobs|GET /api/i2v/jobs|GET /api/i2v/jobs/{job_id}
GET /api/upscale/models|POST /api/upscale/jobs|GET /api/upscale/jobs|GET /api/upscale/jobs/{job_id}
GET /api/assets|GET /api/assets/count|POST /api/assets/inspect|POST /api/assets/export
GET /api/assets/{asset_id}|PATCH /api/assets/{asset_id}|DELETE /api/assets/{asset_id}
POST /api/assets/{asset_id}/restore|PUT /api/assets/{asset_id}/favourite|DELETE /api/assets/{asset_id}/favourite
GET /api/assets/{asset_id}/file|GET /api/assets/{asset_id}/thumbnail|GET /api/images/{asset_id}
GET /api/video-assets|GET /api/video-assets/{asset_id}|PATCH /api/video-assets/{asset_id}
DELETE /api/video-assets/{asset_id}|POST /api/video-assets/{asset_id}/restore
PUT /api/video-assets/{asset_id}/favourite|DELETE /api/video-assets/{asset_id}/favourite
GET /api/video-assets/{asset_id}/file|GET /api/video-assets/{asset_id}/thumbnail
GET /api/video-assets/{asset_id}/preview
POST /api/generate-title
GET /api/sessions|POST /api/sessions|GET /api/sessions/{session_id}|PATCH /api/sessions/{session_id}
DELETE /api/sessions/{session_id}|POST /api/sessions/{session_id}/restore
GET /api/video-sessions|POST /api/video-sessions|GET /api/video-sessions/{session_id}
PATCH /api/video-sessions/{session_id}|DELETE /api/video-sessions/{session_id}
POST /api/video-sessions/{session_id}/restore
GET /api/settings|POST /api/settings|PUT /api/settings/spending|GET /api/settings/logs|DELETE /api/settings/logs
GET /api/settings/logs/{log_id}|DELETE /api/settings/logs/{log_id}
GET /api/settings/prompts|POST /api/settings/prompts|DELETE /api/settings/prompts
GET /api/providers|GET /api/providers/{provider_id}|PUT /api/providers/{provider_id}
DELETE /api/providers/{provider_id}|POST /api/providers/{provider_id}/test
POST /api/providers/{provider_id}/discover|POST /api/estimate|GET /api/costs
GET /api/plugins|GET /openapi.json|GET /docs
GET /api/civitai/models|GET /api/civitai/models/{model_id}|GET /api/civitai/model-versions/{version_id}
GET /api/civitai/by-hash/{digest}|GET /api/civitai/by-asset/{asset_id}|GET /api/civitai/preview
POST /api/civitai/downloads|GET /api/civitai/downloads|DELETE /api/civitai/downloads/{job_id}
GET /api/comfyui/status|GET /api/comfyui/workflows|POST /api/comfyui/workflows|POST /api/comfyui/convert
GET /api/comfyui/workflows/{workflow_id}|PUT /api/comfyui/workflows/{workflow_id}
DELETE /api/comfyui/workflows/{workflow_id}|POST /api/comfyui/jobs|GET /api/comfyui/jobs/{job_id}
POST /api/comfyui/interrupt|POST /api/comfyui/free
""".replace("\n", "|").strip("|").split("|")
)  # fmt: skip
SOCKETS = {"/ws/{job_id}"}
SETTINGS = (
    "from diorama.settings import Settings; from pathlib import Path; "
    "create_app(s(settings=Settings(config_dir=Path('c'), data_dir=Path('d'), cache_dir=Path('e')), database=None))"
)


@pytest.fixture(scope="module")
def found() -> list[tuple[frozenset[str], str]]:
    from pathlib import Path
    from types import SimpleNamespace

    from diorama.settings import Settings
    from diorama_web.app import create_app

    settings = Settings(config_dir=Path("c"), data_dir=Path("d"), cache_dir=Path("e"))
    engine: Any = SimpleNamespace(settings=settings, database=None)
    app = create_app(engine)
    app.state.rooms.put_all()
    routes: Any = app.routes
    return [(frozenset(getattr(route, "methods", None) or ()) - {"HEAD"}, route.path) for route in routes]


def test_every_route_is_in_the_table(found: Any) -> None:
    http = {f"{method} {path}" for methods, path in found for method in methods}
    assert http == PUBLIC | CALLER
    assert {path for methods, path in found if not methods} == SOCKETS


@pytest.mark.parametrize("route", sorted(CALLER))
def test_without_a_key_nothing_is_told(locked: Any, route: str) -> None:
    method, path = route.split(" ")
    filled = re.sub(r"\{[^}]*\}", "0" * 26, path)
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": ""},
        {"Cookie": "diorama_key=first-key"},
    ):
        answer = locked.client.request(method, filled, headers=headers)
        assert answer.status_code == 401, (route, answer.text)
        assert answer.json()["error"]["code"] == "unauthenticated"


def test_public_routes_need_no_key(locked: Any) -> None:
    assert locked.client.get("/api/health").json()["status"] == "ok"
    assert locked.client.get("/").status_code == 200
    assert locked.client.get("/page/app.js").status_code == 200
    assert locked.client.get("/page/nowhere.js").status_code == 404


def test_a_key_opens_by_every_way_and_the_first_way_decides(locked: Any) -> None:
    for headers in (
        {"Authorization": "Bearer first-key"},
        {"Authorization": "Key second-key"},
        {"X-API-Key": "second-key"},
    ):
        assert locked.client.get("/api/models", headers=headers).status_code == 200
    both = {"Authorization": "Bearer wrong", "X-API-Key": "first-key"}
    assert locked.client.get("/api/models", headers=both).status_code == 401
    assert locked.client.get("/api/models", params={"api_key": "first-key"}).status_code == 401


def test_a_browser_gets_a_cookie_that_is_not_the_key(locked: Any) -> None:
    import httpx2

    with httpx2.Client(base_url=locked.url) as browser:
        assert browser.post("/api/sign-in", json={"key": "wrong"}).status_code == 401
        answer = browser.post("/api/sign-in", json={"key": "first-key"})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "first-key" not in cookie
        assert browser.get("/api/models").status_code == 200
        browser.post("/api/sign-out")
        assert browser.get("/api/models").status_code == 401


def test_another_address_without_a_key_is_refused_before_it_listens() -> None:
    from dataclasses import replace
    from pathlib import Path

    from diorama.contract import NotAllowed
    from diorama.settings import ServerSettings, Settings
    from diorama_web.server import check_address

    settings = Settings(config_dir=Path("c"), data_dir=Path("d"), cache_dir=Path("e"))
    for host in ("0.0.0.0", "::", "192.168.1.2", "example.test", ""):
        public = replace(settings, server=ServerSettings(host=host))
        with pytest.raises(NotAllowed, match="no key is set"):
            check_address(public)
        check_address(replace(public, server=ServerSettings(host=host, api_keys=("k",))))
    for host in ("127.0.0.1", "localhost", "::1", "127.8.9.1"):
        check_address(replace(settings, server=ServerSettings(host=host)))


def test_there_is_no_route_that_installs_code() -> None:
    assert not [route for route in PUBLIC | CALLER if "install" in route or "plugins/" in route]


def test_a_safe_starlette_is_demanded() -> None:
    from importlib.metadata import requires, version

    from packaging.requirements import Requirement
    from packaging.version import Version

    needed = next(
        item for text in requires("diorama") or () if (item := Requirement(text)).name == "starlette"
    )
    assert not needed.specifier.contains("1.0.0")
    assert Version(version("starlette")) >= Version("1.0.1")


def test_every_endpoint_makes_its_own_response() -> None:
    """Answers are only described, never encoded, by the framework: see ``diorama_web.routing``."""
    from inspect import signature
    from pathlib import Path
    from types import SimpleNamespace
    from typing import get_type_hints

    from diorama.settings import Settings
    from diorama_web.app import create_app
    from diorama_web.routing import Route
    from starlette.responses import Response

    engine: Any = SimpleNamespace(
        settings=Settings(config_dir=Path("c"), data_dir=Path("d"), cache_dir=Path("e")), database=None
    )
    app = create_app(engine)
    app.state.rooms.put_all()
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert len(routes) > 100
    for route in routes:
        assert signature(route.endpoint).return_annotation in ("Response", "StreamingResponse", Response), (
            route.path
        )
        assert issubclass(get_type_hints(route.endpoint).get("return", object), Response), route.path


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_an_address_loads_what_answers_it(noun: str) -> None:
    for route in load(noun).routes:
        fixed = route.path.partition("{")[0]
        assert fixed.startswith(NOUNS[noun]), f"{route.path} would not be found"


def test_only_what_is_asked_for_is_loaded(new_server: Any) -> None:
    server = new_server()
    modules = "import sys; print(*(name for name in sys.modules if name.startswith('diorama_web.routes.')))"
    code = f"from diorama_web.app import create_app; import types; s=types.SimpleNamespace; {SETTINGS}; {modules}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"diorama_web.routes.health", "diorama_web.routes.pages"}
    for path, status in (("/api/civitai/nothing", 404), ("/api/settings/system", 200), ("/api/nothing", 404)):
        assert server.client.get(path).status_code == status
