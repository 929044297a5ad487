"""The registry out of a database into a snapshot, and back: exact, in pieces, all or nothing."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.tables import table
from seeds.store.store import CHUNK, insert
from server.database import EMPTY, newest
from server.errors import OperatorError
from server.snapshots.format import FORMAT, VERSION, Header, Reader, Row, Writer, columns, listed
from server.snapshots.values import spelling

Progress = Callable[[str, int, int], None]
"""Told the table under way, how many rows are done, and how many there are in all."""

PIECE = 2**20
"""Bytes of lines that are written to the database at once, or a single line where that is longer."""
UNREADABLE = (ValueError, LookupError, TypeError, ArithmeticError)
"""What reading a value raises that its column could not hold; only SQLite lets such in."""


class Moved(NamedTuple):
    """What was exported or imported."""

    revision: int
    """The newest revision's number in the database."""
    header: Header

    def rows(self, model: type[tables.Table]) -> int:
        return next(each.rows for each in self.header.tables if each.name == model.__tablename__)


async def export(connection: AsyncConnection, sink: Callable[[bytes], object], progress: Progress) -> Moved:
    """Writes the registry as the connection's transaction sees it."""
    postgresql = connection.dialect.name == "postgresql"
    revision = await newest(connection)
    if revision is None:
        raise OperatorError(EMPTY)
    counts = [
        listed(each, await connection.scalar(sa.select(sa.func.count()).select_from(each)) or 0)
        for each in map(table, tables.REGISTRY)
    ]
    header = Header(format=FORMAT, version=VERSION, layout=tables.LAYOUT, revision=revision, tables=counts)
    writer = Writer(sink, header)
    for each in map(table, tables.REGISTRY):
        progress(each.name, writer.count, header.rows)
        known = columns(each)
        # Contents of feeds are large: one at a time.
        size = 1 if any(column.spelling.kind == "bytes" for column in known) else CHUNK
        statement = sa.select(each).order_by(*(_in_order(column, postgresql) for column in each.primary_key.columns))
        try:
            result = await connection.stream(statement, execution_options={"yield_per": size})
            async for rows in result.partitions(size):
                writer.rows(each.name, known, rows)
                progress(each.name, writer.count, header.rows)
        except UNREADABLE as error:
            said = str(error).partition("\n")[0]
            raise OperatorError(
                f"The table {each.name} holds a value that can't be read ({said:.200}). Mend it or load a new database."
            ) from error
    writer.close()
    return Moved(revision, header)


def _in_order(column: sa.Column[Any], postgresql: bool) -> sa.ColumnElement[Any]:
    """An order that both databases agree on: texts by their bytes, not by the rules of a language."""
    if postgresql and spelling(column.type).kind in ("text", "word"):
        return sa.type_coerce(column, sa.Text).collate("C")
    return column


async def restore(connection: AsyncConnection, reader: Reader, replace: bool, progress: Progress) -> Moved:
    """Brings what a snapshot holds into the database. The caller's transaction makes it all or nothing."""
    postgresql = connection.dialect.name == "postgresql"
    await _alone(connection)
    held = await newest(connection)
    filled = [each for each in tables.REGISTRY[1:] if await _holds(connection, table(each))]
    if filled and not replace:
        what = f"revision {held} already" if held else f"rows in {filled[0].__tablename__} already"
        raise OperatorError(
            f"The database holds {what}. Name an empty one with --database-url, or replace what it holds, history "
            "included, with --replace."
        )
    total = reader.header.rows
    progress("emptying", 0, total)
    for each in reversed(tables.REGISTRY):
        await connection.execute(sa.delete(table(each)))
    done = 0
    for each in tables.REGISTRY:
        progress(table(each).name, done, total)
        piece: list[Row] = []
        size = 0
        for row in reader.rows(table(each), postgresql):
            piece.append(row)
            size += row.size
            if len(piece) == CHUNK or size >= PIECE:
                done += await _insert(connection, each, piece, reader)
                piece, size = [], 0
                progress(table(each).name, done, total)
        done += await _insert(connection, each, piece, reader)
    progress("checking", total, total)
    reader.close()
    await _agrees(connection, reader)
    revision = await _counted_on(connection, reader.header.revision, held)
    await _settle(connection, postgresql)
    return Moved(revision, reader.header)


