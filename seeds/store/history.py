"""Continues the history of a model's rates: old rates are kept, with the days this registry saw them. Pure.

Most sources state only today's price. The registry adds what it observes: a rate that changes ends on the day the
registry sees the change, and the new rate starts on that day. What a source states about past prices overrides what
was observed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from schema.enums import PricePublication, PriceUnit
from schema.pricing.rates import RateKey, in_force, rate_key
from seeds.merge.claims import MergedRate


def continue_history(stored: Sequence[MergedRate], stated: Sequence[MergedRate], today: date) -> list[MergedRate]:
    """The rates to store: those stated today, with the days observed, and those in force before."""
    current = {rate_key(rate): rate for rate in stored if in_force(rate, today)}
    past: dict[RateKey, list[MergedRate]] = defaultdict(list)
    for rate in stored:
        if rate.observed and rate.effective_to is not None and not in_force(rate, today):
            past[rate_key(rate)].append(rate)
    new: list[MergedRate] = []
    for rate in stated:
        if in_force(rate, today):
            before = current.pop(rate_key(rate), None)
            rate = _start(rate, before, today)
            if before is not None and rate.effective_from is not None and _price(before) != _price(rate):
                past[rate_key(rate)] += _end(before, rate.effective_from)
        new.append(rate)
    # The rates left were in force, and no source states them any more.
    in_force_now = {rate_key(rate) for rate in new if in_force(rate, today)}
    for key, rate in current.items():
        if key not in in_force_now:
            past[key] += _end(rate, today)
    return _in_order(new, past)


def _price(rate: MergedRate) -> tuple[Decimal | None, PricePublication, PriceUnit, str]:
    return rate.amount, rate.publication, rate.unit, rate.currency


def _start(rate: MergedRate, before: MergedRate | None, today: date) -> MergedRate:
    """The stated rate, with the day it was first observed if no source states its first day."""
    if rate.effective_from is not None:
        return rate
    if before is None or _price(before) != _price(rate):
        return replace(rate, effective_from=today, observed=True)
    return replace(rate, effective_from=before.effective_from, observed=True) if before.observed else rate


def _end(rate: MergedRate, day: date) -> list[MergedRate]:
    """The rate with its last day; nothing if it would not have been in force on any day."""
    if rate.effective_from is not None and rate.effective_from >= day:
        return []
    return [replace(rate, effective_to=day, observed=True)]


def _in_order(new: Sequence[MergedRate], past: Mapping[RateKey, list[MergedRate]]) -> list[MergedRate]:
    """All rates in the order stated, each after its past. What a source states about the past overrides it."""
    stated: dict[RateKey, list[MergedRate]] = defaultdict(list)
    for rate in new:
        stated[rate_key(rate)].append(rate)
    ordered: list[MergedRate] = []
    left = dict(past)
    for rate in new:
        key = rate_key(rate)
        ordered += _not_stated(left.pop(key, ()), stated[key])
        ordered.append(rate)
    for key, rates in left.items():
        ordered += _not_stated(rates, stated[key])
    return [replace(rate, position=position) for position, rate in enumerate(ordered)]


def _not_stated(rates: Iterable[MergedRate], stated: Sequence[MergedRate]) -> list[MergedRate]:
    kept = (rate for rate in rates if not any(_overlap(rate, other) for other in stated))
    return sorted(kept, key=lambda rate: rate.effective_from or date.min)


def _overlap(one: MergedRate, other: MergedRate) -> bool:
    start = max(one.effective_from or date.min, other.effective_from or date.min)
    return start < min(one.effective_to or date.max, other.effective_to or date.max)
