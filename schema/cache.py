"""Caches bounded in bytes: one that does the same work only once at a time, and one for the latest revision alone."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from schema.column_types import is_array

V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Awaitable[Sequence[Any]]])
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


ROW_BYTES: Final = 60
VALUE_BYTES: Final = 40
"""What a row and each of its values take, besides its texts. Measured."""

LISTING_BYTES: Final = 5_000
TEXTS_PER_LISTING: Final = 3
"""What a listing takes with its conditions, and how often it holds the texts of its filter. Measured."""

_KEPT: set[object] = set()


class RevisionChangedError(Exception):
    """The database has another revision than the one a request began with; it has to begin again."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def by_revision(batch: F) -> F:
    """A batch function whose answers depend on nothing but the key and the revision, so that they can be kept.

    Nobody may change such an answer.
    """
    _KEPT.add(batch)
    return batch


class RevisionCache(Generic[V]):
    """A cache of what holds for the latest revision only, bounded in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.revision = 0
        self._cache: Cache[V] = Cache(max_bytes)

    def at(self, revision: int) -> Cache[V] | None:
        """The cache of a revision; None for one that has been replaced."""
        if revision > self.revision:
            # Requests that began before keep the cache they have.
            self.revision, self._cache = revision, Cache(self.max_bytes)
        return self._cache if revision == self.revision else None


def is_kept(batch: object) -> bool:
    return batch in _KEPT


def size_of(*values: object) -> int:
    """Estimated bytes of a key, whose texts a client may have chosen, and of its answer."""
    return sum(map(_size, values))


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    signature = getattr(value, "signature", None)
    if isinstance(signature, str):
        # A listing: its conditions hold the same texts as its signature.
        return LISTING_BYTES + TEXTS_PER_LISTING * len(signature) + _size(getattr(value, "ranking", None))
    fields = getattr(value, "_fields", None)
    if is_array(value):
        # Most values of a row are short or shared: only its texts count by their length.
        texts = sum(len(entry) for entry in value if isinstance(entry, str)) if fields else sum(map(_size, value))
        return ROW_BYTES + texts + (VALUE_BYTES * len(value) if fields else 0)
    if isinstance(value, Mapping):
        return ROW_BYTES + sum(_size(entry) for entry in cast("Mapping[object, object]", value).values())
    # A page of a listing, or the request for one.
    parts = (getattr(value, name, None) for name in ("rows", "listing", "page", "after", "before", "parent"))
    return ROW_BYTES + sum(_size(part) for part in parts if part is not None)
