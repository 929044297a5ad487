"""Uvicorn, changed in two ways: it disconnects clients that stall, and does not wait for streams when it shuts down.

Uvicorn keeps a connection for as long as its client leaves what was sent unread, however much that is, and offers no
setting for it. So this module uses parts of uvicorn that its documentation does not promise:

- `WebSocketsSansIOProtocol.keepalive_timeout`, called when a client does not answer a ping, and its `transport`;
- `Server.server_state.connections`, every open connection's protocol, and `Server.on_tick`, called ten times a second;
- `HttpToolsProtocol.flow.write_paused` and `WebSocketsSansIOProtocol.writable`, which say whether a write waits;
- `HttpToolsProtocol.cycle.scope`, the ASGI scope of the request under way.

`pyproject.toml` therefore allows one minor version, and `tests/server/test_uvicorn_server.py` says what to look at when
a new one changes any of these.
"""

import asyncio
import socket
import struct
import time

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket, without waiting for the closing frame of a client that does not answer pings."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        abort(self.transport)


class Server(uvicorn.Server):
    """A uvicorn server that disconnects clients which stop reading."""

    def __init__(self, config: uvicorn.Config, stall_timeout: float) -> None:
        super().__init__(config)
        self.stall_timeout = stall_timeout
        self._stalled: dict[object, tuple[float, int]] = {}
        """Connection -> when its client last read something, and the bytes that were unread then."""

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self.disconnect_stalled(time.monotonic())
        return await super().on_tick(counter)

    def disconnect_stalled(self, now: float) -> None:
        """Disconnects clients that have read nothing for too long."""
        stalled: dict[object, tuple[float, int]] = {}
        for connection in list(self.server_state.connections):
            transport = connection.transport
            unread = transport.get_write_buffer_size()
            # The buffer can grow although the client reads, so only a full buffer shows a stall.
            if not unread or not (transport.is_closing() or is_write_paused(connection)):
                continue
            since, before = self._stalled.get(connection, (now, unread))
            if unread < before:
                since = now
            if now - since > self.stall_timeout:
                abort(transport)
            else:
                stalled[connection] = since, unread
        self._stalled = stalled

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            cycle = connection.cycle if isinstance(connection, HttpToolsProtocol) else None
            if cycle is not None and cycle.scope.get("state", {}).get("streams"):
                # Its client will reconnect to the next server.
                connection.transport.close()
        await super().shutdown(sockets)


def abort(transport: asyncio.Transport) -> None:
    """Ends a connection and drops what was not read, in the kernel too."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def is_write_paused(connection: object) -> bool:
    """Whether the next write waits until the client has read something."""
    if isinstance(connection, HttpToolsProtocol):
        return connection.flow.write_paused
    return isinstance(connection, WebSocketsSansIOProtocol) and not connection.writable.is_set()
