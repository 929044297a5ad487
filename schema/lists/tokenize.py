"""How text becomes search terms, the same for stored text and for queries."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

LONGEST = 40
"""Characters of a term; longer runs are cut."""
MOST_ASKED = 12
"""Terms of a query that are used; the rest are ignored."""

_RUN = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)*[a-z]*", re.ASCII)
"""qwen2.5 -> qwen, 2.5"""
_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+[a-z]*)*", re.ASCII)
"""openai/gpt-4.1-mini -> openai, gpt, 4.1, mini"""
_VERSION = re.compile(r"(v?)(([0-9]+(?:\.[0-9]+)*?)(?:\.0)*)", re.ASCII)
"""v4.0 -> the prefix v, the number 4.0, the number without zeros 4"""
_LETTER_AND_NUMBER = re.compile(r"[a-z][0-9]+(?:\.[0-9]+)*[a-z]?", re.ASCII)
"""o3, k2.6, o4b"""


def folded(text: str) -> str:
    """Lower case, without accents, widths and other marks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def terms(text: str) -> list[str]:
    """The terms of a text, in order: letters and numbers are split, except in sizes (70b) and short names (o3)."""
    found: list[str] = []
    for word in _WORD.findall(folded(text)):
        if _LETTER_AND_NUMBER.fullmatch(word):
            found.append(word[:LONGEST])
        else:
            found += [run[:LONGEST] for run in _RUN.findall(word)]
    return found


def indexed(text: str) -> Iterator[str]:
    """The terms a text is found under: its own, and those of other ways to write its numbers and compounds."""
    own = terms(text)
    yield from own
    for term in own:
        # v4.0 is also asked for as v4, 4.0 and 4.
        if found := _VERSION.fullmatch(term):
            yield from {found[2], f"{found[1]}{found[3]}", found[3]}
    for left, right in pairwise(own):
        # claude-3-5-sonnet is also asked for as 3.5, gpt-4-1 as 4.1.
        if left.isdigit() and right.isdigit() and len(left) <= 2 and len(right) <= 2:
            yield f"{left}.{right}"
        # mistralai and mistral ai, deepseek and deep seek.
        elif left.isalpha() and right.isalpha() and len(left) + len(right) <= 16:
            yield left + right


def asked(text: str) -> list[str]:
    """The terms of a query, each once, in order."""
    return list(dict.fromkeys(terms(text[:2_000])))[:MOST_ASKED]


def weighted(fields: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    """Term -> the highest weight of the fields it occurs in."""
    found: dict[str, int] = {}
    for text, weight in fields:
        for term in indexed(text or ""):
            found[term] = max(weight, found.get(term, 0))
    return found
