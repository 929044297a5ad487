"""The snapshot format: the whole registry as one file that other programs can read.

The file is gzip. Decompressed, it is JSON lines: UTF-8, one JSON value per line, each line ending in a newline.

1. The header, an object. `format` is "modelmeta-snapshot". `version` is 1; it is raised when older readers would
   misread a file. `layout` is the version of the tables (`schema/tables.py`), `revision` the newest revision's number.
   `tables` lists every table in the order of the rows below, parents before children, with its `name`, its `columns`
   as pairs of name and kind, and its number of `rows`.
2. The rows, as arrays: the table's name, then its values in the order of its columns. Rows are sorted by primary
   key, texts by their UTF-8 bytes. For example ["trait",17,"CAPABILITY","VISION"].
3. The closing line, an object: `rows`, the total number of rows, and `sha256`, the SHA-256 of every byte before this
   line, in hexadecimal. Nothing follows it. No line is longer than 16 MiB.

Unknown values are null. All others are encoded by the kind of their column:

    integer   a number                                          1047576
    boolean   true or false                                     true
    text      a string                                          "GPT-4.1 mini"
    word      a name from a closed set                          "ACTIVE"
    decimal   a string of digits, without exponent or
              trailing zeros after the point                    "0.175"
    instant   UTC; six fractional digits if the seconds
              have a fraction                                   "2026-11-23T12:00:00Z"
    date                                                        "2026-11-23"
    time      UTC; fractions as above                           "16:30:00"
    bytes     base64 with padding, RFC 4648, section 4          "eJwDAAAAAAE="
    json      the value itself. Its numbers are exact, of any
              length and without exponent: don't parse them
              as floats if you need every digit                 {"topP":0.1}

Object keys are sorted, and there are no spaces between values. The gzip header holds no time and no file name, so the
same registry gives the same bytes from either database.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import BinaryIO, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schema import tables
from schema.column_types import dump_json, is_array, is_object
from schema.strict_json import JsonError, JsonParser, exact_integer
from schema.tables import table
from server.errors import OperatorError
from server.snapshots.values import Codec, codec

FORMAT = "modelmeta-snapshot"
VERSION = 1
MAX_LINE_BYTES = 16 * 2**20
"""Limits how much of a snapshot a reader holds in memory at once."""


class TableHeader(BaseModel):
    """A table as the header describes it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: list[tuple[str, str]]
    """Pairs of name and kind."""
    rows: int = Field(ge=0, strict=True)


class Header(BaseModel):
    """The first line of a snapshot."""

    model_config = ConfigDict(extra="forbid")

    format: str
    version: int = Field(ge=1, strict=True)
    layout: int = Field(strict=True)
    revision: int = Field(ge=1, strict=True)
    tables: list[TableHeader]

    @property
    def rows(self) -> int:
        return sum(entry.rows for entry in self.tables)


class Column(NamedTuple):
    """A column of a table, and how its values are encoded."""

    name: str
    nullable: bool
    codec: Codec


def columns_of(sql_table: sa.Table, postgresql: bool = False) -> list[Column]:
    return [Column(column.name, bool(column.nullable), codec(column.type, postgresql)) for column in sql_table.columns]


def table_header(sql_table: sa.Table, rows: int) -> TableHeader:
    columns = [(column.name, column.codec.kind) for column in columns_of(sql_table)]
    return TableHeader(name=sql_table.name, columns=columns, rows=rows)


