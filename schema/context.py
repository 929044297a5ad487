"""The context of a request: one read transaction, its dataloaders, and the state that requests share."""

import asyncio
from collections import namedtuple
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Protocol, TypeAlias, TypeVar

import sqlalchemy as sa
import strawberry
from sqlalchemy import ColumnElement, CursorResult, Executable, Select, SQLColumnExpression
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from strawberry.dataloader import DataLoader

from schema import tables
from schema.cache import Cache, RevisionCache, RevisionChangedError, is_kept, size_of
from schema.column_types import dump_json

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Batch: TypeAlias = Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]]
"""A batch function: (context, keys) -> one value for each key, in the order of the keys."""
AnyBatch: TypeAlias = Callable[["Context", Sequence[Any]], Awaitable[Sequence[object]]]
Refresh: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Refreshes these sources, or all if none are named, and returns a summary."""
NAMES = ARRAY(sa.Text)
LATEST = sa.select(sa.func.max(tables.Revision.number))
KEPT_BYTES = 64 * 1024 * 1024
"""Bytes of kept answers of batch functions."""
PART_BYTES = 12 * 1024 * 1024
"""Bytes of encoded parts of responses."""
EVENT_CACHE_BYTES = 4 * 1024 * 1024
"""Bytes of event rows kept for subscribers that reach the same position next."""


def utc_now() -> datetime:
    """The present moment: "now" and "today" in everything that is answered."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What the schema needs to know about the server it runs in."""

    refresh_interval_seconds: int = 0
    """0 when the registry does not refresh by itself."""
    feeds: Collection[str] = ()
    """Slugs of the sources that can be refreshed."""


@dataclass(slots=True)
class State:
    """Shared by all requests to one database. The server creates it when it starts."""

    events: Cache[Sequence[object]] = field(default_factory=lambda: Cache(EVENT_CACHE_BYTES))
    """Rows that subscriptions read, by feed and position."""
    by_revision: dict[object, tuple[int, Any]] = field(default_factory=dict[object, tuple[int, Any]])
    """Function -> (revision, its result for that revision)."""
    kept: RevisionCache[tuple[Any]] = field(default_factory=lambda: RevisionCache(KEPT_BYTES))
    """(batch function, key) -> its answer, in a tuple because it may be None."""
    parts: RevisionCache[Any] = field(default_factory=lambda: RevisionCache(PART_BYTES))
    """What the plans of operations keep of their responses."""


class Revisions(Protocol):
    """Knows the latest revision of a database, and when there is a new one."""

    @property
    def engine(self) -> AsyncEngine:
        """The database it watches."""
        ...

    @property
    def number(self) -> int:
        """The latest revision seen; 0 while there is none."""
        ...

    def current(self) -> int | None:
        """The latest revision, without waiting: exact, or at most half a second old. None if that can't be told."""
        ...

    async def look(self) -> int:
        """The latest revision, read from the database now."""
        ...

    async def after(self, number: int) -> int:
        """Waits for a revision after this one, and returns the latest."""
        ...


