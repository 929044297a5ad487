"""The application: routes, middleware, and what lives as long as the process."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from schema import tables
from schema.graph import sdl as printed_sdl
from server import database
from server.database.revisions import Watch
from server.graphiql.assets import routes as graphiql
from server.graphql.connection_limits import Places
from server.graphql.execution import Runner
from server.graphql.http import Endpoint, HttpError
from server.graphql.websocket import Sockets
from server.pages.error_pages import missing_page, page
from server.pages.routes import routes as pages
from server.pages.site import Site
from server.refresh.scheduler import Refresher, Scheduler
from server.settings import Settings


class SecurityHeaders:
    """Headers every answer carries."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        await self.app(scope, receive, headed if scope["type"] == "http" else send)


async def alive(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def schema(_: Request) -> Response:
    """The schema in GraphQL's definition language, for people and for generators."""
    return PlainTextResponse(printed_sdl(), headers={"Cache-Control": "public, max-age=300"})


class Readiness:
    """Whether the registry can be read, and holds a revision."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def __call__(self, _: Request) -> Response:
        try:
            async with database.reading(self.engine) as connection:
                revision = await connection.scalar(sa.select(sa.func.max(col(tables.Revision.number))))
        except (SQLAlchemyError, OSError):
            revision = None
        status = "ok" if revision else "not ready"
        return JSONResponse(
            {"status": status, "revision": revision}, 200 if revision else 503, headers={"Cache-Control": "no-store"}
        )


async def wrong_method(_: Request, error: Exception) -> Response:
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    return HttpError(405, "The method is not supported here.", "METHOD_NOT_ALLOWED", headers).response()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Runs something beside the server for as long as the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def create_app(settings: Settings, engine: AsyncEngine | None = None) -> Starlette:
    """The whole server as an ASGI application. Without an engine it opens the settings' database, and closes it."""
    opened = engine or database.create_engine(settings.database_url)
    watch = Watch(opened)
    refresher = Refresher(settings, watch.notify)
    runner = Runner(opened, settings, watch, refresher.refresh_feeds)
    places = Places(settings.max_sockets_per_address, settings.max_sockets)
    endpoint = Endpoint(runner, settings, places)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running(asyncio.to_thread(site.warm)))
            await stack.enter_async_context(watch.running())
            if settings.refresh_interval:
                await stack.enter_async_context(running(Scheduler(opened, settings.refresh_interval, refresher).run()))
            yield
        if engine is None:
            await opened.dispose()

    over_socket = Sockets(runner, settings, places)

    async def sockets(socket: WebSocket) -> None:
        await over_socket(socket)

    async def graphql(request: Request) -> Response:
        return await endpoint(request)

    site = Site(runner)
    nowhere = page(site, missing_page)

    async def missing(request: Request, _: Exception) -> Response:
        # People get a page, programs the shape they know.
        if "text/html" in request.headers.get("accept", ""):
            return await nowhere(request)
        return HttpError(
            404, "There is nothing here. GraphQL is at /graphql, its explorer at /graphiql.", "NOT_FOUND"
        ).response()

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    routes: list[BaseRoute] = [
        Route("/graphql", graphql, methods=methods),
        WebSocketRoute("/graphql", sockets),
        *graphiql(),
        Route("/schema.graphql", schema),
        Route("/healthz", alive),
        Route("/readyz", Readiness(opened).__call__),
        *pages(site),
    ]
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    middleware = [Middleware(SecurityHeaders)]
    if origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                expose_headers=["ETag"],
                max_age=86_400,
            )
        )
    return Starlette(
        routes=routes,
        middleware=middleware,
        lifespan=lifespan,
        exception_handlers={404: missing, 405: wrong_method},
    )
