"""The promise: clients that stall are disconnected, streams don't delay a shutdown, and uvicorn still works as this requires.

When a new version of uvicorn fails here, the docstring of server/uvicorn_server.py lists what is used of it. Adapt that
module, then allow the version in pyproject.toml.
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.uvicorn_server import Server, WebSocketProtocol, is_write_paused

CHANGED = f"uvicorn {version('uvicorn')} changed what server/uvicorn_server.py relies on; its docstring says what"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Transport(asyncio.Transport):
    """A connection whose client reads only when the test tells it to."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = 0
        self.closed = self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: Any) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class App:
    """An application that accepts and then waits."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.called = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.called.set()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        await asyncio.get_running_loop().create_future()


@pytest_asyncio.fixture(loop_scope="session")
async def app() -> App:
    return App()


@pytest_asyncio.fixture(loop_scope="session")
async def server(app: App) -> AsyncIterator[Server]:
    config = uvicorn.Config(
        app, http="httptools", ws=WebSocketProtocol, ws_ping_interval=0.01, ws_ping_timeout=0.01, lifespan="off"
    )
    config.load()
    server = Server(config, stall_timeout=20)
    yield server
    for task in server.server_state.tasks:
        task.cancel()
    await asyncio.gather(*server.server_state.tasks, return_exceptions=True)


def connect(server: Server, kind: type[HttpToolsProtocol] | type[WebSocketProtocol]) -> tuple[Any, Transport]:
    protocol = kind(server.config, server.server_state, {})
    transport = Transport()
    protocol.connection_made(transport)
    return protocol, transport


def test_only_the_minor_version_that_was_checked_is_allowed() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    (pin,) = [line for line in project["dependencies"] if line.startswith("uvicorn")]
    major, minor = map(int, version("uvicorn").split(".")[:2])
    assert f"<{major}.{minor + 1}" in pin, pin
    assert f">={major}.{minor}" in pin, pin


@pytest.mark.parametrize("kind", [HttpToolsProtocol, WebSocketProtocol])
async def test_every_connection_is_listed_and_shows_whether_writing_is_paused(server: Server, kind: Any) -> None:
    protocol, transport = connect(server, kind)
    assert protocol in server.server_state.connections, CHANGED
    assert protocol.transport is transport, CHANGED
    assert not is_write_paused(protocol), CHANGED
    protocol.pause_writing()
    assert is_write_paused(protocol), CHANGED
    protocol.resume_writing()
    assert not is_write_paused(protocol), CHANGED


@pytest.mark.parametrize("kind", [HttpToolsProtocol, WebSocketProtocol])
async def test_a_client_that_reads_nothing_for_too_long_is_disconnected(server: Server, kind: Any) -> None:
    protocol, transport = connect(server, kind)
    protocol.pause_writing()
    transport.unread = 1_000
    server.disconnect_stalled(now=0)
    transport.unread = 999  # it reads, but slowly
    server.disconnect_stalled(now=19)
    server.disconnect_stalled(now=38)
    assert not transport.aborted
    server.disconnect_stalled(now=40)
    assert transport.aborted


async def test_a_client_whose_buffer_has_room_may_take_its_time(server: Server) -> None:
    _, transport = connect(server, HttpToolsProtocol)
    transport.unread = 1_000
    for now in range(0, 200, 10):
        server.disconnect_stalled(now)
    assert not transport.aborted


async def test_stalled_clients_are_checked_once_a_second(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    monkeypatch.setattr(server, "disconnect_stalled", times.append)
    for counter in range(25):  # uvicorn counts tenths of seconds
        await server.on_tick(counter)
    assert len(times) == 3, CHANGED


async def test_a_websocket_that_does_not_answer_pings_is_aborted(server: Server, app: App) -> None:
    protocol, transport = connect(server, WebSocketProtocol)
    protocol.data_received(UPGRADE)
    async with asyncio.timeout(10):
        while not transport.aborted:
            await asyncio.sleep(0.01)
    assert app.scopes[0]["type"] == "websocket"


async def test_a_shutdown_closes_streams_and_lets_other_requests_finish(server: Server, app: App) -> None:
    connections: list[tuple[Any, Transport]] = []
    for streams in (True, False):
        protocol, transport = connect(server, HttpToolsProtocol)
        app.called.clear()
        protocol.data_received(GET)
        await app.called.wait()
        assert protocol.cycle.scope is app.scopes[-1], CHANGED
        app.scopes[-1]["state"]["streams"] = streams
        connections.append((protocol, transport))
    server.servers = []
    server.force_exit = True
    await server.shutdown()
    assert [transport.closed for _, transport in connections] == [True, False]
