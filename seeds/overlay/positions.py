"""Where each key of a TOML or JSON text stands, so that a mistake can be shown to whoever wrote it.

The parsers of the standard library give no positions. They read the text first, so the scanner need not tell
right from wrong, only find its way.
"""

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Place = tuple[str | int, ...]
"""Keys and indexes that lead to a value: ("models", "acme/one", "rates", 0, "amount")."""

Language = Literal["TOML", "JSON"]

TOKEN = re.compile(
    r"""
    (?P<string> \"{3} (?: \\. | [^\\] )*? \"{3,5} | '{3} .*? '{3,5} | \" (?: \\. | [^\"\\] )* \" | '[^']*' )
    | (?P<newline> \n )
    | (?P<mark> [\[\]{},=:.] )
    | (?P<bare> [^\s\[\]{},=:.\#"']+ )
    | (?P<skipped> [^\S\n]+ | \#[^\n]* )
    """,
    re.VERBOSE | re.DOTALL,
)
BARE = re.compile(r"[A-Za-z0-9_-]+")


class SyntaxFault(ValueError):  # noqa: N818 - SyntaxError is Python's own
    """What makes a text no TOML or JSON, and on which line."""

    def __init__(self, line: int, message: str, place: "Place" = ()) -> None:
        super().__init__(message)
        self.line, self.place = line, place


def read(text: str, language: Language) -> tuple[Any, dict[Place, int]]:
    """The document, its fractions as Decimal, and the line of each key, table and array element, counted from 1.

    Raises SyntaxFault, also for a key that stands twice in a JSON object: parsers keep the last without a word.
    """
    scanner = _Scanner(text, language)
    try:
        if language == "JSON":
            # NaN and Infinity become numbers, and are for the reader to refuse.
            document = json.loads(text, parse_float=_number, parse_constant=Decimal)
            scanner.value(())
        else:
            document = tomllib.loads(text, parse_float=_number)
            scanner.tables()
    except json.JSONDecodeError as error:
        raise SyntaxFault(error.lineno, f"this is no JSON: {error.msg}.") from error
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", place)
        last = text.rstrip().count("\n") + 1
        raise SyntaxFault(int(found[1]) if found else last, f"this is no TOML: {message}.") from error
    except RecursionError as error:
        raise SyntaxFault(1, "it is nested too deeply to be read.") from error
    except SyntaxFault:
        raise
    except ValueError as error:
        # Python reads no whole number of more than some thousand digits.
        found = re.search(r"[\d_]{1000,}", text)
        raise SyntaxFault(
            text.count("\n", 0, found.start() if found else 0) + 1, "a number is too long to be read."
        ) from error
    return document, scanner.lines


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        return Decimal("Infinity")


def line(lines: Mapping[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest thing around it that is written down."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def spelt(place: Place) -> str:
    """A place as people write it: models."acme/one".rates[0].amount."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "." * bool(text) + (step if BARE.fullmatch(step) else json.dumps(step, ensure_ascii=False))
    return text


class _Scanner:
    def __init__(self, text: str, language: Language) -> None:
        found = [each for each in TOKEN.finditer(text) if each.lastgroup != "skipped"]
        self.tokens = [(each.lastgroup, each.group(), each.start()) for each in found]
        self.language = language
        self.newlines = [place for place, letter in enumerate(text) if letter == "\n"]
        self.at = 0
        self.lines: dict[Place, int] = {}
        self.elements: dict[Place, int] = {}
        """Array of tables -> index of its last element so far."""

    def peek(self) -> str | None:
        """The mark or newline that comes next; None before anything else."""
        if self.at == len(self.tokens):
            return ""
        kind, text, _ = self.tokens[self.at]
        return text if kind in ("mark", "newline") else None

    def skip(self, *marks: str) -> bool:
        """Steps over any of these marks. Whether there was one."""
        start = self.at
        while self.at < len(self.tokens) and self.peek() in marks:
            self.at += 1
        return self.at > start

    def note(self, place: Place, offset: int, *, once: bool = False) -> None:
        here = bisect_right(self.newlines, offset) + 1
        if once and place in self.lines:
            message = f"the key stands twice, first on line {self.lines[place]}. Keep one of them."
            raise SyntaxFault(here, message, place)
        self.lines.setdefault(place, here)

    def tables(self) -> None:
        table: Place = ()
        while self.at < len(self.tokens):
            if self.peek() == "\n":
                self.at += 1
            elif self.peek() == "[":
                self.at += 1
                table = self.header(element=self.skip("["))
            else:
                self.pair(table)

    def header(self, *, element: bool) -> Place:
        """A table's header, up to and with its closing bracket: [a.b] or [[a.b]]."""
        keys = self.keys()
        place: Place = ()
        for key, offset in keys[:-1]:
            place = (*place, key)
            self.note(place, offset)
            if place in self.elements:
                place = (*place, self.elements[place])
        key, offset = keys[-1]
        place = (*place, key)
        self.note(place, offset)
        if element:
            self.elements[place] = self.elements.get(place, -1) + 1
            place = (*place, self.elements[place])
            self.note(place, offset)
        self.skip("]")
        return place

    def keys(self) -> list[tuple[str, int]]:
        """The parts of a key, each with where it stands; more than one where it is dotted."""
        found: list[tuple[str, int]] = []
        while self.peek() in (None, "."):
            kind, text, offset = self.tokens[self.at]
            self.at += 1
            if text != ".":
                found.append((self.decode(text) if kind == "string" else text, offset))
        return found

    def decode(self, text: str) -> str:
        decoded: str = json.loads(text) if self.language == "JSON" else tomllib.loads(f"key = {text}")["key"]
        return decoded

    def pair(self, place: Place) -> None:
        for key, offset in self.keys():
            place = (*place, key)
            self.note(place, offset, once=self.language == "JSON")
        self.skip("=", ":", "\n")
        self.value(place)

    def value(self, place: Place) -> None:
        self.skip("\n")
        opening = self.peek()
        if opening not in ("{", "["):
            # Numbers, dates and times are made of several tokens: 1.5, 07:30:00.
            while self.peek() in (None, ".", ":", "="):
                self.at += 1
            return
        self.at += 1
        index = 0
        self.skip("\n", ",")
        while self.peek() not in ("}", "]", ""):
            if opening == "{":
                self.pair(place)
            else:
                self.note((*place, index), self.tokens[self.at][2])
                self.value((*place, index))
                index += 1
            self.skip("\n", ",")
        self.at += 1
