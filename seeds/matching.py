"""Rules that say which references a source takes to mean a model."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Matcher = Callable[[str], bool]


def matcher(clause: Mapping[str, Any]) -> Matcher:
    """A function that says whether a lower-case reference fits the clause. Raises ValueError on an unknown one."""
    kind, value = next(iter(clause.items()))
    match kind:
        case "equals":
            text = str(value).lower()
            return lambda ref: ref == text
        case "starts_with":
            text = str(value).lower()
            return lambda ref: ref.startswith(text)
        case "ends_with":
            text = str(value).lower()
            return lambda ref: ref.endswith(text)
        case "contains":
            text = str(value).lower()
            return lambda ref: text in ref
        case "regex":
            pattern = re.compile(str(value))
            return lambda ref: pattern.search(ref) is not None
        case "or":
            some = [matcher(each) for each in value]
            return lambda ref: any(fits(ref) for fits in some)
        case "and":
            every = [matcher(each) for each in value]
            return lambda ref: all(fits(ref) for fits in every)
        case _:
            raise ValueError(f"unknown match clause {kind!r}")


def spellings(clause: Mapping[str, Any]) -> Iterator[str]:
    """The references a clause names outright: those it equals, alone or among alternatives."""
    kind, value = next(iter(clause.items()))
    if kind == "equals":
        yield str(value)
    elif kind == "or":
        for each in value:
            yield from spellings(each)
