"""The promise: a snapshot holds the registry to the last digit, on either database, and one that is not whole changes nothing."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.column_types import dump_json
from seeds.catalogue import Catalogue, ModelClaims
from seeds.store.store import insert, table
from server import database
from server.errors import OperatorError
from server.snapshots import transfer
from server.snapshots.format import LONGEST, Reader
from server.snapshots.values import spelling
from tests.server.commands.test_cli import MOMENTS, written
from tests.support.registry import NOW, asker, create_database, drop_database, put, tiny
from tests.support.servers import ROOT, ended, environment, modelmeta, serving, start, tiny_database

STATE = """{ registry { revision { number createdAt } modelCount sources { slug lastSuccessAt } }
  models { nodes { ref name prices { meter amount source { slug } } parameters { name default }
  facts { field value observedAt } } } }"""


def nothing(*_: Any) -> None:
    """Progress nobody looks at."""


async def exported(engine: AsyncEngine) -> bytes:
    parts: list[bytes] = []
    async with database.reading(engine) as connection:
        await transfer.export(connection, parts.append, nothing)
    return b"".join(parts)


async def imported(engine: AsyncEngine, data: bytes, replace: bool = False) -> transfer.Moved:
    reader = Reader(io.BytesIO(data), "FILE")
    async with database.writing(engine) as connection:
        return await transfer.restore(connection, reader, replace, nothing)


def lines_of(data: bytes) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


async def rows_of(engine: AsyncEngine) -> dict[str, list[str]]:
    """Every row of every table, as text that shows each value's type."""
    async with database.reading(engine) as connection:
        return {
            each.name: sorted(repr(tuple(row)) for row in await connection.execute(sa.select(each)))
            for each in map(table, tables.REGISTRY)
        }


async def emptied(engine: AsyncEngine) -> None:
    async with database.writing(engine) as connection:
        for each in reversed(tables.REGISTRY):
            await connection.execute(sa.delete(table(each)))
        await connection.execute(sa.insert(table(tables.Layout)).values(number=tables.LAYOUT))


def moved() -> list[Catalogue]:
    """The tiny registry a day later: a window has grown, a model has come."""
    catalogues = tiny()
    catalogues[2].models[0].facts["context_window"] = 400_000
    catalogues[2].models.append(ModelClaims("openai", "tiny-new", facts={"name": "Tiny New"}))
    return catalogues


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncGenerator[AsyncEngine]:
    """Another empty database with its tables."""
    url = await create_database(kind, folder)
    engine = database.create_engine(url)
    await database.prepare(engine)
    try:
        yield engine
    finally:
        await engine.dispose()
        await drop_database(url)


