"""A ComfyUI server for tests: real sockets on loopback, answers as recorded from version 0.33.0."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from comfyui_engine import Engine
from diorama_comfyui.schema import ObjectInfo
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

FILES = {
    ("CheckpointLoaderSimple", "ckpt_name"): [
        "sd15.safetensors",
        "sub/juggernaut-xl.safetensors",
        "flux1-dev-fp8.safetensors",
    ],
    ("LoraLoader", "lora_name"): ["ball.safetensors"],
    ("UpscaleModelLoader", "model_name"): ["x2.pth"],
}

# As version 0.33.0 lists them, the shortest of each kind.
REPLACEMENTS: dict[str, Any] = {
    "ResizeImagesByLongerEdge": [
        {"new_node_id": "ImageScaleToMaxDimension", "old_node_id": "ResizeImagesByLongerEdge",
         "old_widget_ids": ["longer_edge"],
         "input_mapping": [{"new_id": "image", "old_id": "images"}, {"new_id": "largest_size", "old_id": "longer_edge"},
                           {"new_id": "upscale_method", "set_value": "lanczos"}],
         "output_mapping": [{"new_idx": 0, "old_idx": 0}]},
    ],
    "T2IAdapterLoader": [
        {"new_node_id": "ControlNetLoader", "old_node_id": "T2IAdapterLoader", "old_widget_ids": None,
         "input_mapping": [{"new_id": "control_net_name", "old_id": "t2i_adapter_name"}], "output_mapping": None},
    ],
    "SDV_img2vid_Conditioning": [
        {"new_node_id": "SVD_img2vid_Conditioning", "old_node_id": "SDV_img2vid_Conditioning", "old_widget_ids": None,
         "input_mapping": None, "output_mapping": None},
    ],
}  # fmt: skip


class StandIn:
    """``with StandIn(raw_info, folder) as server: server.url``.

    ``old=True`` behaves like a server from before prompts could be named: no jobs routes, no
    chosen prompt ids, previews without metadata.
    """

    def __init__(
        self, raw_info: dict[str, Any], folder: Path, *, old: bool = False, files: Any = None
    ) -> None:
        self.raw = copy.deepcopy(raw_info)
        for (class_name, input_name), names in (FILES if files is None else files).items():
            self.raw[class_name]["input"]["required"][input_name][0] = names
        self.old = old
        self.sockets: dict[str, WebSocket] = {}
        self.requests: list[tuple[str, str]] = []
        self.origins: list[str] = []
        self.uploads: list[str] = []
        self.port = 0
        self.max_upload = 104857600
        self.engine = Engine(ObjectInfo.from_raw(self.raw), folder, self._send)
        self.engine.legacy_previews = old
        self._body = json.dumps(self.raw).encode()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> StandIn:
        self.start()
        return self

    def __exit__(self, *about: object) -> None:
        self.engine.gate.set()
        self.engine.forget()
        self.stop()
        with self.engine.wake:
            self.engine.closed = True
            self.engine.wake.notify_all()

    def start(self) -> None:
        config = uvicorn.Config(
            self._app(),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            ws="websockets-sansio",
            lifespan="off",
        )
        self._server = uvicorn.Server(config)

        def serve() -> None:
            assert self._server is not None
            with contextlib.suppress(SystemExit):
                asyncio.run(self._serve())

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            if time.monotonic() > deadline:
                raise RuntimeError("the stand-in did not start")
            time.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def _serve(self) -> None:
        assert self._server is not None
        self._loop = asyncio.get_running_loop()
        await self._server.serve()

    def stop(self) -> None:
        """Go down, sockets and all."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._server.force_exit = True
        self.drop_sockets()
        self._thread.join(10)
        self._loop = None

    def restart(self) -> None:
        """Go down and come back at the same address with nothing remembered."""
        self.stop()
        self.engine.forget()
        self.start()

    def drop_sockets(self) -> None:
        """Break the connections without telling why."""
        sockets, self.sockets = dict(self.sockets), {}
        loop = self._loop
        for socket in sockets.values():
            if loop is not None and loop.is_running():
                future = asyncio.run_coroutine_threadsafe(socket.close(1011), loop)
                with contextlib.suppress(Exception):
                    future.result(2)

    def _send(self, client: str | None, message: str | bytes) -> None:
        loop = self._loop
        if loop is None or not loop.is_running():
            return
        targets = (
            list(self.sockets.values())
            if client is None
            else [s for key, s in self.sockets.items() if key == client]
        )
        for socket in targets:
            sending = socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message)
            with contextlib.suppress(Exception):
                asyncio.run_coroutine_threadsafe(sending, loop).result(2)

    # -- routes ------------------------------------------------------------------------------

    def _app(self) -> Any:
        routes = [
            Route("/system_stats", self._stats),
            Route("/features", self._features),
            Route("/object_info", lambda request: Response(self._body, media_type="application/json")),
            Route("/prompt", self._prompt, methods=["GET", "POST"]),
            Route("/queue", self._queue, methods=["GET", "POST"]),
            Route("/interrupt", self._interrupt, methods=["POST"]),
            Route("/free", self._free, methods=["POST"]),
            Route("/history/{id}", self._history),
            Route("/view", self._view),
            Route("/upload/image", self._upload, methods=["POST"]),
            Route("/api/experiment/models/{folder}", self._models),
            Route("/view_metadata/{folder}", self._metadata),
            WebSocketRoute("/ws", self._ws),
        ]
        if not self.old:
            routes.append(Route("/api/jobs/{id}/cancel", self._cancel, methods=["POST"]))
            routes.append(Route("/api/node_replacements", lambda request: JSONResponse(REPLACEMENTS)))
        inner = Starlette(routes=routes)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "lifespan":
                self.requests.append((scope.get("method", "WS"), scope["path"]))
                self.origins += [value.decode() for name, value in scope["headers"] if name == b"origin"]
            await inner(scope, receive, send)

        return app

    async def _stats(self, request: Request) -> Response:
        system = {"os": "linux", "comfyui_version": "0.33.0", "argv": ["/home/user/ComfyUI/main.py"]}
        device = {"name": "cpu", "type": "cpu", "index": None, "vram_total": 8, "vram_free": 4}
        return JSONResponse({"system": system, "devices": [device]})

    async def _features(self, request: Request) -> Response:
        return JSONResponse({"supports_preview_metadata": True, "max_upload_size": 104857600})

    async def _prompt(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"exec_info": {"queue_remaining": self.engine.remaining()}})
        try:
            body = await request.json()
        except ValueError:
            return PlainTextResponse("500 Internal Server Error\n\nServer got itself in trouble", 500)
        if "nodes" in body.get("prompt", {}):
            return PlainTextResponse("500 Internal Server Error\n\nServer got itself in trouble", 500)
        status, answer = await asyncio.to_thread(self.engine.submit, body, names_prompts=not self.old)
        return JSONResponse(answer, status)

    async def _queue(self, request: Request) -> Response:
        engine = self.engine
        if request.method == "GET":
            with engine.lock:
                running = [engine.running] if engine.running else []
                return JSONResponse({"queue_running": running, "queue_pending": engine.pending[::-1]})
        body = await request.json()
        for prompt_id in body.get("delete", []):
            with engine.lock:
                engine.pending = [item for item in engine.pending if item[1] != prompt_id]
        if body.get("clear"):
            engine.pending = []
        return Response()

    async def _interrupt(self, request: Request) -> Response:
        body = await request.body()
        named = json.loads(body).get("prompt_id") if body and not self.old else None
        self.engine.interrupt(named)
        return Response()

    async def _free(self, request: Request) -> Response:
        self.engine.freed.append(await request.json())
        return Response()

    async def _history(self, request: Request) -> Response:
        prompt_id = request.path_params["id"]
        entry = self.engine.history.get(prompt_id)
        return JSONResponse({prompt_id: entry} if entry else {})

    async def _cancel(self, request: Request) -> Response:
        found = await asyncio.to_thread(self.engine.cancel, request.path_params["id"])
        return JSONResponse({"cancelled": found})

    async def _view(self, request: Request) -> Response:
        query = request.query_params
        name, subfolder = query["filename"], query.get("subfolder", "")
        if ".." in name or name.startswith("/"):
            return Response(status_code=400)
        path = self.engine.folders.root / query.get("type", "output") / subfolder / name
        return FileResponse(path) if path.is_file() else Response(status_code=404)

    async def _upload(self, request: Request) -> Response:
        form = await request.form()
        image, subfolder = form.get("image"), str(form.get("subfolder") or "")
        if image is None or isinstance(image, str):
            return Response(status_code=400)
        content, name = await image.read(), image.filename or "upload"
        if len(content) > self.max_upload:
            return Response(status_code=413)
        target = self.engine.folders.of("input", subfolder) / name
        number = 0
        while target.exists() and target.read_bytes() != content:
            number += 1
            target = target.with_name(f"{Path(name).stem} ({number}){Path(name).suffix}")
        target.write_bytes(content)
        self.uploads.append(target.name)
        return JSONResponse({"name": target.name, "subfolder": subfolder, "type": "input"})

    async def _models(self, request: Request) -> Response:
        names = FILES[("CheckpointLoaderSimple", "ckpt_name")]
        sizes = {"sd15.safetensors": 4_265_000_000}
        return JSONResponse([{"name": name, "size": sizes.get(name, 6_900_000_000)} for name in names])

    async def _metadata(self, request: Request) -> Response:
        return Response(status_code=404)

    async def _ws(self, socket: WebSocket) -> None:
        await socket.accept()
        client = socket.query_params.get("clientId", "")
        self.sockets[client] = socket
        status = {"status": {"exec_info": {"queue_remaining": self.engine.remaining()}}, "sid": client}
        try:
            await socket.send_text(json.dumps({"type": "status", "data": status}))
            while True:
                message = json.loads(await socket.receive_text())
                if message.get("type") == "feature_flags" and not self.old:
                    data = {"supports_preview_metadata": True, "max_upload_size": 104857600}
                    await socket.send_text(json.dumps({"type": "feature_flags", "data": data}))
        except (WebSocketDisconnect, RuntimeError, ValueError):
            pass
        finally:
            # The recorded trap: any socket of a client that closes makes the server forget the client.
            self.sockets.pop(client, None)