class Writer:
    """Writes a snapshot. Until `close` is called, readers refuse it as truncated."""

    def __init__(self, sink: Callable[[bytes], object], header: Header) -> None:
        self._sink = sink
        self._compressor = zlib.compressobj(level=6, wbits=16 + zlib.MAX_WBITS)
        self._digest = hashlib.sha256()
        self.count = 0
        self._write([header.model_dump()])

    def write_rows(self, name: str, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> None:
        encoders = [column.codec.encode for column in columns]

        def encoded(row: Sequence[object]) -> list[object]:
            pairs = zip(encoders, row, strict=True)
            return [name, *(value if encode is None or value is None else encode(value) for encode, value in pairs)]

        self._write(map(encoded, rows))
        self.count += len(rows)

    def close(self) -> None:
        self._write([{"rows": self.count, "sha256": self._digest.hexdigest()}])
        self._sink(self._compressor.flush())

    def _write(self, values: Iterable[object]) -> None:
        lines = [dump_json(value).encode() + b"\n" for value in values]
        if any(len(line) > MAX_LINE_BYTES for line in lines):
            raise OperatorError(f"A row exceeds {MAX_LINE_BYTES:,} bytes, the limit for one line of a snapshot.")
        text = b"".join(lines)
        self._digest.update(text)
        self._sink(self._compressor.compress(text))


class Row(NamedTuple):
    """A row read from a snapshot."""

    line: int
    size: int
    """Bytes in its line."""
    values: dict[str, object]


class Reader:
    """Reads a snapshot line by line: the header, then the rows of each table in order, then the closing line.

    Any problem raises an OperatorError that names the line.
    """

    def __init__(self, source: BinaryIO, name: str) -> None:
        self.name = name
        self.line = 0
        self._file = gzip.GzipFile(fileobj=source, mode="rb")
        self._digest = hashlib.sha256()
        self.header = self._read_header()

    def error(self, problem: str, line: int | None = None) -> OperatorError:
        return OperatorError(f"{self.name}, line {line or self.line:,}: {problem}")

    def read_rows(self, sql_table: sa.Table, postgresql: bool) -> Iterator[Row]:
        """The rows of the next table, with values its columns accept."""
        columns = columns_of(sql_table, postgresql)
        count = next(entry.rows for entry in self.header.tables if entry.name == sql_table.name)
        for _ in range(count):
            line = self._read_line()
            row = self._parse(line)
            if not is_array(row) or len(row) != len(columns) + 1 or row[0] != sql_table.name:
                raise self.error(f"expected a row of {sql_table.name} with {len(columns)} values. {DAMAGED}")
            pairs = zip(columns, row[1:], strict=True)
            values = {column.name: self._decode(sql_table.name, column, value) for column, value in pairs}
            yield Row(self.line, len(line), values)

    def close(self) -> None:
        """Reads the closing line. Only after this is the snapshot known to be complete."""
        digest = self._digest.hexdigest()
        end = self._parse(self._read_line())
        if not is_object(end) or end.keys() != {"rows", "sha256"}:
            raise self.error(f"expected the closing line. {DAMAGED}")
        if (end["rows"], end["sha256"]) != (self.header.rows, digest):
            raise self.error(f"the checksum does not match the lines before it. {DAMAGED}")
        if self._read(1):
            raise self.error(f"unexpected data after the closing line. {DAMAGED}")

    def _decode(self, table_name: str, column: Column, value: object) -> object:
        expected = column.codec.expected
        if value is None:
            if not column.nullable:
                raise self.error(f"{table_name}.{column.name} can't be null: expected {expected}.")
            return None
        try:
            return column.codec.decode(value)
        except ValueError:
            text = json.dumps(value, default=str)
            excerpt = text if len(text) <= 60 else f"{text[:60]}…"
            raise self.error(f"{table_name}.{column.name} can't be {excerpt}: expected {expected}.") from None

    def _read_header(self) -> Header:
        first = self._parse(self._read_line())
        if not is_object(first) or first.get("format") != FORMAT:
            raise OperatorError(
                f"{self.name} is not a snapshot: its first line is not a snapshot header. {EXPORT_FIRST}"
            )
        version, layout = first.get("version"), first.get("layout")
        if isinstance(version, int) and version > VERSION:
            raise OperatorError(
                f"{self.name} uses version {version} of the format; this program reads version {VERSION}. "
                "Import it with a newer ModelMeta."
            )
        if isinstance(layout, int) and layout > tables.LAYOUT:
            raise OperatorError(
                f"{self.name} has layout {layout}, which is newer than this program's ({tables.LAYOUT}). "
                "Import it with a newer ModelMeta."
            )
        if isinstance(layout, int) and layout < tables.LAYOUT:
            raise OperatorError(
                f"{self.name} has layout {layout}; this program reads {tables.LAYOUT}. Import it into a new database "
                "with the ModelMeta that wrote it, then export that database with this one, which upgrades it."
            )
        try:
            header = Header.model_validate(first)
        except ValidationError as error:
            mistake = error.errors()[0]
            field = ".".join(map(str, mistake["loc"]))
            raise self.error(f"the header field {field} is invalid: {mistake['msg']}. {DAMAGED}") from None
        self._check_tables(header)
        return header

    def _check_tables(self, header: Header) -> None:
        """Refuses tables and columns that differ from this program's."""
        sql_tables = [table(model) for model in tables.REGISTRY]
        names = [sql_table.name for sql_table in sql_tables]
        entries = {entry.name: entry for entry in header.tables}
        if unknown := [name for name in entries if name not in names]:
            raise self.error(f"this program has no table {unknown[0]}.")
        if [entry.name for entry in header.tables] != names:
            raise self.error(f"the tables must be listed in this order: {', '.join(names)}.")
        for sql_table in sql_tables:
            name = sql_table.name
            ours, theirs = dict(table_header(sql_table, 0).columns), dict(entries[name].columns)
            if unknown := [column for column in theirs if column not in ours]:
                raise self.error(f"this program has no column {name}.{unknown[0]}.")
            if missing := [column for column in ours if column not in theirs]:
                raise self.error(f"the column {name}.{missing[0]} is missing.")
            for column, kind in ours.items():
                if theirs[column] != kind:
                    raise self.error(f"the column {name}.{column} has kind {theirs[column]}; expected {kind}.")
            if list(theirs) != list(ours) or len(entries[name].columns) != len(ours):
                raise self.error(f"the columns of {name} must be in this order: {', '.join(ours)}.")

    def _parse(self, line: bytes) -> object:
        try:
            return _exact_json.parse(line)
        except JsonError as error:
            if self.line == 1:
                raise OperatorError(
                    f"{self.name} is not a snapshot: its first line is not JSON. {EXPORT_FIRST}"
                ) from error
            raise self.error(f"it is not valid JSON: {error}. {DAMAGED}") from error

    def _read_line(self) -> bytes:
        """The next line, added to the digest."""
        line = self._read(MAX_LINE_BYTES + 1)
        self.line += 1
        if len(line) > MAX_LINE_BYTES:
            raise self.error(f"it is longer than the limit of {MAX_LINE_BYTES:,} bytes. {DAMAGED}")
        if not line.endswith(b"\n"):
            if not line and self.line == 1:
                raise OperatorError(f"{self.name} is not a snapshot: it is empty. {EXPORT_FIRST}")
            raise OperatorError(f"{self.name} is truncated in line {self.line:,}. {DAMAGED}")
        self._digest.update(line)
        return line

    def _read(self, size: int) -> bytes:
        try:
            return self._file.readline(size)
        except EOFError:
            raise OperatorError(f"{self.name} is truncated after line {self.line:,}. {DAMAGED}") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            if self.line == 0:
                raise OperatorError(f"{self.name} is not a snapshot: it is not gzip. {EXPORT_FIRST}") from error
            raise OperatorError(f"{self.name} can't be decompressed after line {self.line:,}. {DAMAGED}") from error
        except OSError as error:
            raise OperatorError(f"{self.name} can't be read: {error.strerror or error}.") from error


EXPORT_FIRST = "Create one with `modelmeta export`."
DAMAGED = "The file is damaged: use another copy, or export it again."


def _decimal_without_exponent(text: str) -> Decimal:
    if "e" in text or "E" in text:
        raise JsonError("a number has an exponent")
    return Decimal(text)


_exact_json = JsonParser(decimal=_decimal_without_exponent, integer=exact_integer, unique_keys=False)
