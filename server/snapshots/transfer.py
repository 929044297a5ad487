"""Exports the registry to a snapshot and imports it again, exactly and all or nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.tables import table
from seeds.store.rows import CHUNK, insert
from server.database import EMPTY, newest
from server.errors import OperatorError
from server.snapshots.format import FORMAT, VERSION, Header, Reader, Row, Writer, columns_of, table_header
from server.snapshots.values import codec

Progress = Callable[[str, int, int], None]
"""Receives the current table or step, the rows done so far, and the total."""

BATCH_BYTES = 2**20
"""Bytes of snapshot lines inserted in one statement; a longer single line is inserted alone."""
INVALID_VALUE_ERRORS = (ValueError, LookupError, TypeError, ArithmeticError)
"""Raised on reading a value its column type does not allow. Only SQLite stores such values."""


class Transfer(NamedTuple):
    """A finished export or import."""

    revision: int
    """The newest revision's number in the database."""
    header: Header

    def row_count(self, model: type[tables.Table]) -> int:
        return next(entry.rows for entry in self.header.tables if entry.name == model.__tablename__)


async def export_registry(connection: AsyncConnection, sink: Callable[[bytes], object], progress: Progress) -> Transfer:
    """Writes the registry as the connection's transaction sees it."""
    postgresql = connection.dialect.name == "postgresql"
    revision = await newest(connection)
    if revision is None:
        raise OperatorError(EMPTY)
    sql_tables = [table(model) for model in tables.REGISTRY]
    entries = [
        table_header(sql_table, await connection.scalar(sa.select(sa.func.count()).select_from(sql_table)) or 0)
        for sql_table in sql_tables
    ]
    header = Header(format=FORMAT, version=VERSION, layout=tables.LAYOUT, revision=revision, tables=entries)
    writer = Writer(sink, header)
    for sql_table in sql_tables:
        name = sql_table.name
        progress(name, writer.count, header.rows)
        columns = columns_of(sql_table)
        # Feed contents are large, so they are read one at a time.
        size = 1 if any(column.codec.kind == "bytes" for column in columns) else CHUNK
        order = [_portable_order(column, postgresql) for column in sql_table.primary_key.columns]
        statement = sa.select(sql_table).order_by(*order)
        try:
            result = await connection.stream(statement, execution_options={"yield_per": size})
            async for rows in result.partitions(size):
                writer.write_rows(name, columns, rows)
                progress(name, writer.count, header.rows)
        except INVALID_VALUE_ERRORS as error:
            reason = str(error).partition("\n")[0]
            raise OperatorError(
                f"The table {name} contains an invalid value ({reason:.200}). Fix it or load a new database."
            ) from error
    writer.close()
    return Transfer(revision, header)


def _portable_order(column: sa.Column[Any], postgresql: bool) -> sa.ColumnElement[Any]:
    """A sort key that gives the same order on both databases: text by its bytes, not by a locale."""
    if postgresql and codec(column.type).kind in ("text", "word"):
        return sa.type_coerce(column, sa.Text).collate("C")
    return column


async def import_registry(connection: AsyncConnection, reader: Reader, replace: bool, progress: Progress) -> Transfer:
    """Writes a snapshot into the database. The caller's transaction makes it all or nothing."""
    postgresql = connection.dialect.name == "postgresql"
    await _block_writers(connection)
    previous_revision = await newest(connection)
    filled = [model for model in tables.REGISTRY[1:] if await _exists(connection, table(model), {})]
    if filled and not replace:
        content = f"revision {previous_revision}" if previous_revision else f"rows in {filled[0].__tablename__}"
        raise OperatorError(
            f"The database already contains {content}. Choose an empty database with --database-url, or replace the "
            "content and its history with --replace."
        )
    total = reader.header.rows
    progress("emptying", 0, total)
    for model in reversed(tables.REGISTRY):
        await connection.execute(sa.delete(table(model)))
    done = 0
    for model in tables.REGISTRY:
        progress(table(model).name, done, total)
        batch: list[Row] = []
        size = 0
        for row in reader.read_rows(table(model), postgresql):
            batch.append(row)
            size += row.size
            if len(batch) == CHUNK or size >= BATCH_BYTES:
                done += await _insert(connection, model, batch, reader)
                batch, size = [], 0
                progress(table(model).name, done, total)
        done += await _insert(connection, model, batch, reader)
    progress("checking", total, total)
    reader.close()
    await _check_against_header(connection, reader)
    revision = await _advance_revision(connection, reader.header.revision, previous_revision)
    await _update_sequences_and_statistics(connection, postgresql)
    return Transfer(revision, reader.header)


