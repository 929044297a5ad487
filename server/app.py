"""The application: its routes and middleware, and what lives as long as the server does."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TypeAlias, TypedDict

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from schema.graph import sdl
from server import database
from server.database.revisions import Watch
from server.graphiql.assets import routes as graphiql_routes
from server.graphql.answers import Answers, KeptResponses, QueryEndpoint
from server.graphql.connection_limits import ConnectionLimits
from server.graphql.errors import HttpError
from server.graphql.execution import Runner
from server.graphql.http import GraphQLEndpoint
from server.graphql.websocket import WebSocketEndpoint
from server.pages.error_pages import missing, page
from server.pages.routes import routes as page_routes
from server.pages.site import Site
from server.preload import preload_each_revision
from server.refresh.scheduler import Refresher, Scheduler
from server.settings import Settings

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


class ServerState(TypedDict):
    """What lives as long as the server does; requests find it in their `state`."""

    engine: AsyncEngine
    watch: Watch
    refresher: Refresher
    runner: Runner
    answers: Answers
    graphql: GraphQLEndpoint
    sockets: WebSocketEndpoint
    site: Site


ServerRequest: TypeAlias = Request[ServerState]
ServerSocket: TypeAlias = WebSocket[ServerState]


def create_state(settings: Settings, engine: AsyncEngine) -> ServerState:
    """The state of a server on this database. Nothing in it is running yet."""
    watch = Watch(engine)
    refresher = Refresher(settings, watch.notify)
    runner = Runner(engine, settings, watch, refresher.refresh_feeds)
    limits = ConnectionLimits(settings.max_sockets_per_address, settings.max_sockets)
    return ServerState(
        engine=engine,
        watch=watch,
        refresher=refresher,
        runner=runner,
        answers=Answers(runner, watch),
        graphql=GraphQLEndpoint(runner, settings, limits),
        sockets=WebSocketEndpoint(runner, settings, limits),
        site=Site(runner),
    )


@asynccontextmanager
async def run_server(settings: Settings) -> AsyncGenerator[ServerState]:
    """The state, while the revision watch and the refresh schedule run beside the server."""
    async with AsyncExitStack() as stack:
        engine = database.create_engine(settings.database_url)
        stack.push_async_callback(engine.dispose)
        state = create_state(settings, engine)
        await stack.enter_async_context(background(asyncio.to_thread(state["site"].warm)))
        await stack.enter_async_context(state["watch"].running())
        await stack.enter_async_context(background(preload_each_revision(state["runner"].context, state["watch"])))
        if settings.refresh_interval:
            scheduler = Scheduler(engine, settings.refresh_interval, state["refresher"])
            await stack.enter_async_context(background(scheduler.run()))
        yield state


@asynccontextmanager
async def background(work: Coroutine[object, None, None]) -> AsyncGenerator[None]:
    """Runs the work beside the server for as long as the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def create_app(settings: Settings) -> ASGIApp:
    """The server as an ASGI application; its lifespan makes the state."""
    routes: list[BaseRoute] = [
        Route("/graphql", graphql, methods=METHODS),
        WebSocketRoute("/graphql", graphql_socket),
        *graphiql_routes(),
        Route("/schema.graphql", schema),
        Route("/healthz", alive),
        Route("/readyz", ready),
        *page_routes(),
    ]
    app: ASGIApp = Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders)],
        lifespan=lambda _: run_server(settings),
        exception_handlers={404: not_found, 405: method_not_allowed},
    )
    app = QueryEndpoint(app, settings.max_body_bytes)
    if origins := [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]:
        app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["ETag", "Modelmeta-Revision"],
            max_age=86_400,
        )
    return KeptResponses(app)


async def graphql(request: ServerRequest) -> Response:
    return await request.state["graphql"](request)


async def graphql_socket(socket: ServerSocket) -> None:
    await socket.state["sockets"](socket)


async def schema(_: Request) -> Response:
    """The schema in GraphQL's definition language, for people and for generators."""
    return PlainTextResponse(sdl(), headers={"cache-control": "public, max-age=300"})


async def alive(_: Request) -> Response:
    """Liveness: the process responds."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def ready(request: ServerRequest) -> Response:
    """Readiness: the registry can be read, and has a revision."""
    try:
        async with database.reading(request.state["engine"]) as connection:
            revision = await database.newest(connection)
    except (SQLAlchemyError, OSError):
        revision = None
    content = {"status": "ok" if revision else "not ready", "revision": revision}
    return JSONResponse(content, 200 if revision else 503, headers={"cache-control": "no-store"})


async def not_found(request: Request, _: Exception) -> Response:
    # Browsers get a page, programs get a GraphQL error.
    if "text/html" in request.headers.get("accept", ""):
        return await page(partial(missing, kind="page"))(request)
    message = "There is nothing at this address. GraphQL is at /graphql, its explorer at /graphiql."
    return HttpError(404, message, "NOT_FOUND").response()


async def method_not_allowed(_: Request, error: Exception) -> Response:
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    return HttpError(405, "This address does not support the method.", "METHOD_NOT_ALLOWED", headers).response()


class SecurityHeaders:
    """Headers of every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
