"""The manager as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sakimori import __version__
from sakimori.protect.manager import Manager
from sakimori.protect.service import PREFIX, Service


def application(manager: Manager) -> ASGIApp:
    """The application of a manager that is prepared; its tasks run while the application does."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        manager.start()
        try:
            yield
        finally:
            manager.close()

    # The API is described by its own declarations, not by FastAPI's reading of functions.
    app = FastAPI(
        title="Sakimori workload protection manager",
        version=__version__,
        lifespan=running,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.router.routes[:] = [Route("/healthz", _alive)]
    app.router.redirect_slashes = False
    app.router.default = _nothing
    service = Service(manager)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        """The API answers for itself in every case, so that nothing stands before it."""
        ours = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        await (service if ours else app)(scope, receive, send)

    return application


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse({"message": "there is nothing here: the API is under /api"}, 404)
    await answer(scope, receive, send)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
