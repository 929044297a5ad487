"""The promise: whatever way a key is written in TOML or JSON, its line is found, and nothing is found that is not there."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.column_types import is_array, is_object
from seeds.overlay.positions import Place, SyntaxFault, line, read, spelt

SEEDS = Path(__file__).parents[3] / "seeds"
TOML = '''# a comment with "quotes" and [brackets]
title = "one # two" # = three

[a]
b.c = 1.5
"d.e" = 07:30:00
'f' = """
g = "not a key"
""""
h = \'\'\'
[not.a.table]\'\'\'

[a.i."j k"]
l = { m = 1, n.o = { p = 2026-01-01T07:30:00Z } }
q = [
  # a comment, with a comma
  { r = 1 }, { r = 2, s = 3 },
  [4,
  5], "six]",
]

[[t]]
u = 1
[[t.v]]
w = 1
[[t.v]]
w = 2
[t.v.x]
y = 1
[[t]]
u = 2
[[t.v]]
w = 3
[ "a\\u0042" . z ]
"" = -1e-7
'''
EXPECTED = {
    "title": 2,
    "a": 4,
    "a.b": 5,
    "a.b.c": 5,
    'a."d.e"': 6,
    "a.f": 7,
    "a.h": 10,
    "a.i": 13,
    'a.i."j k"': 13,
    'a.i."j k".l': 14,
    'a.i."j k".l.m': 14,
    'a.i."j k".l.n': 14,
    'a.i."j k".l.n.o': 14,
    'a.i."j k".l.n.o.p': 14,
    'a.i."j k".q': 15,
    'a.i."j k".q[0]': 17,
    'a.i."j k".q[0].r': 17,
    'a.i."j k".q[1]': 17,
    'a.i."j k".q[1].r': 17,
    'a.i."j k".q[1].s': 17,
    'a.i."j k".q[2]': 18,
    'a.i."j k".q[2][0]': 18,
    'a.i."j k".q[2][1]': 19,
    'a.i."j k".q[3]': 19,
    "t": 22,
    "t[0]": 22,
    "t[0].u": 23,
    "t[0].v": 24,
    "t[0].v[0]": 24,
    "t[0].v[0].w": 25,
    "t[0].v[1]": 26,
    "t[0].v[1].w": 27,
    "t[0].v[1].x": 28,
    "t[0].v[1].x.y": 29,
    "t[1]": 30,
    "t[1].u": 31,
    "t[1].v": 32,
    "t[1].v[0]": 32,
    "t[1].v[0].w": 33,
    "aB": 34,
    "aB.z": 34,
    'aB.z.""': 35,
}


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in a parsed document."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if is_object(value):
        pairs = value.items()
    elif is_array(value):
        pairs = enumerate(value)
    for step, each in pairs:
        yield (*place, step)
        yield from places(each, (*place, step))


def test_every_way_to_write_a_key_in_toml_is_found() -> None:
    document, lines = read(TOML, "TOML")
    assert {spelt(place): number for place, number in lines.items()} == EXPECTED
    assert set(places(document)) == set(lines)
    assert read(TOML.replace("\n", "\r\n"), "TOML")[1] == lines


@pytest.mark.parametrize("path", sorted(SEEDS.rglob("*.toml")), ids=lambda path: path.name)
def test_the_places_found_are_those_of_the_parsed_document(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document, lines = read(text, "TOML")
    assert set(places(document)) == set(lines)
    written = text.splitlines()
    for place, number in lines.items():
        assert isinstance(place[-1], int) or place[-1] in written[number - 1], place


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(values, st.sampled_from([None, 0, 2]))
def test_any_json_is_walked_as_it_is_parsed(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=indent is None)
    document, lines = read(text, "JSON")
    assert set(places(document)) == set(lines)
    assert set(lines.values()) <= set(range(1, text.count("\n") + 2))


def test_the_lines_of_json_are_those_of_its_keys() -> None:
    text = '{\n"a":\n [1,\n {"b" : null}],\n\n"c": {"d": 1e-7,\n"\\u0065\\/": "x\\"y: {"}}'
    _, lines = read(text, "JSON")
    assert {spelt(place): number for place, number in lines.items()} == {
        "a": 2,
        "a[0]": 3,
        "a[1]": 4,
        "a[1].b": 4,
        "c": 6,
        "c.d": 6,
        'c."e/"': 7,
    }


def test_a_place_that_is_not_written_down_has_the_line_of_what_is_around_it() -> None:
    _, lines = read("\n[a]\nb = { c = 1 }\n", "TOML")
    assert [line(lines, place) for place in (("a", "b", "d"), ("a", "e", 0), ("f",))] == [3, 2, 1]


@pytest.mark.parametrize(
    ("text", "number", "message"),
    [
        ('{"a": 1,\n "a": 2}', 2, "the key stands twice, first on line 1. Keep one of them."),
        ('{"a":\n\n 1 2}', 3, "this is no JSON: Expecting ',' delimiter."),
        ("", 1, "this is no JSON: Expecting value."),
        ("[\n" + "9" * 5000 + "]", 2, "a number is too long to be read."),
        ("[" * 200_000, 1, "it is nested too deeply to be read."),
    ],
)
def test_what_is_no_json_is_said_with_its_line(text: str, number: int, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        read(text, "JSON")
    assert (caught.value.line, str(caught.value)) == (number, message)


@pytest.mark.parametrize(
    ("text", "number", "message"),
    [
        ("a = 1\n\nb = ", 3, "this is no TOML: Invalid value."),
        ("a = 1\nb = [1, 2\n", 2, "this is no TOML: Unclosed array."),
        ("a = 1\n\na = 2\n", 3, "this is no TOML: Cannot overwrite a value."),
        ("a = 1\n[b]\n[b]\n", 3, "this is no TOML: Cannot declare ('b',) twice."),
        ("\na = " + "9" * 5000, 2, "a number is too long to be read."),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(text: str, number: int, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        read(text, "TOML")
    assert (caught.value.line, str(caught.value)) == (number, message)
