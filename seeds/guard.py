"""The guard: compares a feed with what it said before, and holds it back if it looks broken. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schema.enums import PricePublication
from schema.pricing.rates import RateKey, rate_key
from seeds.catalogue import Catalogue, ModelClaims


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The shares above which a change looks like a fault."""

    invalid: float
    """Share of a feed's entries that fail validation."""
    retired: float
    """Share of a feed's models that leave it at once."""
    moved: float
    """Share of a feed's prices that change at once."""


def objection(before: Catalogue | None, after: Catalogue, thresholds: Thresholds) -> str | None:
    """Why the feed is held back; None if it is not."""
    before = before or Catalogue(after.source)
    for count, of, share, words, setting in (
        (after.left_out, after.entries, thresholds.invalid, "entries fail validation", "INVALID"),
        (*_left(before, after), thresholds.retired, "models would be removed", "RETIRED"),
        (*_changed(before, after), thresholds.moved, "prices would change", "MOVED"),
    ):
        if of and count / of > share:
            return (
                f"{count:,} of {of:,} {words} ({count / of:.0%}, more than MODELMETA_GUARD_{setting}={share:g}). "
                f"If this is expected, run: modelmeta refresh --force {after.source}"
            )
    return None


def _left(before: Catalogue, after: Catalogue) -> tuple[int, int]:
    """Number of models that were removed, and of all models before."""
    old, new = ({model.key for model in catalogue.models} for catalogue in (before, after))
    return len(old - new), len(old)


def _changed(before: Catalogue, after: Catalogue) -> tuple[int, int]:
    """Number of prices that changed or were removed, and of all prices before. Only models that stay count."""
    prices_after = {model.key: dict(prices(model)) for model in after.models}
    changed = total = 0
    for model in before.models:
        if (now := prices_after.get(model.key)) is not None:
            for key, price in prices(model):
                total += 1
                changed += now.get(key) != price
    return changed, total


PriceKey = tuple[RateKey, date | None, date | None]
Price = tuple[Decimal | None, PricePublication]


def prices(model: ModelClaims) -> Iterator[tuple[PriceKey, Price]]:
    """What each price is for, and the price."""
    for rate in model.rates:
        yield (rate_key(rate), rate.effective_from, rate.effective_to), (rate.amount, rate.publication)
