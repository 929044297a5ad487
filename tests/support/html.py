"""What a reader of a page gets: its visible text, its links, and what should not be among it."""

import re
from dataclasses import dataclass, field
from enum import Enum
from html.parser import HTMLParser
from typing import Any

from schema import enums
from schema.labels import label

VOID = {"meta", "link", "input", "br", "img", "hr"}
SPOKEN = {"title", "aria-label", "alt", "placeholder", "content"}
"""Attributes whose text readers get, too."""
NEVER = re.compile(
    r"\b(None|null|NaN|nan|undefined|Undefined|Infinity|Decimal|datetime|Traceback|Enum\b\.)\b"
    r"|^(True|False)$|\{\{|\}\}|\{%|<class|&lt;|&amp;|\bobject at 0x|\[\]|\{\}"
)
"""What no page says, in whatever place."""
RAW = {
    name
    for closed_set in vars(enums).values()
    if isinstance(closed_set, type) and issubclass(closed_set, Enum)
    for name in closed_set.__members__
    if label(name) != name
}
"""Names of the closed sets as the graph spells them, but for those that are words anyway: PDF, MCP."""
CAPITALS = re.compile(r"(?<![\w./-])[A-Z][A-Z0-9_]+(?![\w./-])")
HEADINGS = {"h1", "h2", "h3", "h4", "legend", "th", "caption", "summary", "dt", "option"}
FILLED = HEADINGS | {"p", "li", "dd", "a", "button", "figcaption", "title", "label"}


@dataclass
class Piece:
    """A stretch of text and the elements it stands in, outermost first."""

    text: str
    inside: tuple[str, ...]
    names: frozenset[str]
    """Classes of those elements."""
    attribute: bool = False


@dataclass
class Reader(HTMLParser):
    """A page as it reads."""

    pieces: list[Piece] = field(default_factory=list[Piece])
    links: list[str] = field(default_factory=list[str])
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    empty: list[str] = field(default_factory=list[str])
    """Elements that ought to say something and do not."""
    headings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, dict[str, str], list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        for name in SPOKEN & given.keys():
            self.pieces.append(Piece(given[name], (tag,), frozenset(), attribute=True))
        if tag not in VOID:
            self._open.append((tag, given, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, given, said = self._open.pop()
            text = " ".join("".join(said).split())
            if name in HEADINGS:
                self.headings.append((name, text))
            if name in FILLED and not text and given.get("role") != "status" and not given.get("aria-label"):
                self.empty.append(name)
            if self._open:
                self._open[-1][2].append("".join(said))
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        self._open[-1][2].append(data)
        inside = tuple(name for name, _, _ in self._open)
        if data.strip() and not {"script", "style"} & set(inside):
            names = frozenset(each for _, given, _ in self._open for each in given.get("class", "").split())
            self.pieces.append(Piece(" ".join(data.split()), inside, names))

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces if "head" not in piece.inside and not piece.attribute)

    def attributes(self, tag: str, name: str) -> list[str]:
        return [given[name] for each, given in self.elements if each == tag and name in given]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def unfit(html: str, own: Any = ()) -> list[str]:
    """What a page should not say, with where it says it. Words of the models' own names may be anything."""
    reader = read(html)
    names = " ".join(own)
    found = [f"an empty {name}" for name in reader.empty]
    for piece in reader.pieces:
        found += [f"{hit[0]!r} in {piece.text[:80]!r}" for hit in NEVER.finditer(piece.text)]
        # Literals of an API stand in code, and notes speak of them.
        if "code" in piece.inside or "note" in piece.names:
            continue
        found += [
            f"{hit[0]!r} in {piece.text[:80]!r}"
            for hit in CAPITALS.finditer(piece.text)
            if hit[0] in RAW and hit[0] not in names
        ]
    return found
