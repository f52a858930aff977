"""The page. The studio is served when it was built in, else the small page that always comes along."""

from __future__ import annotations

import gzip
import mimetypes
import time
from functools import lru_cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from diorama_web.access import public_router
from diorama_web.security.headers import PAGE_CSP

HERE = Path(__file__).parent.parent
PAGE, STUDIO = HERE / "page", HERE / "static"
NOT_PAGES = ("api/", "ws/", "v1/", "docs", "openapi.json", "page/")
router = public_router(tag="page", prefix="", include_in_schema=False)
_HEADERS = {"Content-Security-Policy": PAGE_CSP, "Cache-Control": "no-cache"}
_DAY = {"Content-Security-Policy": PAGE_CSP, "Cache-Control": "max-age=86400"}
_FOREVER = {"Content-Security-Policy": PAGE_CSP, "Cache-Control": "public, max-age=31536000, immutable"}


BROTLI = ".br"
"""Ending of a file's compressed twin, which the build has put beside it."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a changed folder is believed: two changes within one tick of its clock look like one."""
_listed: dict[Path, tuple[dict[Path, int], dict[str, Path]]] = {}


def files_below(folder: Path) -> dict[str, Path]:
    """Return every file below ``folder`` by its address. Only these are ever served, whatever an address says.

    The list is made again when a folder in it has changed: a studio that is built while the server runs is there at once.
    """
    stamps, files = _listed.get(folder, ({}, {}))
    if not stamps or any(_stamp(inner) != stamp for inner, stamp in stamps.items()):
        everything = [folder, *folder.rglob("*")] if folder.is_dir() else [folder]
        stamps = {path: _stamp(path) for path in everything if path.is_dir() or path == folder}
        files = {
            path.relative_to(folder).as_posix(): path
            for path in everything
            if path.is_file() and path.suffix != BROTLI
        }
        if time.time_ns() - max(stamps.values()) > SETTLED:
            _listed[folder] = stamps, files
    return files


def _stamp(folder: Path) -> int:
    """Return when an entry of ``folder`` last came or went; 0 where there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def page_file(name: str, request: Request) -> Response:
    """Answer with a file of the small page."""
    return _answer(files_below(PAGE).get(name), _HEADERS, request)


@router.get("/")
def front_page(request: Request) -> Response:
    """Return the studio, or the small page."""
    if _studio():
        return _answer(files_below(STUDIO).get("index.html"), _HEADERS, request)
    return page_file("index.html", request)


@router.get("/page/{name}")
def small_page_file(name: str, request: Request) -> Response:
    """Return a script or a style of the small page."""
    return page_file(name, request)


@router.get("/{address:path}")
def studio_file(address: str, request: Request) -> Response:
    """Return a file of the studio; an address inside it opens the studio there."""
    if not _studio() or address.startswith(NOT_PAGES):
        raise HTTPException(404)
    found = files_below(STUDIO).get(address)
    if found is not None:
        if address.startswith("assets/"):  # their names hold a hash of what is in them
            return _answer(found, _FOREVER, request)
        return _answer(found, _DAY if found.suffix == ".svg" else _HEADERS, request)
    if "." in address.rsplit("/", 1)[-1]:
        raise HTTPException(404)
    return _answer(files_below(STUDIO).get("index.html"), _HEADERS, request)


def _studio() -> bool:
    return "index.html" in files_below(STUDIO)


def _answer(path: Path | None, headers: dict[str, str], request: Request) -> Response:
    if path is None:
        raise HTTPException(404)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "text/javascript" if kind.endswith("javascript") else kind
    if not kind.startswith("text/") and kind != "image/svg+xml":
        return FileResponse(path, media_type=kind, headers=headers)
    headers = {**headers, "Vary": "Accept-Encoding"}
    encodings = _encodings(request.headers.get("accept-encoding", ""))
    twin = path.with_name(path.name + BROTLI)
    if "br" in encodings and twin.is_file():
        return FileResponse(twin, media_type=kind, headers={**headers, "Content-Encoding": "br"})
    if "gzip" not in encodings:
        return FileResponse(path, media_type=kind, headers=headers)
    packed = _packed(path, path.stat().st_mtime_ns)
    return Response(packed, media_type=kind, headers={**headers, "Content-Encoding": "gzip"})


def _encodings(accepted: str) -> set[str]:
    """Return the encodings that a caller takes; those with a weight of 0 it does not."""
    parts = [part.replace(" ", "").partition(";q=") for part in accepted.lower().split(",")]
    return {name for name, _, weight in parts if weight.strip("0.") or not weight}


@lru_cache(maxsize=200)
def _packed(path: Path, changed: int) -> bytes:
    """Return a file's content compressed; ``changed`` tells one version from the next."""
    return gzip.compress(path.read_bytes(), 9, mtime=0)