def address(engine: AsyncEngine) -> str:
    return engine.url.render_as_string(hide_password=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def snapshot(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The tiny registry with a history of two revisions and a feed's content, as a file."""
    async with opened("sqlite", tmp_path_factory.mktemp("snapshot")) as engine:
        await put(engine, tiny())
        await put(engine, moved(), NOW + timedelta(days=1))
        async with database.writing(engine) as connection:
            await insert(connection, tables.Edition, [EDITION])
        return await exported(engine)


EDITION = {
    "source_slug": "models-dev",
    "content": bytes(range(256)),
    "fingerprint": "f",
    "etag": '"e"',
    "last_modified": None,
    "fetched_at": NOW,
}

# Exactness

ODD = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
LARGE = st.integers(10**20, 10**40).map(Decimal)
NUMBERS = (
    st.integers(-(2**63), 2**64 - 1)
    | LARGE
    | st.decimals(-(10**30), 10**30, places=9).map(
        lambda number: int(number) if number == int(number) and abs(number) < 2**53 else number
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(ODD, max_size=5), inner, max_size=3),
    max_leaves=6,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "text": st.text(ODD, max_size=12),
    "decimal": st.decimals(-(10**19), 10**19, places=18) | st.sampled_from([Decimal("1e-7"), Decimal("1E+3")]),
    "instant": st.datetimes(timezones=st.just(UTC)),
    "date": st.dates(),
    "time": st.times(),
    "bytes": st.binary(max_size=40),
    "json": JSON,
}


@st.composite
def registries(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows for every table, with whatever their columns can hold."""
    made: dict[str, list[dict[str, Any]]] = {"layout": [{"number": tables.LAYOUT}]}
    for each in map(table, tables.REGISTRY[1:]):
        made[each.name] = []
        unique: set[tuple[str, Any]] = set()
        for _ in range(draw(st.integers(1 if each.name == "revision" else 0, 3))):
            row: dict[str, Any] = {}
            for column in each.columns:
                kind = spelling(column.type).kind
                values = VALUES.get(kind)
                if column.foreign_keys:
                    (key,) = column.foreign_keys
                    values = st.sampled_from(
                        [parent[key.column.name] for parent in made[key.column.table.name]] or [None]
                    )
                elif isinstance(column.type, sa.Enum):
                    values = st.sampled_from(list(column.type.enum_class or ()))
                elif (each.name, column.name) == ("revision", "number"):
                    values = st.integers(1, 2**31 - 1)
                elif kind == "json" and not column.nullable:
                    values = st.lists(st.text(ODD, max_size=5), max_size=2)
                assert values is not None, column
                row[column.name] = draw(st.none() | values if column.nullable else values)
            if any(row[column.name] is None and not column.nullable for column in each.columns):
                continue  # it would need a parent that is not there
            keys = {
                ("key", tuple(row[column.name] for column in each.primary_key.columns)),
                ("ref", row.get("ref", len(unique))),
            }
            if not keys & unique:
                unique |= keys
                made[each.name].append(row)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[AsyncEngine, AsyncEngine]]:
    folder = tmp_path_factory.mktemp("both")
    async with opened("sqlite", folder) as sqlite, opened("postgresql", folder) as postgresql:
        yield sqlite, postgresql


@settings(max_examples=30, deadline=None)
@given(rows=registries())
async def test_whatever_the_columns_hold_goes_to_postgresql_and_back(
    both: tuple[AsyncEngine, AsyncEngine], rows: dict[str, list[dict[str, Any]]]
) -> None:
    sqlite, postgresql = both
    for engine in both:
        await emptied(engine)
    async with database.writing(sqlite) as connection:
        for model in tables.REGISTRY[1:]:
            await insert(connection, model, rows[str(model.__tablename__)])
    first, held = await exported(sqlite), await rows_of(sqlite)
    await imported(postgresql, first)
    assert await exported(postgresql) == first
    await emptied(sqlite)
    await imported(sqlite, await exported(postgresql))
    assert await exported(sqlite) == first
    assert await rows_of(sqlite) == held


PEAK = """
import sys
from pathlib import Path
from server import cli
try:
    cli.main()
finally:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(status["VmHWM"].split()[0], file=sys.stderr)
"""
"""Runs the command line, and ends with the most memory it held, in KiB."""


def process(
    *arguments: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command line to its end, on the files given."""
    command = [sys.executable, "-m", "server.cli", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=env or environment(),
        timeout=60,
        check=False,
    )


async def peak(*arguments: str) -> int:
    """The most memory that a command needed, in MB."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PEAK, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return int(done.stderr.splitlines()[-1]) // 1024


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True, scope="session")
async def test_the_whole_registry_goes_to_the_other_database_in_little_memory(
    full_engine: AsyncEngine, tmp_path: Path
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc to see how much memory a process took")
    file, small = tmp_path / "whole.gz", tmp_path / "small.gz"
    async with opened("postgresql", tmp_path) as engine, tiny_database(tmp_path) as tiny_url:
        least = await peak("export", str(small), "--database-url", tiny_url)
        assert await peak("export", str(file), "--database-url", address(full_engine)) < least + 80
        assert await peak("import", str(file), "--database-url", address(engine)) < least + 80
        # What is unpacked a line at a time would be hundreds of megabytes as rows.
        assert len(gzip.decompress(file.read_bytes())) > 20_000_000
        assert await exported(engine) == file.read_bytes()
        query = "{ models(first: 100) { nodes { ref updatedAt prices { amount } facts { field value observedAt } } } }"
        assert await asker(engine)(query) == await asker(full_engine)(query)


async def test_a_database_that_sorts_by_a_language_gives_the_same_bytes(tmp_path: Path) -> None:
    url = await create_database("postgresql", tmp_path)
    name = sa.make_url(url).database
    engine = database.create_engine(url)
    async with engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        swedish = f"{name}_sv"
        await connection.execute(
            sa.text(f"CREATE DATABASE \"{swedish}\" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'sv'")
        )
    await engine.dispose()
    sorted_by_language = sa.make_url(url).set(database=swedish).render_as_string(hide_password=False)
    odd = tiny()
    odd[2].models[0].aliases = ("Z-large", "a-large", "B-large", "ä-large", "å-large", "_large", "-large")
    try:
        async with opened("sqlite", tmp_path) as plain:
            await put(plain, odd)
            engine = database.create_engine(sorted_by_language)
            await database.prepare(engine)
            await imported(engine, await exported(plain))
            assert await exported(engine) == await exported(plain)
            await engine.dispose()
    finally:
        await drop_database(sorted_by_language)
        await drop_database(url)


async def test_the_same_registry_gives_the_same_bytes_whenever_it_is_exported(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    first = await exported(engine)
    await asyncio.sleep(1.1)
    assert await exported(engine) == first
    flags, stamp = first[3], first[4:8]
    assert (flags, stamp) == (0, b"\0\0\0\0")


async def test_an_export_is_of_one_revision_and_waits_for_nobody(engine: AsyncEngine, tmp_path: Path) -> None:
    await put(engine, tiny())
    before = await exported(engine)
    parts: list[bytes] = []
    async with database.reading(engine) as connection:
        assert await database.newest(connection) == 1
        await put(engine, moved(), NOW + timedelta(days=1))
        await transfer.export(connection, parts.append, nothing)
    assert b"".join(parts) == before
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Model)).values(name="unfinished"))
        file = tmp_path / "meanwhile.gz"
        done = await asyncio.to_thread(modelmeta, "export", str(file), database_url=address(engine))
        assert done.returncode == 0, done.stderr
        assert b"unfinished" not in gzip.decompress(file.read_bytes())


# The format, as its documentation says


def test_a_program_of_ones_own_can_read_it(snapshot: bytes) -> None:
    text = gzip.decompress(snapshot)
    header, *rows, end = map(json.loads, text.splitlines())
    assert (header["format"], header["version"], header["layout"]) == ("modelmeta-snapshot", 1, tables.LAYOUT)
    assert header["revision"] == 2
    held: dict[str, list[dict[str, Any]]] = {}
    given_rows = iter(rows)
    for listed in header["tables"]:
        held[listed["name"]] = []
        for _ in range(listed["rows"]):
            name, *values = next(given_rows)
            assert name == listed["name"]
            held[name].append(dict(zip([column for column, _ in listed["columns"]], values, strict=True)))
    assert next(given_rows, None) is None
    assert list(held) == [str(each.__tablename__) for each in tables.REGISTRY]
    closing = text.splitlines(keepends=True)[-1]
    assert end == {"rows": len(rows), "sha256": hashlib.sha256(text.removesuffix(closing)).hexdigest()}

    assert [each | {"inputs": len(each["inputs"])} for each in held["revision"]] == [
        {"number": 1, "created_at": "2026-11-23T12:00:00Z", "change_count": 0, "inputs": 64},
        {"number": 2, "created_at": "2026-11-24T12:00:00Z", "change_count": 2, "inputs": 64},
    ]
    (edition,) = held["edition"]
    assert b64decode(edition["content"]) == EDITION["content"]
    (large,) = [row for row in held["model"] if row["ref"] == "openai/tiny-large"]
    assert (large["release_date"], large["price_input"], large["access_type"]) == ("2026-03-01", "2.5", "CLOSED")
    assert {row["value"] for row in held["claim"] if row["field"] == "contextWindow"} == {200_000, 400_000}
    assert (held["change"][0]["before"], held["change"][0]["after"]) == (200_000, 400_000)


# What an import refuses

Lines = list[Any]


Change = Callable[[Lines], object]
"""Changes the lines of a snapshot: its header, and its rows."""


def written_anew(data: bytes, change: Change, counted: bool = False) -> bytes:
    """A snapshot with its lines changed, and a checksum that fits again; where wanted, counts that do too."""
    lines = lines_of(data)[:-1]
    change(lines)
    if counted:
        for each in lines[0]["tables"]:
            each["rows"] = sum(row[0] == each["name"] for row in lines[1:])
    text = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    end = {"rows": sum(each["rows"] for each in lines[0]["tables"]), "sha256": hashlib.sha256(text).hexdigest()}
    return gzip.compress(text + json.dumps(end).encode() + b"\n")


def first(lines: Lines, name: str) -> int:
    """Where the rows of a table begin."""
    return next(place for place, row in enumerate(lines) if place and row[0] == name)


def header(**fields: Any) -> Change:
    return lambda lines: lines[0].update(fields)


def listed(name: str, change: Callable[[dict[str, Any]], object]) -> Change:
    """Changes what the header says of a table."""
    return lambda lines: change(next(each for each in lines[0]["tables"] if each["name"] == name))


def cell(name: str, column: str, value: Any) -> Change:
    """Sets one value in the first row of a table."""
    place = 1 + list(tables.Table.metadata.tables[name].columns.keys()).index(column)
    return lambda lines: lines[first(lines, name)].__setitem__(place, value)


def raw(name: str, text: bytes) -> Change:
    """Puts the bytes where the first row of a table stands."""
    return lambda lines: lines.__setitem__(first(lines, name), text)


def doubled(name: str) -> Change:
    return lambda lines: lines.insert(first(lines, name), lines[first(lines, name)])


def without(name: str) -> Change:
    return lambda lines: lines.__setitem__(slice(None), [lines[0], *(row for row in lines[1:] if row[0] != name)])


def same_references(lines: Lines) -> None:
    for row in lines[1:]:
        if row[0] == "model":
            row[2] = "same/same"


async def refusal(engine: AsyncEngine, data: bytes) -> str:
    """What an import that would replace everything says of a file, and nothing has changed."""
    before = await rows_of(engine)
    with pytest.raises(OperatorError) as caught:
        await imported(engine, data, replace=True)
    assert await rows_of(engine) == before
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 1_200
    return said


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kept(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsyncEngine]:
    """A registry that no refused import may change."""
    async with opened(kind, tmp_path_factory.mktemp("kept")) as engine:
        await put(engine, tiny())
        yield engine


# fmt: off
WRITE_ONE = "`modelmeta export` writes one."
NO_SNAPSHOTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", f"FILE is no snapshot: it is empty. {WRITE_ONE}"),
    "text": (b"slug,name\n", f"FILE is no snapshot: it is not gzip. {WRITE_ONE}"),
    "a database": (b"SQLite format 3\0" + bytes(2_000), f"FILE is no snapshot: it is not gzip. {WRITE_ONE}"),
    "packed text": (gzip.compress(b"slug,name\n"), f"FILE is no snapshot: its first line is not JSON. {WRITE_ONE}"),
    "packed nothing": (gzip.compress(b""), f"FILE is no snapshot: it is empty. {WRITE_ONE}"),
    "deep JSON": (gzip.compress(b"[" * 500_000 + b"\n"), f"FILE is no snapshot: its first line is not JSON. {WRITE_ONE}"),
    "other JSON": (gzip.compress(b'{"format":"other"}\n'), f"FILE is no snapshot: its first line is not the header of one. {WRITE_ONE}"),
    "a list": (gzip.compress(b"[]\n"), f"FILE is no snapshot: its first line is not the header of one. {WRITE_ONE}"),
}
# fmt: on


@pytest.mark.parametrize("name", NO_SNAPSHOTS)
async def test_what_is_no_snapshot_is_refused(kept: AsyncEngine, name: str) -> None:
    data, said = NO_SNAPSHOTS[name]
    assert await refusal(kept, data) == said


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
async def test_one_that_is_cut_off_is_refused(kept: AsyncEngine, snapshot: bytes, share: float) -> None:
    said = await refusal(kept, snapshot[: int(len(snapshot) * share)])
    assert said.startswith("FILE is cut off after line ")
    assert said.endswith("The file is damaged: take another copy, or export it again.")


@pytest.mark.parametrize("lines", [1, 2, 40, -1])
async def test_one_without_its_last_lines_is_refused(kept: AsyncEngine, snapshot: bytes, lines: int) -> None:
    text = b"".join(gzip.decompress(snapshot).splitlines(keepends=True)[:lines])
    assert (await refusal(kept, gzip.compress(text))).startswith("FILE is cut off in line ")
    assert (await refusal(kept, gzip.compress(text[:-1]))).startswith("FILE is cut off in line ")


async def test_a_changed_value_is_found_by_the_checksum(kept: AsyncEngine, snapshot: bytes) -> None:
    text = gzip.decompress(snapshot).replace(b'"Tiny Large"', b'"Tiny Lorge"')
    count = text.count(b"\n")
    assert await refusal(kept, gzip.compress(text)) == (
        f"FILE, line {count}: the checksum is not that of the lines before. "
        "The file is damaged: take another copy, or export it again."
    )


async def test_a_packed_byte_that_changed_is_found(kept: AsyncEngine, snapshot: bytes) -> None:
    tail = bytearray(snapshot)
    tail[-6] ^= 1  # in the check sum of the packer
    assert "can't be unpacked after line " in await refusal(kept, bytes(tail))


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"\n"), gzip.compress(b"[]\n")], ids=["text", "a line", "a row"])
async def test_what_follows_the_end_is_refused(kept: AsyncEngine, snapshot: bytes, more: bytes) -> None:
    said = await refusal(kept, snapshot + more)
    assert "something follows the closing line" in said or "can't be unpacked after line" in said


# fmt: off
TODAY, OLDER, NEWER = tables.LAYOUT, tables.LAYOUT - 1, tables.LAYOUT + 1
HEADERS: dict[str, tuple[Change, str]] = {
    "newer format": (header(version=2), "FILE is written in version 2 of the format; this program reads 1. Import it with a newer ModelMeta."),
    "newer layout": (header(layout=NEWER), f"FILE has layout {NEWER}, which is newer than this program's ({TODAY}). Import it with a newer ModelMeta."),
    "older layout": (header(layout=OLDER), f"FILE has layout {OLDER}; this program reads {TODAY}. Import it into a database of its own with the ModelMeta that wrote it, then export it from there with this one, which brings the database up to date."),
    "no version": (lambda lines: lines[0].pop("version"), "FILE, line 1: the header's version is wrong: Field required."),
    "version of text": (header(version="1"), "FILE, line 1: the header's version is wrong: "),
    "no revision": (header(revision=None), "FILE, line 1: the header's revision is wrong: "),
    "unknown field": (header(colour="red"), "FILE, line 1: the header's colour is wrong: "),
    "other revision": (header(revision=3), "FILE does not hold the layout and the revision that its header states."),
    "other layout row": (cell("layout", "number", OLDER), "FILE does not hold the layout and the revision that its header states."),
    "negative count": (listed("term", lambda term: term.update(rows=-1)), "FILE, line 1: the header's tables.11.rows is wrong: "),
    "unknown table": (listed("term", lambda term: term.update(name="terms")), "FILE, line 1: this program knows no table terms."),
    "missing table": (lambda lines: lines[0]["tables"].pop(), "FILE, line 1: these tables have to be listed, in this order: layout, "),
    "other order": (lambda lines: lines[0]["tables"].reverse(), "FILE, line 1: these tables have to be listed, in this order: layout, "),
    "unknown column": (listed("term", lambda term: term["columns"].append(["colour", "text"])), "FILE, line 1: this program knows no column term.colour."),
    "missing column": (listed("term", lambda term: term["columns"].pop()), "FILE, line 1: the column term.weight is missing."),
    "other kind": (listed("term", lambda term: term["columns"][2].__setitem__(1, "decimal")), "FILE, line 1: the column term.weight holds decimal; integer is wanted."),
    "other column order": (listed("term", lambda term: term["columns"].reverse()), "FILE, line 1: the columns of term have to be in this order: term, model_id, weight."),
    "a column twice": (listed("term", lambda term: term["columns"].append(["weight", "integer"])), "FILE, line 1: the columns of term have to be in this order: term, model_id, weight."),
}
LINES: dict[str, tuple[bytes, str]] = {
    "exponent": (b'["term","x",1,1e3]\n', "it can't be read as JSON: a number has an exponent."),
    "not a number": (b'["term","x",1,NaN]\n', "it can't be read as JSON: it contains NaN, which is not JSON."),
    "no JSON": (b'["term",\n', "it can't be read as JSON: expecting value at line "),
    "no UTF-8": (b'["term","\xff",1,1]\n', "it can't be read as JSON: "),
    "very deep": (b"[" * 500_000 + b"\n", "it can't be read as JSON: "),
    "blank": (b"\n", "it can't be read as JSON: expecting value at line "),
    "an object": (b'{"term":"x"}\n', "a row of term with 3 values has to stand here."),
    "too short": (b'["term","x",1]\n', "a row of term with 3 values has to stand here."),
    "too long": (b'["term","x",1,1,1]\n', "a row of term with 3 values has to stand here."),
    "another table's": (b'["trait",1,"CAPABILITY","VISION"]\n', "a row of term with 3 values has to stand here."),
    "half a character": (rb'["term","\ud800",1,1]' + b"\n", 'term.term can\'t be "\\ud800": a string in whole characters is wanted.'),
    "endless": (b'["term","' + b"x" * (LONGEST + 1), f"it is longer than {LONGEST:,} bytes, as no line of a snapshot is."),
}
DECIMALS = ("", "x", "2.50", "02", ".5", "5.", "+5", "-0", "1e3", "1e999999999", "NaN", "Infinity", "1_0", "--1", "٣", "1" * 21, "0." + "0" * 18 + "1", 2.5)
INSTANTS = ("", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00", "2026-11-23 12:00:00Z", "2026-13-23T12:00:00Z", "2026-11-23T12:00:00.5Z", 5)
DAYS = ("2026-02-30", "20260201", "2026-W01-1", "2026-02-01T00:00:00", 20260201)
TIMES = ("16:30", "24:00:00", "16:30:00Z", "16:30:00+00:00", 16)
BASE64 = ("eJw", "e Jw=", "eJx=", "äöü=", 5)
VALUES_REFUSED: list[tuple[str, str, Any, str]] = [
    ("model", "name", None, "a string in whole characters"),
    ("model", "name", 5, "a string in whole characters"),
    *(("term", "weight", value, "a whole number in ") for value in ("5", 1.5, True, 2**63, 10**60)),
    *(("model", "is_flagship", value, "true or false") for value in (1, "true", None)),
    *(("model", "status", value, "one of ACTIVE, PREVIEW, LEGACY, DEPRECATED, RETIRED") for value in ("GONE", "active", "", 1)),
    *(("rate", "amount", value, 'a decimal in plain digits such as "0.175"') for value in DECIMALS),
    *(("revision", "created_at", value, 'a moment such as "2026-11-23T12:00:00Z"') for value in INSTANTS),
    *(("model", "release_date", value, 'a day such as "2026-11-23"') for value in DAYS),
    *(("rate", "daily_from", value, 'a time of day such as "16:30:00"') for value in TIMES),
    *(("edition", "content", value, "base64 with padding") for value in BASE64),
    ("provider", "credential_variables", None, "JSON in whole characters, nested no deeper than 250 levels"),
    ("claim", "value", json.loads("[" * 300 + "]" * 300), "JSON in whole characters, nested no deeper than 250 levels"),
    ("claim", "value", {"\ud800": 1}, "JSON in whole characters, nested no deeper than 250 levels"),
]
ROWS: dict[str, tuple[Change, str]] = {
    "a slug twice": (doubled("source"), "another row of source has slug 'curated' already."),
    "an id twice": (doubled("rate"), "another row of rate has id 7 already."),
    "a word twice": (doubled("trait"), "another row of trait has model_id 2, kind 'CAPABILITY', value 'FUNCTION_CALLING' already."),
    "a reference twice": (same_references, "another row of model has ref 'same/same' already."),
    "no such model": (cell("rate", "model_id", 99), "rate.model_id is 99, but no model has that id."),
    "no such provider": (cell("model", "provider_slug", "nobody"), "model.provider_slug is 'nobody', but no provider has that slug."),
    "no such revision": (cell("change", "revision_number", 7), "change.revision_number is 7, but no revision has that number."),
    "no parents": (without("model"), "rate.model_id is 3, but no model has that id."),
}
# fmt: on


@pytest.mark.parametrize("name", HEADERS)
async def test_a_header_that_is_not_this_programs_is_refused(kept: AsyncEngine, snapshot: bytes, name: str) -> None:
    change, said = HEADERS[name]
    assert (await refusal(kept, written_anew(snapshot, change))).startswith(said)


@pytest.mark.parametrize("name", LINES)
async def test_a_line_that_is_no_row_is_refused(kept: AsyncEngine, snapshot: bytes, name: str) -> None:
    text, said = LINES[name]
    answer = await refusal(kept, written_anew(snapshot, raw("term", text)))
    assert answer.startswith("FILE, line ")
    assert said in answer


@pytest.mark.parametrize(("name", "column", "value", "wanted"), VALUES_REFUSED)
async def test_a_value_that_does_not_fit_is_refused(
    kept: AsyncEngine, snapshot: bytes, name: str, column: str, value: Any, wanted: str
) -> None:
    answer = await refusal(kept, written_anew(snapshot, cell(name, column, value)))
    shown = "" if isinstance(value, list | float | int | dict) else f"{json.dumps(value)}: "
    assert f"{name}.{column} can't be {shown}" in answer
    assert wanted in answer
    assert answer.endswith(" is wanted.")


@pytest.mark.parametrize("name", ROWS)
async def test_rows_that_do_not_go_together_are_refused(kept: AsyncEngine, snapshot: bytes, name: str) -> None:
    change, said = ROWS[name]
    answer = await refusal(kept, written_anew(snapshot, change, counted=True))
    assert answer.startswith("FILE, line ")
    assert answer.endswith(said)


@pytest.mark.parametrize("rows", [-1, 1, 10**12])
async def test_counts_that_are_not_those_of_the_rows_are_refused(kept: AsyncEngine, snapshot: bytes, rows: int) -> None:
    change = listed("term", lambda term: term.update(rows=term["rows"] + rows))
    assert "has to stand here." in await refusal(kept, written_anew(snapshot, change))


def readable(data: bytes) -> dict[str, list[dict[str, Any]]]:
    """All rows, as a reader without a database gives them."""
    reader = Reader(io.BytesIO(data), "FILE")
    found = {each.name: [row.values for row in reader.rows(each, False)] for each in map(table, tables.REGISTRY)}
    reader.close()
    return found


@settings(max_examples=300, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_any_byte_that_changed_is_found_or_does_not_matter(snapshot: bytes, place: float, bits: int) -> None:
    damaged = bytearray(snapshot)
    damaged[int(place * len(damaged))] ^= bits
    try:
        found = readable(bytes(damaged))
    except OperatorError:
        return
    assert found == readable(snapshot)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 100), value=JSON)
def test_any_line_that_was_replaced_is_refused(snapshot: bytes, place: int, value: Any) -> None:
    lines = gzip.decompress(snapshot).splitlines(keepends=True)
    lines[place % len(lines)] = dump_json(value).encode() + b"\n"
    with pytest.raises(OperatorError):
        readable(gzip.compress(b"".join(lines)))


@pytest.mark.parametrize(
    ("name", "column", "value"), [("model", "name", "a\0b"), ("term", "weight", 2**31), ("model", "name", "x" * 5)]
)
async def test_what_only_sqlite_can_hold_is_refused_by_postgresql(
    engine: AsyncEngine, kind: str, snapshot: bytes, name: str, column: str, value: Any
) -> None:
    data = written_anew(snapshot, cell(name, column, value))
    if kind == "postgresql" and value != "x" * 5:
        await put(engine, tiny())
        assert f"{name}.{column} can't be " in await refusal(engine, data)
    else:
        await imported(engine, data)
        assert lines_of(await exported(engine)) == lines_of(data)[:-1] + lines_of(await exported(engine))[-1:]


async def test_a_text_too_long_for_an_index_of_postgresql_is_named(tmp_path: Path, snapshot: bytes) -> None:
    # Not to be compressed: an index of PostgreSQL takes no more than a third of a page.
    long = os.urandom(8_000).hex()
    async with opened("postgresql", tmp_path) as engine:
        await put(engine, tiny())
        said = await refusal(engine, written_anew(snapshot, cell("term", "term", long)))
        assert ": the database refuses this row of term (" in said


# What an import does


async def test_an_import_is_for_an_empty_database_unless_it_replaces(engine: AsyncEngine, snapshot: bytes) -> None:
    moved_in = await imported(engine, snapshot)
    assert moved_in.revision == 2
    before = await rows_of(engine)
    with pytest.raises(OperatorError) as caught:
        await imported(engine, snapshot)
    assert str(caught.value) == (
        "The database holds revision 2 already. Name an empty one with --database-url, or replace what it holds, "
        "history included, with --replace."
    )
    assert await rows_of(engine) == before


async def test_replacing_a_shorter_history_gives_the_files_to_the_last_row(
    engine: AsyncEngine, snapshot: bytes
) -> None:
    others = tiny()
    others[2].models.pop()
    await put(engine, others)
    await imported(engine, snapshot, replace=True)
    assert await exported(engine) == snapshot


async def test_revision_numbers_never_go_back(engine: AsyncEngine, snapshot: bytes) -> None:
    for day in range(4):
        await put(engine, moved() if day % 2 else tiny(), NOW + timedelta(days=day))
    moved_in = await imported(engine, snapshot, replace=True)
    assert moved_in.revision == 5
    now, file = lines_of(await exported(engine)), lines_of(snapshot)
    assert [row for row in now[1:-1] if row[0] != "revision"] == [row for row in file[1:-1] if row[0] != "revision"]
    numbers = [(row[1], row[3]) for row in now[1:-1] if row[0] == "revision"]
    assert numbers == [(1, 0), (2, 2), (5, 0)]


async def test_the_next_refresh_goes_on_from_an_import(engine: AsyncEngine, snapshot: bytes) -> None:
    await imported(engine, snapshot)
    newer = moved()
    newer[2].models.append(ModelClaims("azure", "tiny-newest", facts={"name": "Tiny Newest"}))
    outcome = await put(engine, newer, NOW + timedelta(days=2))
    ask = asker(engine)
    assert await ask('{ registry { modelCount revision { number } } model(ref: "azure/tiny-newest") { name } }') == {
        "registry": {"modelCount": 5, "revision": {"number": outcome.revision}},
        "model": {"name": "Tiny Newest"},
    }
    # And once more after an import that takes the numbers back.
    await imported(engine, snapshot, replace=True)
    await put(engine, newer, NOW + timedelta(days=3))
    assert (await ask("{ registry { modelCount revision { number } } }"))["registry"] == {
        "modelCount": 5,
        "revision": {"number": 5},
    }


async def test_a_refused_import_leaves_the_next_refresh_its_numbers(engine: AsyncEngine, snapshot: bytes) -> None:
    await put(engine, tiny())
    await refusal(engine, written_anew(snapshot, header(revision=3)))
    await put(engine, moved(), NOW + timedelta(days=1))
    assert (await asker(engine)("{ registry { modelCount } }"))["registry"]["modelCount"] == 4


async def test_a_running_server_notices_that_its_registry_was_replaced(
    kind: str, tmp_path: Path, snapshot: bytes
) -> None:
    file = tmp_path / "snapshot.gz"
    file.write_bytes(snapshot)
    query = {"query": '{ registry { revision { number } } model(ref: "openai/tiny-large") { contextWindow } }'}
    async with tiny_database(tmp_path, kind) as url:
        engine = database.create_engine(url)
        smaller = tiny()
        for day, window in enumerate((100_000, 150_000), 1):
            smaller[2].models[0].facts["context_window"] = window
            await put(engine, smaller, NOW + timedelta(days=day))
        await engine.dispose()
        async with serving(url, tmp_path) as server, server.client() as client:
            answers: list[Any] = [(await client.post("/graphql", json=query)).json()["data"]]
            done = await asyncio.to_thread(modelmeta, "import", str(file), "--replace", database_url=url)
            assert done.stderr == "Imported revision 2: 110 rows, 4 models of 2 providers as revision 4.\n"
            answers.append((await client.post("/graphql", json=query)).json()["data"])
    assert answers == [
        {"registry": {"revision": {"number": number}}, "model": {"contextWindow": window}}
        for number, window in ((3, 150_000), (4, 400_000))
    ]


async def test_readers_go_on_while_an_import_is_under_way(engine: AsyncEngine, snapshot: bytes) -> None:
    await put(engine, tiny())
    ask = asker(engine)
    before = await ask(STATE)
    reader = Reader(io.BytesIO(snapshot), "FILE")
    async with asyncio.timeout(20):
        async with database.writing(engine) as connection:
            await transfer.restore(connection, reader, True, nothing)
            assert await ask(STATE) == before
        assert await ask(STATE) != before


# The commands


def mistake(*arguments: str, **options: Any) -> str:
    """The one line that a command answers a mistake with."""
    done = modelmeta(*arguments, **options)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("modelmeta: ")
    return line.removeprefix("modelmeta: ")


async def test_an_export_and_an_import_each_say_one_line(tmp_path: Path) -> None:
    file = tmp_path / "registry.gz"
    copy = await create_database("sqlite", tmp_path)
    async with tiny_database(tmp_path) as url:
        done = modelmeta("export", str(file), database_url=url)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("Exported revision 1: ")
        assert " rows, 3 models of 2 providers (" in done.stderr
        done = modelmeta("import", str(file), database_url=copy)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("Imported revision 1: ")
        assert done.stderr.endswith(" rows, 3 models of 2 providers.\n")
        assert [each.name for each in tmp_path.glob("*.gz*")] == ["registry.gz"]
        # Whoever may read other new files may read this one.
        (tmp_path / "plain").touch()
        assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


async def test_a_snapshot_goes_through_a_pipe(tmp_path: Path) -> None:
    copy = await create_database("sqlite", tmp_path)
    async with tiny_database(tmp_path) as url:
        read, write = os.pipe()
        sent = await asyncio.to_thread(process, "export", "-", "--database-url", url, stdout=write)
        os.close(write)
        received = await asyncio.to_thread(process, "import", "-", "--database-url", copy, stdin=read)
        os.close(read)
        assert (sent.returncode, received.returncode) == (0, 0)
        engines = [database.create_engine(each) for each in (url, copy)]
        assert await exported(engines[0]) == await exported(engines[1])
        for engine in engines:
            await engine.dispose()


async def test_nobody_reading_is_one_line(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        read, write = os.pipe()
        os.close(read)
        done = await asyncio.to_thread(
            process, "export", "-", "--database-url", url, stdout=write, stderr=subprocess.PIPE
        )
        os.close(write)
    said = b"modelmeta: Standard output can't be written: Broken pipe. Name another file to write to.\n"
    assert (done.returncode, done.stderr) == (2, said)


async def test_a_file_that_is_there_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    file, link = tmp_path / "registry.gz", tmp_path / "link.gz"
    file.write_text("mine")
    link.symlink_to(file)
    async with tiny_database(tmp_path) as url:
        for name in (file, link):
            said = mistake("export", str(name), database_url=url)
            assert said == f"{name} is there already. Name another file, or replace it with --force."
            assert file.read_text() == "mine"
        assert modelmeta("export", str(link), "--force", database_url=url).returncode == 0
    assert link.is_symlink()
    assert lines_of(file.read_bytes())[0]["revision"] == 1
    assert sorted(each.name for each in tmp_path.glob("*gz*")) == ["link.gz", "registry.gz"]


def test_a_file_that_came_to_be_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.commands import snapshots

    file = tmp_path / "registry.gz"

    async def meanwhile(*_: Any) -> None:
        file.write_text("theirs")

    monkeypatch.setattr(snapshots, "_exported", meanwhile)
    with pytest.raises(OperatorError, match="is there already"):
        snapshots.export(file)
    assert file.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [file]


async def test_a_place_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        (tmp_path / "file").write_text("in the way")
        for place in (tmp_path / "file" / "x.gz", tmp_path / "none" / "x.gz", tmp_path / ("x" * 300)):
            said = mistake("export", str(place), "--force", database_url=url)
            assert said.startswith(f"{place} can't be written: ")
        for place in (tmp_path, Path("/dev/null")):
            said = mistake("export", str(place), "--force", database_url=url)
            assert said == f"{place} is no ordinary file. Name another, or - for standard output."
    assert Path("/dev/null").is_char_device()


async def test_an_empty_database_has_nothing_to_export_and_no_file_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    url = await create_database("sqlite", tmp_path)
    said = mistake("export", str(folder / "registry.gz"), database_url=url)
    assert said == (
        "The database is empty. Load the registry with `modelmeta load`, or name another database with --database-url."
    )
    assert list(folder.iterdir()) == []


async def test_a_value_no_column_could_hold_is_named(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        engine = database.create_engine(url)
        async with database.writing(engine) as connection:
            await connection.execute(sa.text("UPDATE rate SET effective_from = 'soon' WHERE id = 1"))
        await engine.dispose()
        said = mistake("export", str(tmp_path / "registry.gz"), database_url=url)
    assert said.startswith("The table rate holds a value that can't be read (")
    assert not (tmp_path / "registry.gz").exists()


def test_a_file_that_can_not_be_read_is_one_line_and_no_database_is_made(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/modelmeta.sqlite"
    (tmp_path / "text.gz").write_text("text")
    for name, said in (
        ("none.gz", "can't be read: No such file or directory. Name a file that `modelmeta export` wrote."),
        ("", "can't be read: Is a directory. Name a file that `modelmeta export` wrote."),
        ("text.gz", "is no snapshot: it is not gzip. `modelmeta export` writes one."),
    ):
        assert mistake("import", str(tmp_path / name), database_url=url) == f"{tmp_path / name} {said}"
    assert not (tmp_path / "modelmeta.sqlite").exists()


async def test_a_refused_import_is_one_line_of_the_process(tmp_path: Path, snapshot: bytes) -> None:
    file = tmp_path / "snapshot.gz"
    file.write_bytes(snapshot[:-20])
    async with tiny_database(tmp_path) as url:
        assert mistake("import", str(file), database_url=url).startswith("The database holds revision 1 already.")
        assert mistake("import", str(file), "--replace", database_url=url).startswith(f"{file} is cut off after line ")
        engine = database.create_engine(url)
        assert (await asker(engine)("{ registry { modelCount } }"))["registry"] == {"modelCount": 3}
        await engine.dispose()


async def test_a_terminal_gets_a_bar_and_no_bytes(tmp_path: Path) -> None:
    shown = environment() | {"TERM": "xterm"}
    async with tiny_database(tmp_path) as url:
        ours, theirs = pty.openpty()
        done = await asyncio.to_thread(
            process, "export", "-", "--database-url", url, stdout=theirs, stderr=subprocess.PIPE
        )
        said = b"modelmeta: Standard output is a terminal. Redirect it, or name a file.\n"
        assert (done.returncode, done.stderr) == (2, said)
        done = await asyncio.to_thread(
            process, "import", "-", "--database-url", url, stdin=theirs, stderr=subprocess.PIPE
        )
        said = b"modelmeta: Standard input is a terminal. Send a snapshot to it, or name a file.\n"
        assert (done.returncode, done.stderr) == (2, said)
        done = await asyncio.to_thread(
            process, "export", str(tmp_path / "x.gz"), "--database-url", url, stderr=theirs, env=shown
        )
        assert done.returncode == 0
        bar = os.read(ours, 100_000).decode()
        os.close(ours)
        os.close(theirs)
    assert "━" in bar
    assert "Exported revision 1" in bar


# Sudden ends


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(full_engine: AsyncEngine) -> bytes:
    """The whole registry, as a file."""
    return await exported(full_engine)


@pytest.mark.parametrize(
    ("end", "held"), [(signal.SIGKILL, b"mine"), (signal.SIGKILL, None), (signal.SIGTERM, b"mine")]
)
async def test_an_export_that_is_killed_leaves_the_file_as_it_was(
    full_engine: AsyncEngine, tmp_path: Path, end: signal.Signals, held: bytes | None
) -> None:
    file = tmp_path / "registry.gz"
    if held:
        file.write_bytes(held)
    process = start(tmp_path / "log", "export", str(file), "--force", database_url=address(full_engine))
    async with asyncio.timeout(40):
        while not any(part.stat().st_size > 100_000 for part in tmp_path.glob(".registry.gz.*.part")):
            assert process.poll() is None, (tmp_path / "log").read_text()
            await asyncio.sleep(0.002)
    process.send_signal(end)
    assert await ended(process) == (-end if end is signal.SIGKILL else 128 + end)
    assert (file.read_bytes() if file.exists() else None) == held
    left = list(tmp_path.glob(".registry.gz.*.part"))
    assert len(left) == (end is signal.SIGKILL)
    if left:  # and nobody takes it for a snapshot
        with pytest.raises(OperatorError, match="is cut off"):
            readable(left[0].read_bytes())


async def test_an_import_that_is_killed_leaves_the_registry_as_it_was(kind: str, whole: bytes, tmp_path: Path) -> None:
    file = tmp_path / "whole.gz"
    file.write_bytes(whole)
    async with tiny_database(tmp_path, kind) as url:
        engine = database.create_engine(url)
        before = await rows_of(engine)
        await engine.dispose()
        for size in MOMENTS[kind]:
            process = start(tmp_path / "log", "import", str(file), "--replace", database_url=url)
            async with asyncio.timeout(60), aclosing(written(url)) as sizes:
                async for now in sizes:
                    if now >= size:
                        break
                    assert process.poll() is None, (tmp_path / "log").read_text()
                    await asyncio.sleep(0.005)
            process.kill()
            assert await ended(process) == -signal.SIGKILL
            engine = database.create_engine(url)
            assert await rows_of(engine) == before
            await engine.dispose()
        # And it can be written to again.
        engine = database.create_engine(url)
        assert (await put(engine, moved(), NOW + timedelta(days=1))).revision == 2
        await engine.dispose()