class Context:
    """One request's view of the registry.

    The transaction begins with the first statement and lasts until the request ends,
    so that every part of an answer comes from one revision. With a revision given, answers kept for it are used, and
    reading anything from another revision raises RevisionChangedError.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        settings: RegistrySettings | None = None,
        state: State | None = None,
        refresh: Refresh | None = None,
        watch: Revisions | None = None,
        revision: int | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings or RegistrySettings()
        self.state = state or State()
        self.refresh = refresh
        """Refreshes the registry; None if this request may not."""
        self.watch = watch
        """Knows of every new revision; None outside of a server."""
        self.now = utc_now()
        """The moment that "now" and "today" mean in this request."""
        self._loaders: dict[object, DataLoader[Any, Any]] = {}
        self.revision = revision
        self._kept = None if revision is None else self.state.kept.at(revision)
        self.parts = None if revision is None else self.state.parts.at(revision)
        """Encoded parts of responses, by what they were made from; None if nothing can be kept."""
        self._stack = AsyncExitStack()
        self._connection: AsyncConnection | None = None
        # Sibling fields run concurrently; a connection runs one statement at a time.
        self._turn = asyncio.Lock()
        self._asking: asyncio.Task[object] | None = None
        self._closed = False

    async def rows(self, statement: Select[T]) -> list[T]:
        """The statement's rows. Rows of a whole table have its columns as attributes, but are not ORM entities."""
        return list(await self._execute(statement))

    async def tuples(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> list[Any]:
        """The rows of a statement that selects more than one thing."""
        return list(await self._execute(statement, parameters))

    async def scalar(self, statement: Select[T]) -> T | None:
        rows = await self._execute(statement)
        return rows[0][0] if rows else None

    @property
    def postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    def among(self, column: SQLColumnExpression[str], names: Iterable[str]) -> ColumnElement[bool]:
        """True where the column holds one of the names."""
        values = sa.literal(list(names), NAMES) if self.postgresql else sa.literal(dump_json(list(names)), sa.Text)
        return among(column, values, self.postgresql)

    async def _execute(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> Sequence[Any]:
        async with self._turn:
            if self._closed:
                raise asyncio.CancelledError
            self._asking = asyncio.current_task()
            try:
                if self._connection is None:
                    self._connection = await self._stack.enter_async_context(self.engine.connect())
                    rows = named(await self._connection.execute(statement, parameters))
                    # The first statement decides which revision all others see, too.
                    if self.revision is not None and (number := await self._read_revision()) != self.revision:
                        raise RevisionChangedError(number)
                    return rows
                return named(await self._connection.execute(statement, parameters))
            finally:
                self._asking = None

    async def _read_revision(self) -> int:
        """The revision that the transaction sees, if it is the one the request began with; else another."""
        assert self._connection is not None
        if self.watch is not None and self.engine.dialect.name == "sqlite":
            # The latest one, after the first statement: if that is still the same, the statement saw no other.
            return self.watch.current() or 0
        return await self._connection.scalar(LATEST) or 0

    async def load(self, batch: Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]], key: K) -> T:
        """The value of a batch function for a key. Keys loaded in one tick of the event loop become one call."""
        entry = self._kept.get((batch, key)) if self._kept is not None and is_kept(batch) else None
        if entry is not None:
            kept: T = entry[0]
            return kept
        # Fields share what is loaded: an error that cancels one of them must not cancel it for the others.
        answer: T = await asyncio.shield(self._loader(batch).load(key))
        return answer

    async def load_many(
        self, batch: Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]], keys: Iterable[K]
    ) -> Mapping[K, T]:
        """The value of a batch function for each key, kept or from one call. Raises the error of a key that has one."""
        kept = self._kept if is_kept(batch) else None
        found: dict[K, T] = {}
        missing: list[K] = []
        for key in keys:
            entry = kept.get((batch, key)) if kept is not None else None
            if entry is None:
                missing.append(key)
            else:
                found[key] = entry[0]
        if missing:
            values: list[T] = await self._loader(batch).load_many(missing)
            found.update(zip(missing, values, strict=True))
        return found

    def _loader(self, batch: Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]]) -> DataLoader[K, T]:
        loader = self._loaders.get(batch)
        if loader is None:
            loader = self._loaders[batch] = DataLoader(load_fn=partial(self.read, batch))
        return loader

    async def read(
        self, batch: Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]], keys: Sequence[K]
    ) -> list[T]:
        """The values of a batch function for these keys, in one call. Keeps them if the function is `by_revision`."""
        values = list(await batch(self, keys))
        if self._kept is not None and is_kept(batch):
            for key, value in zip(keys, values, strict=True):
                if not isinstance(value, Exception):
                    self._kept.put((batch, key), (value,), size_of(key, value))
        return values

    @property
    def has_room(self) -> bool:
        """Whether more can be kept for the revision without dropping what is kept."""
        return self._kept is not None and self._kept.bytes < 0.9 * self._kept.max_bytes

    async def of_revision(self, find: Callable[["Context"], Awaitable[T]]) -> T:
        """The result of a function for the revision this request reads, cached until a request reads another one."""
        number = await self.scalar(LATEST) or 0
        known = self.state.by_revision.get(find)
        if known is None or known[0] != number:
            known = self.state.by_revision[find] = number, await find(self)
        answer: T = known[1]
        return answer

    async def close(self) -> None:
        """Ends the transaction. If the operation was canceled, a statement that is still running is stopped first."""
        self._closed = True
        self._loaders.clear()  # they refer to this context
        if self._connection is None and self._asking is None:
            return
        asking = self._asking
        if asking is not None and asking is not asyncio.current_task():
            # A loader runs its batch in a task of its own. Canceling it twice would interrupt the driver, which is then
            # asking the database to stop the statement.
            if not asking.cancelling():
                asking.cancel()
            await asyncio.wait([asking])
        await self._stack.aclose()


@lru_cache(maxsize=1024)
def row_type(names: tuple[str, ...]) -> Any:
    """Makes tuples whose values are read by name, faster than those of SQLAlchemy's rows."""
    made = namedtuple("Row", names, rename=True)  # type: ignore[misc] # the names are known when it is read
    return made._make


def named(result: CursorResult[Any]) -> list[Any]:
    return list(map(row_type(tuple(result.keys())), result))


def among(column: SQLColumnExpression[str], values: ColumnElement[Any], postgresql: bool) -> ColumnElement[bool]:
    """True where the column holds one of the values, which are one parameter: an array, or the text of a JSON array."""
    if postgresql:
        return column == sa.any_(values)
    listed = sa.func.json_each(values).table_valued("value")
    return column.in_(sa.select(listed.c.value))


@asynccontextmanager
async def context(engine: AsyncEngine) -> AsyncGenerator[Context]:
    """A context whose transaction ends with the block."""
    made = Context(engine)
    try:
        yield made
    finally:
        await made.close()


Info: TypeAlias = strawberry.Info[Context, None]
