"""The guard: what a feed says now is compared with what it said before, and held back when it looks broken. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seeds.catalogue import Catalogue, ModelClaims, ModelKey


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The shares from which on a change looks like a fault."""

    invalid: float
    """Of a feed's entries, those that fail validation."""
    retired: float
    """Of a feed's models, those that leave it at once."""
    moved: float
    """Of a feed's prices, those that move at once."""


def objection(before: Catalogue | None, after: Catalogue, thresholds: Thresholds) -> str | None:
    """Why what the feed says now is held back; None when nothing speaks against it."""
    for count, of, share, words, setting in (
        (after.left_out, after.entries, thresholds.invalid, "entries fail validation", "INVALID"),
        (*_left(before, after), thresholds.retired, "models would leave it", "RETIRED"),
        (*_moved(before, after), thresholds.moved, "prices would move", "MOVED"),
    ):
        if of and count / of > share:
            return (
                f"{count:,} of {of:,} {words} ({count / of:.0%}, more than MODELMETA_GUARD_{setting}={share:g}). "
                f"If that is right: modelmeta refresh --force {after.source}"
            )
    return None


def _left(before: Catalogue | None, after: Catalogue) -> tuple[int, int]:
    """Models that left, and those there were."""
    old, new = keys(before), keys(after)
    return len(old - new), len(old)


def keys(catalogue: Catalogue | None) -> set[ModelKey]:
    return set() if catalogue is None else {model.key for model in catalogue.models}


def _moved(before: Catalogue | None, after: Catalogue) -> tuple[int, int]:
    """Prices that moved or went, of models that stayed; and the prices these had."""
    if before is None:
        return 0, 0
    fresh = {model.key: dict(prices(model)) for model in after.models}
    moved = total = 0
    for model in before.models:
        if (now := fresh.get(model.key)) is not None:
            for name, price in prices(model):
                total += 1
                moved += now.get(name) != price
    return moved, total


def prices(model: ModelClaims) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """What each price is for, and what it is."""
    for rate in model.rates:
        span = (rate.daily_from, rate.daily_to, rate.effective_from, rate.effective_to)
        yield (rate.service_tier, rate.meter, rate.min_context_tokens, *span), (rate.amount, rate.publication)
