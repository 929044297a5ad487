"""A snapshot: the whole registry as one file, which other programs can read too.

The file is gzip. Unpacked it is JSON lines: UTF-8, one JSON value to a line, a newline after each.

1. The header, an object. `format` is "modelmeta-snapshot". `version` is 1; it is raised when a reader of today would
   misread a file. `layout` is the layout of the tables (`schema/tables.py`), `revision` the newest revision's number.
   `tables` lists every table in the order of the rows below, parents before children, with its `name`, its `columns`
   as pairs of name and kind, and how many `rows` it has.
2. The rows, as arrays: the table's name, then its values in the order of its columns. Rows stand in the order of their
   primary keys, texts by their UTF-8 bytes. For example ["trait",17,"CAPABILITY","VISION"].
3. The closing line, an object: `rows`, how many there were in all, and `sha256`, the SHA-256 of every byte before this
   line, in hexadecimal. Nothing follows it, and no line is longer than 16 MiB.

What is not known is null. Everything else is spelled by the kind of its column:

    integer   a number                                          1047576
    boolean   true or false                                     true
    text      a string                                          "GPT-4.1 mini"
    word      a name out of a closed set                        "ACTIVE"
    decimal   a string of digits, no exponent, no zeros at
              the end of a fraction                             "0.175"
    instant   UTC; with six digits after the seconds where
              it has a fraction of one                          "2026-11-23T12:00:00Z"
    date                                                        "2026-11-23"
    time      UTC; fractions as above                           "16:30:00"
    bytes     base64 with padding, RFC 4648, section 4          "eJwDAAAAAAE="
    json      the value itself. Its numbers are exact, of any
              length and without exponent: who wants every
              digit must not read them as floats                {"topP":0.1}

Objects have their keys in order, and there are no spaces between values. The gzip header holds no time and no name,
so the same registry gives the same bytes, whatever database it is kept in.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schema import tables
from schema.column_types import dump_json, is_array, is_object
from schema.strict_json import JsonError, JsonParser, exact_integer
from seeds.store.store import table
from server.errors import OperatorError
from server.snapshots.values import Spelling, spelling

FORMAT = "modelmeta-snapshot"
VERSION = 1
LONGEST = 16 * 2**20
"""Bytes in one line, at most: what a reader has to hold at once."""


class Listed(BaseModel):
    """A table as the header lists it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: list[tuple[str, str]]
    """Pairs of name and kind."""
    rows: int = Field(ge=0, strict=True)


class Header(BaseModel):
    """What a snapshot says of itself."""

    model_config = ConfigDict(extra="forbid")

    format: str
    version: int = Field(ge=1, strict=True)
    layout: int = Field(strict=True)
    revision: int = Field(ge=1, strict=True)
    tables: list[Listed]

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.tables)


class Column(NamedTuple):
    """A column of a table, and how its values are spelled."""

    name: str
    nullable: bool
    spelling: Spelling


def columns(of: sa.Table, postgresql: bool = False) -> list[Column]:
    return [Column(each.name, bool(each.nullable), spelling(each.type, postgresql)) for each in of.columns]


def listed(of: sa.Table, rows: int) -> Listed:
    return Listed(name=of.name, columns=[(each.name, each.spelling.kind) for each in columns(of)], rows=rows)


