"""How a model's rates go on when they move: what was in force is kept, with the days this registry saw. Pure.

Sources mostly state today's price alone. The registry adds what it observes: a rate that moved ends on the day it was
seen to, and its successor begins there. What a source says of a rate's past stands over what was observed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

Row = Mapping[str, Any]
"""A rate as `tables.Rate` has it."""
Key = tuple[Any, ...]


def key(rate: Row) -> Key:
    """What a rate is the price of: of two rates with one key, only one is in force at any moment."""
    return rate["service_tier"], rate["meter"], rate["min_context_tokens"], rate["daily_from"], rate["daily_to"]


def worth(rate: Row) -> Key:
    return rate["amount"], rate["publication"], rate["unit"], rate["currency"]


def in_force(rate: Row, day: date) -> bool:
    begin, end = rate["effective_from"], rate["effective_to"]
    return (begin is None or begin <= day) and (end is None or day < end)


def continued(held: Sequence[Row], stated: Sequence[Row], today: date) -> list[dict[str, Any]]:
    """The rates to store: those stated today, with the days observed, and those that were in force before."""
    current = {key(rate): rate for rate in held if in_force(rate, today)}
    past: dict[Key, list[Row]] = defaultdict(list)
    for rate in held:
        if rate["observed"] and rate["effective_to"] is not None and not in_force(rate, today):
            past[key(rate)].append(rate)
    fresh: list[dict[str, Any]] = []
    for rate in stated:
        row = {**rate, "observed": False}
        if in_force(rate, today):
            before = current.pop(key(rate), None)
            ended = _follow(row, before, today)
            if ended is not None:
                past[key(rate)].append(ended)
        fresh.append(row)
    # What is left was in force, and nobody states it any more.
    for name, rate in current.items():
        if not any(name == key(row) and in_force(row, today) for row in fresh):
            past[name] += _ended(rate, today)
    return _in_order(fresh, past)


def _follow(row: dict[str, Any], before: Row | None, today: date) -> Row | None:
    """Gives a stated rate its first day, where no source does. Gives the rate it takes the place of, ended."""
    if before is not None and worth(before) == worth(row):
        if row["effective_from"] is None and before["observed"]:
            row |= {"effective_from": before["effective_from"], "observed": True}
        return None
    if row["effective_from"] is None:
        row |= {"effective_from": today, "observed": True}
    if before is None:
        return None
    return next(iter(_ended(before, row["effective_from"])), None)


def _ended(rate: Row, day: date) -> list[Row]:
    """The rate with its last day; nothing where it would have held for no day at all."""
    begin = rate["effective_from"]
    return [] if begin is not None and begin >= day else [{**rate, "effective_to": day, "observed": True}]


def _in_order(fresh: Sequence[dict[str, Any]], past: Mapping[Key, list[Row]]) -> list[dict[str, Any]]:
    """Every rate in the order stated, the past of each before it; what a source says itself of that past stands."""
    answer: list[dict[str, Any]] = []
    told: dict[Key, list[Row]] = defaultdict(list)
    for row in fresh:
        told[key(row)].append(row)
    left = dict(past)
    for row in fresh:
        answer += _untold(left.pop(key(row), ()), told[key(row)])
        answer.append(row)
    for name, rows in left.items():
        answer += _untold(rows, told[name])
    return [{**row, "position": position} for position, row in enumerate(answer)]


def _untold(rows: Iterable[Row], told: Sequence[Row]) -> list[dict[str, Any]]:
    kept = (row for row in rows if not any(_overlaps(row, each) for each in told))
    return [dict(row) for row in sorted(kept, key=lambda row: row["effective_from"] or date.min)]


def _overlaps(one: Row, other: Row) -> bool:
    begins = max(one["effective_from"] or date.min, other["effective_from"] or date.min)
    return begins < min(one["effective_to"] or date.max, other["effective_to"] or date.max)
