"""Uvicorn as it serves us: connections whose client takes nothing are cut off, and streams don't hold up the end."""

import asyncio
import socket
import struct
import time
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Socket(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket. A client that answers no ping takes no goodbye either."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        cut(self.transport)


class Server(uvicorn.Server):
    """Uvicorn, which by itself keeps a connection for as long as its client leaves what it was sent lying there."""

    def __init__(self, config: uvicorn.Config, patience: float) -> None:
        super().__init__(config)
        self.patience = patience
        self._held: dict[Any, tuple[float, int]] = {}
        """Connection -> when the client last took something, and how much was left to take then."""

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self.sweep(time.monotonic())
        return await super().on_tick(counter)

    def sweep(self, now: float) -> None:
        """Cuts off whoever has taken nothing for too long."""
        held: dict[Any, tuple[float, int]] = {}
        for connection in list(self.server_state.connections):
            transport = connection.transport
            left = transport.get_write_buffer_size()
            # Elsewhere what is left may grow again while the client does take: only where nothing is added it tells.
            if not left or not (transport.is_closing() or is_full(connection)):
                continue
            since, before = self._held.get(connection, (now, left))
            if left < before:
                since = now
            if now - since > self.patience:
                cut(transport)
            else:
                held[connection] = since, left
        self._held = held

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and cycle.scope["state"].get("streams"):
                # Its client will ask again, of whoever comes next.
                connection.transport.close()
        await super().shutdown(sockets)


def cut(transport: asyncio.Transport) -> None:
    """Ends a connection and forgets what was not taken, in the kernel too."""
    wire = transport.get_extra_info("socket")
    if wire is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def is_full(connection: Any) -> bool:
    """Whether a connection takes no more until its client does."""
    flow = getattr(connection, "flow", None)
    return bool(flow.write_paused if flow is not None else not connection.writable.is_set())
