"""The rules in genai-prices that say which references mean a model."""

import re
from collections.abc import Iterator, Sequence

from schema.column_types import is_array, is_object
from seeds.catalogue import Matcher

MAX_DEPTH = 8
"""Rules within rules."""
MAX_PARTS = 1_000
"""Alternatives in one rule."""
MAX_LENGTH = 300
"""Characters of a text or a pattern."""
_REPEAT = re.compile(r"[*+]|\{\d*,")  # a*, a+, a{2,
_REPEATED_GROUP = re.compile(r"\)[*+{]")  # (ab)*, (ab)+, (ab){


def matcher(clause: object, depth: int = 0) -> Matcher:
    """A function that is true for the lower-case references that match. Raises ValueError for an invalid clause."""
    kind, value = _read_clause(clause, depth)
    if not isinstance(value, str):
        parts = [matcher(part, depth + 1) for part in value]
        if kind == "or":
            return lambda ref: any(matches(ref) for matches in parts)
        return lambda ref: all(matches(ref) for matches in parts)
    text = value.lower()
    match kind:
        case "regex":
            pattern = _compile(value)
            return lambda ref: pattern.search(ref) is not None
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


def spellings(clause: object) -> Iterator[str]:
    """The references that a clause spells out: those it equals, alone or among alternatives."""
    kind, value = _read_clause(clause, 0)
    if isinstance(value, str):
        if kind == "equals":
            yield value
    elif kind == "or":
        for part in value:
            yield from spellings(part)


def _read_clause(clause: object, depth: int) -> tuple[str, str | Sequence[object]]:
    """A clause's kind, and its text or its parts. Raises ValueError."""
    if not is_object(clause) or len(clause) != 1:
        raise ValueError("a match clause is not an object with one key")
    ((kind, value),) = clause.items()
    if kind in ("or", "and"):
        if not is_array(value) or len(value) > MAX_PARTS or depth >= MAX_DEPTH:
            raise ValueError(f"a match clause has no list, more than {MAX_PARTS:,} parts, or is nested too deeply")
    elif not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        raise ValueError(f"a match clause has no text of up to {MAX_LENGTH} characters")
    return str(kind), value


def _compile(text: str) -> re.Pattern[str]:
    """A regular expression that is fast on any reference. Raises ValueError."""
    # Repeats within repeats, or many in a row, can take forever to fail.
    if _REPEATED_GROUP.search(text) or len(_REPEAT.findall(text)) > 2:
        raise ValueError("a match clause has an expression with too many repeats")
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError("a match clause is not a valid regular expression") from error
