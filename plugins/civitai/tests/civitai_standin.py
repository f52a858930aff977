"""Civitai for tests, on loopback: the API, the download route, and a storage under another host name."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "the-users-own-key"
PAGE_SIZES = range(1, 101)


def safetensors(size: int = 4096, seed: int = 0, **metadata: str) -> bytes:
    """A whole safetensors file with one tensor of ``size`` bytes."""
    header: dict[str, Any] = {"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    if metadata:
        header["__metadata__"] = metadata
    raw = json.dumps(header).encode()
    body = hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)
    return struct.pack("<Q", len(raw)) + raw + body


BIG = safetensors(3_000_000, seed=5)


def file_block(file_id: int, content: bytes, name: str = "paint.safetensors", **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest().upper()
    return {
        "id": file_id,
        "name": name,
        "type": "Model",
        "sizeKB": len(content) / 1024,
        "metadata": {"format": "SafeTensor", "size": "pruned", "fp": "fp16"},
        "hashes": {"SHA256": digest, "AutoV2": digest[:10]},
        "pickleScanResult": "Success",
        "virusScanResult": "Success",
        "primary": True,
        **more,
    }


class Site:
    """``with Site() as site: site.url``. Everything it was asked is in :attr:`asked`."""

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = []
        self.content: dict[int, bytes] = {}
        self.pictures: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.api_faults: list[tuple[int, dict[str, str], bytes]] = []
        self.download_faults: list[tuple[int, dict[str, str], bytes]] = []
        self.storage_faults: list[Callable[[_Handler, bytes], bool]] = []
        self.etags = True
        self.redirect_to: str | None = None
        self.early_access: set[int] = set()
        self.needs_key: set[int] = set()
        self.bought = False
        self.gate = threading.Event()
        self.gate.set()
        self.tickets = 0
        self.valid: set[str] = set()
        self._servers = [
            ThreadingHTTPServer(("127.0.0.1", 0), self._handler(kind)) for kind in ("api", "storage")
        ]
        for server in self._servers:
            server.daemon_threads = True

    def _handler(self, kind: str) -> type[_Handler]:
        return type(f"_{kind}", (_Handler,), {"site": self, "kind": kind})

    def __enter__(self) -> Site:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *about: object) -> None:
        self.gate.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_address[1]}"

    @property
    def storage(self) -> str:
        return f"localhost:{self._servers[1].server_address[1]}"

    @property
    def options(self) -> dict[str, Any]:
        return {"url": self.url, "allow_hosts": [self.storage], "retry_seconds": 0.01}

    def add(
        self, model_id: int, content: bytes | None = None, *, file: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """A model with one version (its id is ``model_id * 10``) and one file (``model_id * 100``)."""
        content = safetensors(seed=model_id) if content is None else content
        version_more = more.pop("version", {})
        block = file_block(model_id * 100, content, **(file or {}))
        self.content[block["id"]] = content
        version_id = model_id * 10
        block.setdefault("downloadUrl", f"{self.url}/api/download/models/{version_id}?fileId={block['id']}")
        version = {
            "id": version_id,
            "modelId": model_id,
            "name": "v1",
            "baseModel": "SD 1.5",
            "baseModelType": "Standard",
            "availability": "Public",
            "usageControl": "Download",
            "trainedWords": ["oil painting", "thick paint,"],
            "air": f"urn:air:sd1:checkpoint:civitai:{model_id}@{version_id}",
            "files": [block],
            "images": [
                {"url": "https://image.test/safe.jpeg", "nsfwLevel": 1, "width": 512, "height": 768, "type": "image",
                 "meta": {"steps": 30, "cfgScale": 5, "sampler": "Euler a", "Size": "512x768", "prompt": "a boat"}},
                {"url": "https://image.test/two.jpeg", "nsfwLevel": 2, "width": 512, "height": 768, "type": "image",
                 "meta": {"steps": 30, "cfgScale": 5, "sampler": "Euler a", "Size": "512x768"}},
                {"url": "https://image.test/mature.jpeg", "nsfwLevel": 16, "width": 1, "height": 1, "type": "image"},
            ],
            **version_more,
        }  # fmt: skip
        model = {
            "id": model_id,
            "name": f"Model {model_id}",
            "type": "Checkpoint",
            "description": "<p>Paints <b>thickly</b>.</p><script>steal()</script><img src=x onerror=steal()>",
            "nsfw": False,
            "nsfwLevel": 1,
            "tags": ["style"],
            "creator": {"username": "painter"},
            "stats": {"downloadCount": 7, "thumbsUpCount": 3},
            "allowNoCredit": False,
            "allowCommercialUse": "{Image,RentCivit}",
            "allowDerivatives": True,
            "allowDifferentLicense": False,
            "modelVersions": [version],
            **more,
        }
        self.models.append(model)
        return model

    def paths(self, kind: str) -> list[str]:
        return [path for what, path, _ in self.asked if what == kind]

    def headers(self, kind: str) -> list[dict[str, str]]:
        return [headers for what, _, headers in self.asked if what == kind]


class _Handler(BaseHTTPRequestHandler):
    site: Site
    kind: str
    protocol_version = "HTTP/1.1"

    def log_message(self, *about: Any) -> None:
        pass

    def do_GET(self) -> None:
        headers = {key.lower(): value for key, value in self.headers.items()}
        parts = urlsplit(self.path)
        kind = "download" if parts.path.startswith("/api/download/") else self.kind
        self.site.asked.append((kind, self.path, headers))
        query = parse_qs(parts.query)
        if parts.path.startswith("/pictures/"):
            found = self.site.pictures.get(parts.path.rpartition("/")[2])
            self.answer(200 if found else 404, found or b"", Content_Type="image/png")
        elif kind == "storage":
            self._storage(query, headers)
        elif kind == "download":
            self._download(parts.path, query, headers)
        else:
            self._api(parts.path, query, headers)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, plain: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(plain).encode(), Content_Type="application/json")

    # -- the API -----------------------------------------------------------------------------

    def _api(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> None:
        if self.site.api_faults:
            status, more, body = self.site.api_faults.pop(0)
            self.answer(status, body, **more)
            return
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if key and key != KEY:
            self.json({"error": "Unauthorized"}, 401)
            return
        route, _, rest = path.removeprefix("/api/v1/").partition("/")
        if route == "me":
            self.json(
                {"id": 1, "username": "somebody"} if key else {"error": "Unauthorized"}, 200 if key else 401
            )
        elif route == "models" and rest:
            found = next((item for item in self.site.models if str(item["id"]) == rest), None)
            self.json(found or {"error": f"No model with id {rest}"}, 200 if found else 404)
        elif route == "models":
            self._search(query)
        elif route == "model-versions":
            self._version(rest)
        else:
            self.json({"error": "Not found"}, 404)

    def _search(self, query: dict[str, list[str]]) -> None:
        limit = int(query.get("limit", ["100"])[0])
        if limit not in PAGE_SIZES or ("page" in query and "query" in query):
            issue = {"path": ["limit"], "message": "Number must be less than or equal to 100"}
            self.json({"error": {"issues": [issue], "name": "ZodError"}}, 400)
            return
        start = int(query.get("cursor", ["0"])[0].removeprefix("after|") or 0)
        page = self.site.models[start : start + limit]
        words = query.get("query", [""])[0].lower()
        items = [
            item
            for item in page
            if (not query.get("types") or item["type"] in query["types"])
            and (not query.get("baseModels") or item["modelVersions"][0]["baseModel"] in query["baseModels"])
            and words in str(item["name"]).lower()
        ]
        about: dict[str, Any] = {}
        if start + limit < len(self.site.models):
            about = {
                "nextCursor": f"after|{start + limit}",
                "nextPage": f"http://{self.site.storage}/api/v1/models?cursor=after|{start + limit}",
            }
        self.json({"items": items, "metadata": about})

    def _version(self, rest: str) -> None:
        kind, _, wanted = rest.rpartition("/")
        for model in self.site.models:
            for version in model["modelVersions"]:
                hashes = {
                    str(value) for file in version.get("files", ()) for value in file["hashes"].values()
                }
                if (kind == "by-hash" and wanted.upper() in hashes) or (
                    not kind and str(version["id"]) == wanted
                ):
                    block = {key: model[key] for key in ("name", "type", "nsfw")}
                    self.json({**version, "model": block})
                    return
        self.json({"error": "Model not found" if kind else f"No version with id {wanted}"}, 404)

    # -- the download route and the storage ----------------------------------------------------

    def _download(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> None:
        site = self.site
        if site.download_faults:
            status, more, body = site.download_faults.pop(0)
            self.answer(status, body, **more)
            return
        version_id = int(path.rpartition("/")[2])
        file_id = int(query.get("fileId", ["0"])[0])
        signed_in = headers.get("authorization") == f"Bearer {KEY}"
        if version_id in site.needs_key and not signed_in:
            said = "The creator of this asset requires you to be logged in to download it"
            self.json({"error": "Unauthorized", "message": said}, 401)
        elif version_id in site.early_access and not site.bought:
            self.json(
                {"error": "Early Access", "deadline": "2099-01-02T00:00:00Z", "message": "Buy it first"}, 403
            )
        elif file_id not in site.content:
            self.json({"error": "File not found"}, 404)
        else:
            site.tickets += 1
            site.valid.add(f"s{site.tickets}")
            goal = (
                site.redirect_to or f"http://{site.storage}/bucket/{file_id}?X-Amz-Signature=s{site.tickets}"
            )
            self.answer(307, b"", Location=goal)

    def _storage(self, query: dict[str, list[str]], headers: dict[str, str]) -> None:
        site = self.site
        content = site.content[int(urlsplit(self.path).path.rpartition("/")[2])]
        if "authorization" in headers:
            self.answer(400, b"<Error><Code>InvalidArgument</Code></Error>", Content_Type="application/xml")
            return
        try:
            site.valid.remove(query.get("X-Amz-Signature", [""])[0])
        except KeyError:
            self.answer(403, b"<Error><Code>ExpiredToken</Code></Error>", Content_Type="application/xml")
            return
        if site.storage_faults and site.storage_faults.pop(0)(self, content):
            return
        self.send_file(content, headers)

    def send_file(self, content: bytes, headers: dict[str, str]) -> None:
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        tag = {"ETag": etag} if self.site.etags else {}
        start = 0
        if headers.get("range", "").startswith("bytes=") and headers.get("if-range", etag) == etag:
            start = int(headers["range"][6:].partition("-")[0])
            if start >= len(content):
                self.answer(416, b"", Content_Range=f"bytes */{len(content)}")
                return
            said = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_response(206)
            self.send_header("Content-Range", said)
        else:
            self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content) - start))
        for name, value in tag.items():
            self.send_header(name, value)
        self.end_headers()
        body = content[start:]
        half = len(body) // 2
        self.wfile.write(body[:half])
        self.wfile.flush()
        self.site.gate.wait(30)
        self.wfile.write(body[half:])


def cut_after(count: int) -> Callable[[_Handler, bytes], bool]:
    """A storage that breaks the connection after ``count`` bytes of what it announced."""

    def fault(handler: _Handler, content: bytes) -> bool:
        start = int(handler.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start : start + count])
        handler.wfile.flush()
        handler.close_connection = True
        return True

    return fault


def page(kind: str, body: bytes) -> Callable[[_Handler, bytes], bool]:
    """A storage that answers 200 with something that is no file."""

    def fault(handler: _Handler, content: bytes) -> bool:
        handler.answer(200, body, Content_Type=kind)
        return True

    return fault


def other(content: bytes) -> Callable[[_Handler, bytes], bool]:
    """A storage that sends another file, whatever part was asked for."""

    def fault(handler: _Handler, _content: bytes) -> bool:
        handler.answer(200, content, Content_Type="application/octet-stream")
        return True

    return fault
