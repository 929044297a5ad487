"""Rules that say which references a source takes to mean a model."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from schema.column_types import is_array, is_object

Matcher = Callable[[str], bool]
DEEPEST = 8
"""Rules within rules."""
MOST = 1_000
"""Alternatives in one rule."""
LONGEST = 300
"""Characters of a text or a pattern."""
_REPEAT = re.compile(r"[*+]|\{\d*,")
_REPEATED_GROUP = re.compile(r"\)[*+{]")


def matcher(clause: Any, depth: int = 0) -> Matcher:
    """A function that says whether a lower-case reference fits the clause. Raises ValueError on one that is no rule."""
    kind, value = _read(clause, depth)
    if kind in ("or", "and"):
        parts = [matcher(each, depth + 1) for each in value]
        if kind == "or":
            return lambda ref: any(fits(ref) for fits in parts)
        return lambda ref: all(fits(ref) for fits in parts)
    if kind == "regex":
        pattern = _pattern(value)
        return lambda ref: pattern.search(ref) is not None
    text: str = value.lower()
    match kind:
        case "equals":
            return lambda ref: ref == text
        case "starts_with":
            return lambda ref: ref.startswith(text)
        case "ends_with":
            return lambda ref: ref.endswith(text)
        case "contains":
            return lambda ref: text in ref
        case _:
            raise ValueError(f"unknown match clause {kind[:30]!r}")


def spellings(clause: Any) -> Iterator[str]:
    """The references a clause names outright: those it equals, alone or among alternatives."""
    kind, value = _read(clause, 0)
    if kind == "equals":
        yield value
    elif kind == "or":
        for each in value:
            yield from spellings(each)


def _read(clause: Any, depth: int) -> tuple[str, Any]:
    """A clause's kind, and its text or list. Raises ValueError."""
    if not is_object(clause) or len(clause) != 1:
        raise ValueError("a match clause is no object with one key")
    ((kind, value),) = clause.items()
    if kind in ("or", "and"):
        if not is_array(value) or len(value) > MOST or depth >= DEEPEST:
            raise ValueError(f"a match clause has no list, more than {MOST:,} parts, or too many within each other")
    elif not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise ValueError(f"a match clause has no text of up to {LONGEST} characters")
    return str(kind), value


def _pattern(text: str) -> re.Pattern[str]:
    """A regular expression that takes no more than a moment on any reference. Raises ValueError."""
    # Repeats within repeats, and many in a row, can take for ever to fail.
    if _REPEATED_GROUP.search(text) or len(_REPEAT.findall(text)) > 2:
        raise ValueError("a match clause has an expression with too many repeats")
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError("a match clause has no regular expression") from error
