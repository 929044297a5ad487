"""A snapshot whose header, rows or values are invalid is refused with the line and the reason, and changes nothing."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from server.snapshots.format import MAX_LINE_BYTES
from tests.server.snapshots.edits import (
    Edit,
    drop_rows,
    duplicate_row,
    edit_entry,
    make_refs_equal,
    refusal,
    replace_row,
    rewrite,
    set_header,
    set_value,
)
from tests.support.registry import put, tiny
from tests.support.snapshots import empty_database, export_bytes, import_bytes, parse_lines

# fmt: off
TODAY, OLDER, NEWER = tables.LAYOUT, tables.LAYOUT - 1, tables.LAYOUT + 1
HEADERS: dict[str, tuple[Edit, str]] = {
    "newer format": (set_header(version=2), "FILE uses version 2 of the format; this program reads version 1. Import it with a newer ModelMeta."),
    "newer layout": (set_header(layout=NEWER), f"FILE has layout {NEWER}, which is newer than this program's ({TODAY}). Import it with a newer ModelMeta."),
    "older layout": (set_header(layout=OLDER), f"FILE has layout {OLDER}; this program reads {TODAY}. Import it into a new database with the ModelMeta that wrote it, then export that database with this one, which upgrades it."),
    "no version": (lambda lines: lines[0].pop("version"), "FILE, line 1: the header field version is invalid: Field required."),
    "version of text": (set_header(version="1"), "FILE, line 1: the header field version is invalid: "),
    "no revision": (set_header(revision=None), "FILE, line 1: the header field revision is invalid: "),
    "unknown field": (set_header(color="red"), "FILE, line 1: the header field color is invalid: "),
    "other revision": (set_header(revision=3), "FILE has rows with another layout or revision than its header."),
    "other layout row": (set_value("layout", "number", OLDER), "FILE has rows with another layout or revision than its header."),
    "negative count": (edit_entry("term", lambda term: term.update(rows=-1)), "FILE, line 1: the header field tables.11.rows is invalid: "),
    "unknown table": (edit_entry("term", lambda term: term.update(name="terms")), "FILE, line 1: this program has no table terms."),
    "missing table": (lambda lines: lines[0]["tables"].pop(), "FILE, line 1: the tables must be listed in this order: layout, "),
    "other order": (lambda lines: lines[0]["tables"].reverse(), "FILE, line 1: the tables must be listed in this order: layout, "),
    "unknown column": (edit_entry("term", lambda term: term["columns"].append(["color", "text"])), "FILE, line 1: this program has no column term.color."),
    "missing column": (edit_entry("term", lambda term: term["columns"].pop()), "FILE, line 1: the column term.weight is missing."),
    "other kind": (edit_entry("term", lambda term: term["columns"][2].__setitem__(1, "decimal")), "FILE, line 1: the column term.weight has kind decimal; expected integer."),
    "other column order": (edit_entry("term", lambda term: term["columns"].reverse()), "FILE, line 1: the columns of term must be in this order: term, model_id, weight."),
    "a column twice": (edit_entry("term", lambda term: term["columns"].append(["weight", "integer"])), "FILE, line 1: the columns of term must be in this order: term, model_id, weight."),
}
LINES: dict[str, tuple[bytes, str]] = {
    "exponent": (b'["term","x",1,1e3]\n', "it is not valid JSON: a number has an exponent."),
    "not a number": (b'["term","x",1,NaN]\n', "it is not valid JSON: it contains NaN, which is not JSON."),
    "no JSON": (b'["term",\n', "it is not valid JSON: expecting value at line "),
    "no UTF-8": (b'["term","\xff",1,1]\n', "it is not valid JSON: "),
    "very deep": (b"[" * 500_000 + b"\n", "it is not valid JSON: "),
    "blank": (b"\n", "it is not valid JSON: expecting value at line "),
    "an object": (b'{"term":"x"}\n', "expected a row of term with 3 values."),
    "too short": (b'["term","x",1]\n', "expected a row of term with 3 values."),
    "too long": (b'["term","x",1,1,1]\n', "expected a row of term with 3 values."),
    "another table's": (b'["trait",1,"CAPABILITY","VISION"]\n', "expected a row of term with 3 values."),
    "half a character": (rb'["term","\ud800",1,1]' + b"\n", 'term.term can\'t be "\\ud800": expected a string of valid Unicode.'),
    "endless": (b'["term","' + b"x" * (MAX_LINE_BYTES + 1), f"it is longer than the limit of {MAX_LINE_BYTES:,} bytes."),
}
DECIMALS = ("", "x", "2.50", "02", ".5", "5.", "+5", "-0", "1e3", "1e999999999", "NaN", "Infinity", "1_0", "--1", "٣", "1" * 21, "0." + "0" * 18 + "1", 2.5)
INSTANTS = ("", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00", "2026-11-23 12:00:00Z", "2026-13-23T12:00:00Z", "2026-11-23T12:00:00.5Z", 5)
DATES = ("2026-02-30", "20260201", "2026-W01-1", "2026-02-01T00:00:00", 20260201)
TIMES = ("16:30", "24:00:00", "16:30:00Z", "16:30:00+00:00", 16)
BASE64 = ("eJw", "e Jw=", "eJx=", "äöü=", 5)
VALUES_REFUSED: list[tuple[str, str, Any, str]] = [
    ("model", "name", None, "a string of valid Unicode"),
    ("model", "name", 5, "a string of valid Unicode"),
    *(("term", "weight", value, "-bit integer") for value in ("5", 1.5, True, 2**63, 10**60)),
    *(("model", "is_flagship", value, "true or false") for value in (1, "true", None)),
    *(("model", "status", value, "one of ACTIVE, PREVIEW, LEGACY, DEPRECATED, RETIRED") for value in ("GONE", "active", "", 1)),
    *(("rate", "amount", value, 'a decimal in plain digits such as "0.175"') for value in DECIMALS),
    *(("revision", "created_at", value, 'a UTC time such as "2026-11-23T12:00:00Z"') for value in INSTANTS),
    *(("model", "release_date", value, 'a date such as "2026-11-23"') for value in DATES),
    *(("rate", "daily_from", value, 'a time of day such as "16:30:00"') for value in TIMES),
    *(("edition", "content", value, "base64 with padding") for value in BASE64),
    ("provider", "credential_variables", None, "JSON of valid Unicode, nested at most 250 levels deep"),
    ("claim", "value", json.loads("[" * 300 + "]" * 300), "JSON of valid Unicode, nested at most 250 levels deep"),
    ("claim", "value", {"\ud800": 1}, "JSON of valid Unicode, nested at most 250 levels deep"),
]
ROWS: dict[str, tuple[Edit, str]] = {
    "a slug twice": (duplicate_row("source"), "another row of source already has slug 'curated'."),
    "an id twice": (duplicate_row("rate"), "another row of rate already has id 7."),
    "a trait twice": (duplicate_row("trait"), "another row of trait already has model_id 2, kind 'CAPABILITY', value 'FUNCTION_CALLING'."),
    "a reference twice": (make_refs_equal, "another row of model already has ref 'same/same'."),
    "no such model": (set_value("rate", "model_id", 99), "rate.model_id is 99, but no model has that id."),
    "no such provider": (set_value("model", "provider_slug", "nobody"), "model.provider_slug is 'nobody', but no provider has that slug."),
    "no such revision": (set_value("change", "revision_number", 7), "change.revision_number is 7, but no revision has that number."),
    "no parents": (drop_rows("model"), "rate.model_id is 3, but no model has that id."),
}
# fmt: on


@pytest.mark.parametrize("name", HEADERS)
async def test_a_header_this_program_does_not_accept_is_refused(
    protected_engine: AsyncEngine, snapshot: bytes, name: str
) -> None:
    edit, message = HEADERS[name]
    assert (await refusal(protected_engine, rewrite(snapshot, edit))).startswith(message)


@pytest.mark.parametrize("name", LINES)
async def test_a_line_that_is_not_a_row_is_refused(protected_engine: AsyncEngine, snapshot: bytes, name: str) -> None:
    text, message = LINES[name]
    error = await refusal(protected_engine, rewrite(snapshot, replace_row("term", text)))
    assert error.startswith("FILE, line ")
    assert message in error


@pytest.mark.parametrize(("name", "column", "value", "expected"), VALUES_REFUSED)
async def test_a_value_its_column_does_not_accept_is_refused(
    protected_engine: AsyncEngine, snapshot: bytes, name: str, column: str, value: Any, expected: str
) -> None:
    error = await refusal(protected_engine, rewrite(snapshot, set_value(name, column, value)))
    excerpt = "" if isinstance(value, list | float | int | dict) else f"{json.dumps(value)}: "
    assert f"{name}.{column} can't be {excerpt}" in error
    assert error.endswith(".")
    assert expected in error.partition(": expected ")[2]


@pytest.mark.parametrize("name", ROWS)
async def test_inconsistent_rows_are_refused(protected_engine: AsyncEngine, snapshot: bytes, name: str) -> None:
    edit, message = ROWS[name]
    error = await refusal(protected_engine, rewrite(snapshot, edit, recount=True))
    assert error.startswith("FILE, line ")
    assert error.endswith(message)


@pytest.mark.parametrize("rows", [-1, 1, 10**12])
async def test_wrong_row_counts_are_refused(protected_engine: AsyncEngine, snapshot: bytes, rows: int) -> None:
    edit = edit_entry("term", lambda term: term.update(rows=term["rows"] + rows))
    error = await refusal(protected_engine, rewrite(snapshot, edit))
    assert re.search(r", line [\d,]+: expected (a row of|the closing line)", error), error


@pytest.mark.parametrize(
    ("name", "column", "value"), [("model", "name", "a\0b"), ("term", "weight", 2**31), ("model", "name", "x" * 5)]
)
async def test_values_that_only_sqlite_accepts_are_refused_by_postgresql(
    engine: AsyncEngine, kind: str, snapshot: bytes, name: str, column: str, value: Any
) -> None:
    data = rewrite(snapshot, set_value(name, column, value))
    if kind == "postgresql" and value != "x" * 5:
        await put(engine, tiny())
        assert f"{name}.{column} can't be " in await refusal(engine, data)
    else:
        await import_bytes(engine, data)
        assert (
            parse_lines(await export_bytes(engine))
            == parse_lines(data)[:-1] + parse_lines(await export_bytes(engine))[-1:]
        )


async def test_a_text_too_long_for_a_postgresql_index_is_reported(tmp_path: Path, snapshot: bytes) -> None:
    # Random, so that it can't be compressed: a PostgreSQL index entry is limited to a third of a page.
    long = os.urandom(8_000).hex()
    async with empty_database("postgresql", tmp_path) as engine:
        await put(engine, tiny())
        error = await refusal(engine, rewrite(snapshot, set_value("term", "term", long)))
        assert ": the database refuses this row of term (" in error
