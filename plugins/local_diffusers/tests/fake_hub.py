"""A loopback stand-in for the hub: one repository from a folder, slow enough to be cancelled, able to resume."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Serves ``folder`` as ``repository``; ``ranges`` records the byte ranges that clients asked for."""

    def __init__(self, repository: str, folder: Path, *, gated: bool = False) -> None:
        self.repository = repository
        self.folder = folder
        self.gated = gated
        self.ranges: list[str] = []
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def files(self) -> dict[str, Path]:
        return {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}

    def _handler(hub) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def answer(self, body: bool) -> None:
                path = self.path.partition("?")[0]
                hub.requests.append(path)
                if path.startswith(f"/api/models/{hub.repository}"):
                    siblings = [
                        {"rfilename": name, "size": place.stat().st_size}
                        for name, place in hub.files().items()
                    ]
                    text = json.dumps({"id": hub.repository, "sha": COMMIT, "siblings": siblings}).encode()
                    self.reply(200, text, {"Content-Type": "application/json"}, body)
                    return
                name = path.partition(f"/{hub.repository}/resolve/")[2].partition("/")[2]
                place = hub.files().get(name)
                if place is None:
                    self.reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, body)
                elif hub.gated:
                    self.reply(403, b"", {"X-Error-Code": "GatedRepo"}, body)
                else:
                    self.reply_file(place.read_bytes(), body)

            def reply_file(self, content: bytes, body: bool) -> None:
                etag = hashlib.sha256(content).hexdigest()
                headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
                wanted = self.headers.get("Range")
                if wanted and body:
                    hub.ranges.append(wanted)
                    start = int(wanted.removeprefix("bytes=").partition("-")[0])
                    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                    self.reply(206, content[start:], headers, body)
                else:
                    self.reply(200, content, headers, body)

            def reply(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if body:
                    with contextlib.suppress(ConnectionError):  # a cancelled client hangs up
                        self.wfile.write(content)

        return Handler
