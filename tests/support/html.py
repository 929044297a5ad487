"""Parses a page into its visible text and links, and finds what should not be visible."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from html.parser import HTMLParser

from schema import enums
from schema.enums import label

VOID_TAGS = {"meta", "link", "input", "br", "img", "hr"}
TEXT_ATTRIBUTES = {"title", "aria-label", "alt", "placeholder", "content"}
"""Attributes with text for readers."""
NEVER = re.compile(
    r"\b(None|null|NaN|nan|undefined|Undefined|Infinity|Decimal|datetime|Traceback|Enum\b\.)\b"
    r"|^(True|False)$|\{\{|\}\}|\{%|<class|&lt;|&amp;|\bobject at 0x|\[\]|\{\}"
)
"""What must not appear on a page: Python values, template syntax, doubly escaped text."""
ENUM_NAMES = {
    name
    for enum in vars(enums).values()
    if isinstance(enum, type) and issubclass(enum, Enum)
    for name in enum.__members__
    if label(name) != name
}
"""Enum members as the API spells them, except those that are also words: PDF, MCP."""
CAPITALS = re.compile(r"(?<![\w./-])[A-Z][A-Z0-9_]+(?![\w./-])")
HEADING_TAGS = {"h1", "h2", "h3", "h4", "legend", "th", "caption", "summary", "dt", "option"}
NEVER_EMPTY = HEADING_TAGS | {"p", "li", "dd", "a", "button", "figcaption", "title", "label"}


@dataclass
class Text:
    """A stretch of text and its ancestors, outermost first."""

    text: str
    ancestors: tuple[str, ...]
    classes: frozenset[str]
    """The classes of all ancestors."""
    is_attribute: bool = False


@dataclass
class ParsedPage(HTMLParser):
    texts: list[Text] = field(default_factory=list[Text])
    links: list[str] = field(default_factory=list[str])
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    empty: list[str] = field(default_factory=list[str])
    """Elements without the text they should have."""
    headings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, dict[str, str], list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        for name in TEXT_ATTRIBUTES & attributes.keys():
            self.texts.append(Text(attributes[name], (tag,), frozenset(), is_attribute=True))
        if tag not in VOID_TAGS:
            self._open.append((tag, attributes, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, attributes, parts = self._open.pop()
            text = " ".join("".join(parts).split())
            if name in HEADING_TAGS:
                self.headings.append((name, text))
            is_named = attributes.get("role") == "status" or attributes.get("aria-label")
            if name in NEVER_EMPTY and not text and not is_named:
                self.empty.append(name)
            if self._open:
                self._open[-1][2].append("".join(parts))
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        self._open[-1][2].append(data)
        ancestors = tuple(name for name, _, _ in self._open)
        if data.strip() and not {"script", "style"} & set(ancestors):
            classes = frozenset(name for _, attributes, _ in self._open for name in attributes.get("class", "").split())
            self.texts.append(Text(" ".join(data.split()), ancestors, classes))

    @property
    def text(self) -> str:
        return " ".join(text.text for text in self.texts if "head" not in text.ancestors and not text.is_attribute)

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attributes[name] for element, attributes in self.elements if element == tag and name in attributes]


def parse_page(html: str) -> ParsedPage:
    page = ParsedPage()
    page.feed(html)
    page.close()
    return page


def raw_values(html: str, allowed: Iterable[str] = ()) -> list[str]:
    """What should not be visible on a page, with its context. Words in `allowed` texts are not reported."""
    page = parse_page(html)
    allowed_text = " ".join(allowed)
    found = [f"an empty {name}" for name in page.empty]
    for text in page.texts:
        found += [f"{match[0]!r} in {text.text[:80]!r}" for match in NEVER.finditer(text.text)]
        # Code elements contain literals of the API, and notes mention them.
        if "code" in text.ancestors or "note" in text.classes:
            continue
        found += [
            f"{match[0]!r} in {text.text[:80]!r}"
            for match in CAPITALS.finditer(text.text)
            if match[0] in ENUM_NAMES and match[0] not in allowed_text
        ]
    return found
