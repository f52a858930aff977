"""One file per noun. Order matters where a model id, which may hold slashes, ends a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_routes(app: FastAPI) -> None:
    """Add every route to ``app``."""
    from diorama_web.routes import (
        assets,
        docs,
        edit,
        events,
        export,
        files,
        generate,
        health,
        jobs,
        library,
        models,
        pages,
        plugins,
        providers,
        queue,
        sessions,
        settings,
        signin,
        sockets,
        system,
        upscale,
        video,
    )

    for module in (
        health, signin, system, models, library, generate, edit, jobs, events, queue, video, upscale, export, assets,
        files, sessions, settings, providers, plugins, docs, sockets, pages,
    ):  # fmt: skip
        app.include_router(module.router)
        if module is library:
            app.include_router(models.by_id)