class Writer:
    """Writes a snapshot. Without `close` at the end it stays one that is cut off."""

    def __init__(self, sink: Callable[[bytes], object], header: Header) -> None:
        self._sink = sink
        self._packer = zlib.compressobj(level=6, wbits=16 + zlib.MAX_WBITS)
        self._digest = hashlib.sha256()
        self.count = 0
        self._write([header.model_dump()])

    def rows(self, name: str, of: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
        writes = [each.spelling.write for each in of]

        def spelled(row: Sequence[Any]) -> list[Any]:
            pairs = zip(writes, row, strict=True)
            return [name, *(value if write is None or value is None else write(value) for write, value in pairs)]

        self._write(map(spelled, rows))
        self.count += len(rows)

    def close(self) -> None:
        self._write([{"rows": self.count, "sha256": self._digest.hexdigest()}])
        self._sink(self._packer.flush())

    def _write(self, values: Iterable[Any]) -> None:
        lines = [dump_json(value).encode() + b"\n" for value in values]
        if any(len(line) > LONGEST for line in lines):
            raise OperatorError(f"A row is larger than the {LONGEST:,} bytes a snapshot may have in one line.")
        text = b"".join(lines)
        self._digest.update(text)
        self._sink(self._packer.compress(text))


class Row(NamedTuple):
    """A row as a snapshot has it."""

    line: int
    size: int
    """Bytes of its line."""
    values: dict[str, Any]


class Reader:
    """Reads a snapshot, line by line: first its header, then the rows of each table in turn, then its end.

    Whatever is wrong with it is an OperatorError that says where.
    """

    def __init__(self, source: BinaryIO, name: str) -> None:
        self.name = name
        self.line = 0
        self._file = gzip.GzipFile(fileobj=source, mode="rb")
        self._digest = hashlib.sha256()
        self.header = self._header()

    def fault(self, says: str, line: int | None = None) -> OperatorError:
        """The error that something in a line is."""
        return OperatorError(f"{self.name}, line {line or self.line:,}: {says}")

    def rows(self, of: sa.Table, postgresql: bool) -> Iterator[Row]:
        """The next table's rows, as values for its columns."""
        known = columns(of, postgresql)
        count = next(each.rows for each in self.header.tables if each.name == of.name)
        for _ in range(count):
            line = self._next()
            row = self._parsed(line)
            if not is_array(row) or len(row) != len(known) + 1 or row[0] != of.name:
                raise self.fault(f"a row of {of.name} with {len(known)} values has to stand here. {DAMAGED}")
            values: dict[str, Any] = {}
            for column, value in zip(known, row[1:], strict=True):
                values[column.name] = self._value(of.name, column, value)
            yield Row(self.line, len(line), values)

    def close(self) -> None:
        """Reads the end. Only what is read to here is known to be whole."""
        digest = self._digest.hexdigest()
        end = self._parsed(self._next())
        if not is_object(end) or end.keys() != {"rows", "sha256"}:
            raise self.fault(f"the closing line has to stand here. {DAMAGED}")
        if (end["rows"], end["sha256"]) != (self.header.rows, digest):
            raise self.fault(f"the checksum is not that of the lines before. {DAMAGED}")
        if self._read(1):
            raise self.fault(f"something follows the closing line. {DAMAGED}")

    def _value(self, name: str, column: Column, value: Any) -> Any:
        if value is None:
            if not column.nullable:
                raise self.fault(f"{name}.{column.name} can't be null: {column.spelling.wanted} is wanted.")
            return None
        try:
            return column.spelling.read(value)
        except ValueError:
            text = json.dumps(value, default=str)
            shown = text if len(text) <= 60 else f"{text[:60]}…"
            wanted = column.spelling.wanted
            raise self.fault(f"{name}.{column.name} can't be {shown}: {wanted} is wanted.") from None

    def _header(self) -> Header:
        first = self._parsed(self._next())
        if not is_object(first) or first.get("format") != FORMAT:
            raise OperatorError(f"{self.name} is no snapshot: its first line is not the header of one. {WRITE_ONE}")
        version, layout = first.get("version"), first.get("layout")
        if isinstance(version, int) and version > VERSION:
            raise OperatorError(
                f"{self.name} is written in version {version} of the format; this program reads {VERSION}. "
                "Import it with a newer ModelMeta."
            )
        if isinstance(layout, int) and layout > tables.LAYOUT:
            raise OperatorError(
                f"{self.name} has layout {layout}, which is newer than this program's ({tables.LAYOUT}). "
                "Import it with a newer ModelMeta."
            )
        if isinstance(layout, int) and layout < tables.LAYOUT:
            raise OperatorError(
                f"{self.name} has layout {layout}; this program reads {tables.LAYOUT}. Import it into a database of "
                "its own with the ModelMeta that wrote it, then export it from there with this one, which brings "
                "the database up to date."
            )
        try:
            header = Header.model_validate(first)
        except ValidationError as error:
            mistake = error.errors()[0]
            place = ".".join(map(str, mistake["loc"]))
            raise self.fault(f"the header's {place} is wrong: {mistake['msg']}. {DAMAGED}") from None
        self._check(header)
        return header

    def _check(self, header: Header) -> None:
        """Refuses tables and columns that are not this program's."""
        names = [str(each.__tablename__) for each in tables.REGISTRY]
        found = {each.name: each for each in header.tables}
        if unknown := [each for each in found if each not in names]:
            raise self.fault(f"this program knows no table {unknown[0]}.")
        if [each.name for each in header.tables] != names:
            raise self.fault(f"these tables have to be listed, in this order: {', '.join(names)}.")
        for each in tables.REGISTRY:
            ours, theirs = dict(listed(table(each), 0).columns), dict(found[str(each.__tablename__)].columns)
            name = table(each).name
            if unknown := [column for column in theirs if column not in ours]:
                raise self.fault(f"this program knows no column {name}.{unknown[0]}.")
            if missing := [column for column in ours if column not in theirs]:
                raise self.fault(f"the column {name}.{missing[0]} is missing.")
            for column, kind in ours.items():
                if theirs[column] != kind:
                    raise self.fault(f"the column {name}.{column} holds {theirs[column]}; {kind} is wanted.")
            if list(theirs) != list(ours) or len(found[name].columns) != len(ours):
                raise self.fault(f"the columns of {name} have to be in this order: {', '.join(ours)}.")

    def _parsed(self, line: bytes) -> Any:
        try:
            return _exactly.parse(line)
        except JsonError as error:
            if self.line == 1:
                raise OperatorError(f"{self.name} is no snapshot: its first line is not JSON. {WRITE_ONE}") from error
            raise self.fault(f"it can't be read as JSON: {error}. {DAMAGED}") from error

    def _next(self) -> bytes:
        """The next line, taken into the digest."""
        line = self._read(LONGEST + 1)
        self.line += 1
        if len(line) > LONGEST:
            raise self.fault(f"it is longer than {LONGEST:,} bytes, as no line of a snapshot is. {DAMAGED}")
        if not line.endswith(b"\n"):
            if not line and self.line == 1:
                raise OperatorError(f"{self.name} is no snapshot: it is empty. {WRITE_ONE}")
            raise OperatorError(f"{self.name} is cut off in line {self.line:,}. {DAMAGED}")
        self._digest.update(line)
        return line

    def _read(self, size: int) -> bytes:
        try:
            return self._file.readline(size)
        except EOFError:
            raise OperatorError(f"{self.name} is cut off after line {self.line:,}. {DAMAGED}") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            if self.line == 0:
                raise OperatorError(f"{self.name} is no snapshot: it is not gzip. {WRITE_ONE}") from error
            raise OperatorError(f"{self.name} can't be unpacked after line {self.line:,}. {DAMAGED}") from error
        except OSError as error:
            raise OperatorError(f"{self.name} can't be read: {error.strerror or error}.") from error


WRITE_ONE = "`modelmeta export` writes one."
DAMAGED = "The file is damaged: take another copy, or export it again."


def _digits(text: str) -> Decimal:
    if "e" in text or "E" in text:
        raise JsonError("a number has an exponent")
    return Decimal(text)


_exactly = JsonParser(decimal=_digits, integer=exact_integer, unique_keys=False)
