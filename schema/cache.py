"""A cache bounded in bytes, which does the same work only once at a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

V = TypeVar("V")
ENTRY_BYTES: Final = 500
"""Bytes counted for an entry besides its key and value, so that empty values are bounded, too."""


class Cache(Generic[V]):
    """Values by key. Over the limit, the least recently used are dropped first.

    Sizes are the caller's estimates in bytes. They include the key where a client chooses its length.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        """Size of all values together."""
        self._entries: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Future[tuple[V, int]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        size += ENTRY_BYTES
        if previous := self._entries.pop(key, None):
            self.bytes -= previous[1]
        # One value never displaces most of the others.
        if size > self.max_bytes // 4:
            return
        self._entries[key] = value, size
        self.bytes += size
        while self.bytes > self.max_bytes:
            self.bytes -= self._entries.popitem(last=False)[1][1]

    async def load(self, key: Hashable, work: Callable[[], Awaitable[tuple[V, int]]]) -> V:
        """The value of a key, from the work if it is not cached: a value and its size.

        Callers that ask while the work runs share it, and it continues when the first of them is canceled.
        An error reaches all of them and is not cached.
        """
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
            return entry[0]
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(work())
            task.add_done_callback(lambda done: self._settle(key, done))
        return (await asyncio.shield(task))[0]

    async def close(self) -> None:
        """Cancels the work under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _settle(self, key: Hashable, done: asyncio.Future[tuple[V, int]]) -> None:
        del self._under_way[key]
        # Reading the exception also marks it as retrieved: asyncio logs those nobody reads.
        if not done.cancelled() and done.exception() is None:
            self.put(key, *done.result())
