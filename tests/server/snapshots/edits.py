"""Edits snapshots, so that tests can see how an import refuses them."""

import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from server.errors import OperatorError
from tests.support.snapshots import all_rows, import_bytes, parse_lines

Lines = list[Any]


Edit = Callable[[Lines], object]
"""Edits the lines of a snapshot: the header and the rows."""


def rewrite(data: bytes, edit: Edit, recount: bool = False) -> bytes:
    """An edited snapshot with a matching checksum; with `recount`, the row counts of its header match too."""
    lines = parse_lines(data)[:-1]
    edit(lines)
    if recount:
        for entry in lines[0]["tables"]:
            entry["rows"] = sum(row[0] == entry["name"] for row in lines[1:])
    text = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    end = {"rows": sum(entry["rows"] for entry in lines[0]["tables"]), "sha256": hashlib.sha256(text).hexdigest()}
    return gzip.compress(text + json.dumps(end).encode() + b"\n")


def first_row(lines: Lines, name: str) -> int:
    """The index of a table's first row."""
    return next(index for index, row in enumerate(lines) if index and row[0] == name)


def set_header(**fields: Any) -> Edit:
    return lambda lines: lines[0].update(fields)


def edit_entry(name: str, edit: Callable[[dict[str, Any]], object]) -> Edit:
    """Edits the header's entry for a table."""
    return lambda lines: edit(next(entry for entry in lines[0]["tables"] if entry["name"] == name))


def set_value(name: str, column: str, value: Any) -> Edit:
    """Sets one value in the first row of a table."""
    index = 1 + list(tables.Table.metadata.tables[name].columns.keys()).index(column)
    return lambda lines: lines[first_row(lines, name)].__setitem__(index, value)


def replace_row(name: str, text: bytes) -> Edit:
    """Replaces the first row of a table by a line of bytes."""
    return lambda lines: lines.__setitem__(first_row(lines, name), text)


def duplicate_row(name: str) -> Edit:
    return lambda lines: lines.insert(first_row(lines, name), lines[first_row(lines, name)])


def drop_rows(name: str) -> Edit:
    return lambda lines: lines.__setitem__(slice(None), [lines[0], *(row for row in lines[1:] if row[0] != name)])


def make_refs_equal(lines: Lines) -> None:
    for row in lines[1:]:
        if row[0] == "model":
            row[2] = "same/same"


async def refusal(engine: AsyncEngine, data: bytes) -> str:
    """The error of an import that would replace the registry. Checks that nothing changed."""
    before = await all_rows(engine)
    with pytest.raises(OperatorError) as caught:
        await import_bytes(engine, data, replace=True)
    assert await all_rows(engine) == before
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1_200
    return message
