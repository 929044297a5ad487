"""What a request carries: one read transaction, and the loaders that ask it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

import sqlalchemy as sa
import strawberry
from sqlalchemy import ColumnElement, Executable, Select, SQLColumnExpression
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from strawberry.dataloader import DataLoader

from schema.column_types import dump_json

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Batch: TypeAlias = Callable[["Context", Sequence[K]], Awaitable[Sequence[T]]]
"""Answers to many keys at once, in the order of the keys. Its name is the question it answers."""
Refresh: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Refreshes these sources, or all if none are named, and says what was done."""


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
        settings: Mapping[str, Any] | None = None,
        refresh: Refresh | None = None,
        watch: Revisions | None = None,
    ) -> None:
        self.engine = engine
        self.refresh = refresh
        """Refreshes the registry; None where this request may not."""
        self.watch = watch
        """Knows of every new revision; None where nothing runs that long."""
        self.now = datetime.now(UTC)
        """The moment that "today's price" means in this request."""
        self.settings: Mapping[str, Any] = settings or {}
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}
        self._stack = AsyncExitStack()
        self._connection: AsyncConnection | None = None
        # Sibling fields run concurrently, and a connection may not: one statement at a time.
        self._turn = asyncio.Lock()
        self._asking: asyncio.Task[Any] | None = None
        self._closed = False

    async def rows(self, statement: Select[T]) -> list[T]:
        """The statement's rows. A whole table's rows have its columns as attributes, without being entities."""
        return list(await self._execute(statement))

    async def tuples(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """The rows of a statement that selects more than one thing."""
        return list(await self._execute(statement, parameters))

    async def scalar(self, statement: Select[T]) -> T | None:
        rows = await self._execute(statement)
        return rows[0][0] if rows else None

    def among(self, column: SQLColumnExpression[str], names: Iterable[str]) -> ColumnElement[bool]:
        """True where the column holds one of the names: a single bound value, however many they are."""
        if self.engine.dialect.name == "postgresql":
            return column == sa.any_(sa.literal(list(names), ARRAY(sa.Text)))
        listed = sa.func.json_each(sa.literal(dump_json(list(names)), sa.Text)).table_valued("value")
        return column.in_(sa.select(listed.c.value))

    async def _execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
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
        """One answer of a batch function; keys asked in one tick become one call."""
        loader = self._loaders.get(batch)
        if loader is None:
            loader = self._loaders[batch] = DataLoader(load_fn=partial(_listed, batch, self))
        answer: T = await loader.load(key)
        return answer

    async def close(self) -> None:
        """Ends the transaction. A statement still under way, of an operation that was given up, is stopped first."""
        self._closed = True
        asking = self._asking
        if asking is not None and asking is not asyncio.current_task():
            # A loader's batch runs in a task of its own, which giving up the operation does not reach.
            asking.cancel()
            await asyncio.wait([asking])
        await self._stack.aclose()


async def _listed(batch: Batch[Any, Any], context: Context, keys: list[Any]) -> list[Any]:
    return list(await batch(context, keys))


@asynccontextmanager
async def context(
    engine: AsyncEngine, settings: Mapping[str, Any] | None = None, watch: Revisions | None = None
) -> AsyncGenerator[Context]:
    """A context that ends its transaction when the block ends."""
    made = Context(engine, settings=settings, watch=watch)
    try:
        yield made
    finally:
        await made.close()


Info: TypeAlias = strawberry.Info[Context, None]
