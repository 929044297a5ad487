"""The context of a request: one read transaction, its dataloaders, and the state that requests share."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias, TypeVar

import sqlalchemy as sa
import strawberry
from sqlalchemy import ColumnElement, Executable, Select, SQLColumnExpression
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from strawberry.dataloader import DataLoader

from schema import tables
from schema.cache import Cache
from schema.column_types import dump_json

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Batch: TypeAlias = Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]]
"""A batch function: (context, keys) -> one value for each key, in the order of the keys."""
AnyBatch: TypeAlias = Callable[["Context", Sequence[Any]], Awaitable[Sequence[object]]]
Refresh: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Refreshes these sources, or all if none are named, and returns a summary."""
NAMES = ARRAY(sa.Text)
EVENT_CACHE_BYTES = 4 * 1024 * 1024
"""Bytes of event rows kept for subscribers that reach the same position next."""


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

    async def look(self) -> int:
        """The latest revision, read from the database now."""
        ...

    async def after(self, number: int) -> int:
        """Waits for a revision after this one, and returns the latest."""
        ...


class Context:
    """One request's view of the registry.

    The transaction begins with the first statement and lasts until the request ends,
    so that every part of an answer comes from one revision.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        settings: RegistrySettings | None = None,
        state: State | None = None,
        refresh: Refresh | None = None,
        watch: Revisions | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings or RegistrySettings()
        self.state = state or State()
        self.refresh = refresh
        """Refreshes the registry; None if this request may not."""
        self.watch = watch
        """Knows of every new revision; None outside of a server."""
        self.now = datetime.now(UTC)
        """The moment that "now" and "today" mean in this request."""
        self._loaders: dict[object, DataLoader[Any, Any]] = {}
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
                return (await self._connection.execute(statement, parameters)).all()
            finally:
                self._asking = None

    async def load(self, batch: Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]], key: K) -> T:
        """The value of a batch function for a key. Keys loaded in one tick of the event loop become one call."""
        loader = self._loaders.get(batch)
        if loader is None:

            async def load_all(keys: list[K]) -> list[T]:
                return list(await batch(self, keys))

            loader = self._loaders[batch] = DataLoader(load_fn=load_all)
        answer: T = await loader.load(key)
        return answer

    async def of_revision(self, find: Callable[["Context"], Awaitable[T]]) -> T:
        """The result of a function for the revision this request reads, cached until a request reads another one."""
        number = await self.scalar(sa.select(sa.func.max(tables.Revision.number))) or 0
        known = self.state.by_revision.get(find)
        if known is None or known[0] != number:
            known = self.state.by_revision[find] = number, await find(self)
        answer: T = known[1]
        return answer

    async def close(self) -> None:
        """Ends the transaction. If the operation was canceled, a statement that is still running is stopped first."""
        self._closed = True
        asking = self._asking
        if asking is not None and asking is not asyncio.current_task():
            # A loader runs its batch in a task of its own, which is not canceled with the operation.
            asking.cancel()
            await asyncio.wait([asking])
        await self._stack.aclose()


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
