"""One file per noun. Order matters where a model id, which may hold slashes, ends a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_routes(app: FastAPI) -> None:
    """Add every route to ``app``."""
    from diorama_web.routes import (
        assets,
        civitai,
        comfyui,
        connections,
        docs,
        edit,
        events,
        export,
        files,
        generate,
        health,
        jobs,
        library,
        logs,
        loras,
        models,
        money,
        pages,
        plugins,
        queue,
        sessions,
        settings,
        signin,
        sockets,
        system,
        upscale,
        video,
    )

    for router in (
        health.router, signin.router, system.router, models.router, loras.router, library.router, models.by_id, generate.router,
        edit.router, jobs.router, events.router, queue.router, video.router, upscale.router, export.router,
        assets.router, files.router, sessions.router, settings.router, logs.router, plugins.router,
        civitai.router, comfyui.router, money.router, connections.router, docs.router, sockets.router, pages.router,
    ):  # fmt: skip
        app.router.routes.extend(router.routes)  # including them would build every route a second time
