"""Files that are not snapshots, or damaged ones, are refused and change nothing."""

import gzip
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.column_types import dump_json
from server.errors import OperatorError
from tests.server.snapshots.edits import refusal
from tests.support.snapshots import JSON_VALUES, read_all_rows

# fmt: off
EXPORT_FIRST = "Create one with `modelmeta export`."
OTHER_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", f"FILE is not a snapshot: it is empty. {EXPORT_FIRST}"),
    "text": (b"slug,name\n", f"FILE is not a snapshot: it is not gzip. {EXPORT_FIRST}"),
    "a database": (b"SQLite format 3\0" + bytes(2_000), f"FILE is not a snapshot: it is not gzip. {EXPORT_FIRST}"),
    "compressed text": (gzip.compress(b"slug,name\n"), f"FILE is not a snapshot: its first line is not JSON. {EXPORT_FIRST}"),
    "compressed nothing": (gzip.compress(b""), f"FILE is not a snapshot: it is empty. {EXPORT_FIRST}"),
    "deep JSON": (gzip.compress(b"[" * 500_000 + b"\n"), f"FILE is not a snapshot: its first line is not JSON. {EXPORT_FIRST}"),
    "other JSON": (gzip.compress(b'{"format":"other"}\n'), f"FILE is not a snapshot: its first line is not a snapshot header. {EXPORT_FIRST}"),
    "a list": (gzip.compress(b"[]\n"), f"FILE is not a snapshot: its first line is not a snapshot header. {EXPORT_FIRST}"),
}
# fmt: on


@pytest.mark.parametrize("name", OTHER_FILES)
async def test_other_files_are_refused(protected_engine: AsyncEngine, name: str) -> None:
    data, message = OTHER_FILES[name]
    assert await refusal(protected_engine, data) == message


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
async def test_a_truncated_file_is_refused(protected_engine: AsyncEngine, snapshot: bytes, share: float) -> None:
    error = await refusal(protected_engine, snapshot[: int(len(snapshot) * share)])
    assert error.startswith("FILE is truncated after line ")
    assert error.endswith("The file is damaged: use another copy, or export it again.")


@pytest.mark.parametrize("lines", [1, 2, 40, -1])
async def test_a_file_without_its_last_lines_is_refused(
    protected_engine: AsyncEngine, snapshot: bytes, lines: int
) -> None:
    text = b"".join(gzip.decompress(snapshot).splitlines(keepends=True)[:lines])
    assert (await refusal(protected_engine, gzip.compress(text))).startswith("FILE is truncated in line ")
    assert (await refusal(protected_engine, gzip.compress(text[:-1]))).startswith("FILE is truncated in line ")


async def test_the_checksum_reveals_a_changed_value(protected_engine: AsyncEngine, snapshot: bytes) -> None:
    text = gzip.decompress(snapshot).replace(b'"Tiny Large"', b'"Tiny Lorge"')
    count = text.count(b"\n")
    assert await refusal(protected_engine, gzip.compress(text)) == (
        f"FILE, line {count}: the checksum does not match the lines before it. "
        "The file is damaged: use another copy, or export it again."
    )


async def test_a_changed_compressed_byte_is_refused(protected_engine: AsyncEngine, snapshot: bytes) -> None:
    tail = bytearray(snapshot)
    tail[-6] ^= 1  # in the checksum of gzip
    assert "can't be decompressed after line " in await refusal(protected_engine, bytes(tail))


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"\n"), gzip.compress(b"[]\n")], ids=["text", "a line", "a row"])
async def test_data_after_the_closing_line_is_refused(
    protected_engine: AsyncEngine, snapshot: bytes, more: bytes
) -> None:
    error = await refusal(protected_engine, snapshot + more)
    assert "unexpected data after the closing line" in error or "can't be decompressed after line" in error


@settings(max_examples=300, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_any_changed_byte_is_refused_or_makes_no_difference(snapshot: bytes, place: float, bits: int) -> None:
    damaged = bytearray(snapshot)
    damaged[int(place * len(damaged))] ^= bits
    try:
        rows = read_all_rows(bytes(damaged))
    except OperatorError:
        return
    assert rows == read_all_rows(snapshot)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 100), value=JSON_VALUES)
def test_any_replaced_line_is_refused(snapshot: bytes, place: int, value: Any) -> None:
    lines = gzip.decompress(snapshot).splitlines(keepends=True)
    lines[place % len(lines)] = dump_json(value).encode() + b"\n"
    with pytest.raises(OperatorError):
        read_all_rows(gzip.compress(b"".join(lines)))