async def _block_writers(connection: AsyncConnection) -> None:
    """Keeps other writers out until the transaction ends; readers continue. SQLite allows only one writer anyway."""
    if connection.dialect.name == "postgresql":
        # Every load writes to the sources first, so this one lock is enough; locking every table could deadlock.
        await connection.execute(sa.text("LOCK TABLE source IN SHARE ROW EXCLUSIVE MODE"))


async def _insert(connection: AsyncConnection, model: type[tables.Table], batch: Sequence[Row], reader: Reader) -> int:
    """Inserts rows and returns their number. If the database refuses one, the error names its line."""
    try:
        async with connection.begin_nested():
            await insert(connection, model, [row.values for row in batch])
    except OperationalError:
        raise
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        for row in batch:
            try:
                async with connection.begin_nested():
                    await insert(connection, model, [row.values])
            except DBAPIError as row_error:
                reason = await _explain(connection, table(model), row.values, row_error)
                raise reader.error(reason, row.line) from error
        raise
    return len(batch)


async def _explain(
    connection: AsyncConnection, sql_table: sa.Table, values: Mapping[str, object], error: DBAPIError
) -> str:
    """Why the database refuses a row."""
    name = sql_table.name
    for key in sql_table.foreign_keys:
        parent, column = key.column.table, key.column.name
        value = values[key.parent.name]
        if value is not None and not await _exists(connection, parent, {column: value}):
            return f"{name}.{key.parent.name} is {_excerpt(value)}, but no {parent.name} has that {column}."
    for constraint in sql_table.constraints:
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            key_values = {column.name: values[column.name] for column in constraint.columns}
            if await _exists(connection, sql_table, key_values):
                text = ", ".join(f"{column} {_excerpt(value)}" for column, value in key_values.items())
                return f"another row of {name} already has {text}."
    return f"the database refuses this row of {name} ({str(error.orig).strip().splitlines()[0]})."


def _excerpt(value: object) -> str:
    return f"{getattr(value, 'name', value)!r:.60}"


async def _exists(connection: AsyncConnection, sql_table: sa.Table, values: Mapping[str, object]) -> bool:
    """Whether the table has a row with these values."""
    conditions = [sql_table.c[name] == value for name, value in values.items()]
    matching = sa.select(sa.literal(1)).select_from(sql_table).where(*conditions)
    return bool(await connection.scalar(sa.select(sa.exists(matching))))


async def _check_against_header(connection: AsyncConnection, reader: Reader) -> None:
    """Refuses a snapshot whose rows contradict its header."""
    header = reader.header
    layouts = list(await connection.scalars(sa.select(table(tables.Layout).c.number)))
    if layouts != [header.layout] or await newest(connection) != header.revision:
        raise OperatorError(f"{reader.name} has rows with another layout or revision than its header.")


async def _advance_revision(connection: AsyncConnection, revision: int, previous: int | None) -> int:
    """The newest revision's number. It never decreases, because servers and clients cache answers by it.

    If the database already had this number or a higher one, a new revision with the snapshot's content is added.
    """
    if previous is None or previous < revision:
        return revision
    revisions = table(tables.Revision)
    inputs = await connection.scalar(sa.select(revisions.c.inputs).where(revisions.c.number == revision))
    now = datetime.now(UTC).replace(microsecond=0)
    await insert(
        connection,
        tables.Revision,
        [{"number": previous + 1, "created_at": now, "change_count": 0, "inputs": inputs}],
    )
    return previous + 1


async def _update_sequences_and_statistics(connection: AsyncConnection, postgresql: bool) -> None:
    """Lets the next refresh number its rows after the imported ones, and the query planner know the new content."""
    for sql_table in map(table, tables.REGISTRY):
        column = sql_table.autoincrement_column
        if postgresql and column is not None:
            # Never lower a sequence: a rollback would not restore it.
            last = sa.select(sa.func.max(column)).scalar_subquery()
            sequence = sa.cast(sa.func.pg_get_serial_sequence(f'"{sql_table.name}"', column.name), REGCLASS)
            await connection.execute(
                sa.select(sa.func.setval(sequence, sa.func.greatest(sa.func.pg_sequence_last_value(sequence), last, 1)))
            )
    await connection.execute(sa.text("ANALYZE"))