async def _alone(connection: AsyncConnection) -> None:
    """Keeps other writers out until the transaction ends; readers go on. On SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        # Every load begins with the sources. Locked one after the other, all tables would be waited for in a circle.
        await connection.execute(sa.text("LOCK TABLE source IN SHARE ROW EXCLUSIVE MODE"))


async def _holds(connection: AsyncConnection, of: sa.Table) -> bool:
    return bool(await connection.scalar(sa.select(sa.exists(sa.select(sa.literal(1)).select_from(of)))))


async def _insert(connection: AsyncConnection, model: type[tables.Table], piece: Sequence[Row], reader: Reader) -> int:
    """Writes rows, and says how many. One the database refuses is named, with its line."""
    try:
        async with connection.begin_nested():
            await insert(connection, model, [row.values for row in piece])
    except OperationalError:
        raise
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        for row in piece:
            try:
                async with connection.begin_nested():
                    await insert(connection, model, [row.values])
            except DBAPIError as refusal:
                raise reader.fault(await _reason(connection, table(model), row.values, refusal), row.line) from error
        raise
    return len(piece)


async def _reason(connection: AsyncConnection, of: sa.Table, values: dict[str, Any], error: DBAPIError) -> str:
    """Why the database refuses a row."""
    for key in of.foreign_keys:
        value = values[key.parent.name]
        if value is not None and not await _found(connection, key.column.table, {key.column.name: value}):
            parent = f"no {key.column.table.name} has that {key.column.name}"
            return f"{of.name}.{key.parent.name} is {_shown(value)}, but {parent}."
    for unique in of.constraints:
        if isinstance(unique, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            wanted = {column.name: values[column.name] for column in unique.columns}
            if await _found(connection, of, wanted):
                shown = ", ".join(f"{name} {_shown(value)}" for name, value in wanted.items())
                return f"another row of {of.name} has {shown} already."
    return f"the database refuses this row of {of.name} ({str(error.orig).strip().splitlines()[0]})."


def _shown(value: Any) -> str:
    return f"{getattr(value, 'name', value)!r:.60}"


async def _found(connection: AsyncConnection, of: sa.Table, values: dict[str, Any]) -> bool:
    matching = sa.select(sa.literal(1)).select_from(of).where(*(of.c[name] == value for name, value in values.items()))
    return bool(await connection.scalar(sa.select(sa.exists(matching))))


async def _agrees(connection: AsyncConnection, reader: Reader) -> None:
    """Refuses a snapshot whose rows say something else than its header."""
    header = reader.header
    layouts = list(await connection.scalars(sa.select(table(tables.Layout).c.number)))
    if layouts != [header.layout] or await newest(connection) != header.revision:
        raise OperatorError(f"{reader.name} does not hold the layout and the revision that its header states.")


async def _counted_on(connection: AsyncConnection, revision: int, held: int | None) -> int:
    """The newest revision's number, which never goes back: servers and their clients keep answers by it.

    Where the number stood as high or higher before, one more revision with the snapshot's content follows.
    """
    if held is None or held < revision:
        return revision
    of = table(tables.Revision)
    inputs = await connection.scalar(sa.select(of.c.inputs).where(of.c.number == revision))
    now = datetime.now(UTC).replace(microsecond=0)
    await insert(
        connection,
        tables.Revision,
        [{"number": held + 1, "created_at": now, "change_count": 0, "inputs": inputs}],
    )
    return held + 1


async def _settle(connection: AsyncConnection, postgresql: bool) -> None:
    """Lets the next refresh number its rows on from here, and plan its queries by what is here."""
    for of in map(table, tables.REGISTRY):
        column = of.autoincrement_column
        if postgresql and column is not None:
            # Never back: a sequence keeps its place when the transaction is rolled back.
            last = sa.select(sa.func.max(column)).scalar_subquery()
            sequence = sa.cast(sa.func.pg_get_serial_sequence(f'"{of.name}"', column.name), REGCLASS)
            await connection.execute(
                sa.select(sa.func.setval(sequence, sa.func.greatest(sa.func.pg_sequence_last_value(sequence), last, 1)))
            )
    await connection.execute(sa.text("ANALYZE"))
