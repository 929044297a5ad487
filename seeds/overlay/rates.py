"""The rates that the prices in an operator's overlay stand for. A price of 0 must say what it means."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from schema.enums import PricePublication
from schema.pricing.rates import USUAL_UNITS, rate_key
from schema.pricing.standard import STANDARD_METERS
from seeds.catalogue import RateClaim
from seeds.overlay.shape import EntryError, KeyPath, ModelShape, RateShape

FREE, PUBLISHED = PricePublication.FREE, PricePublication.PUBLISHED


def rates(path: KeyPath, shape: ModelShape) -> list[RateClaim]:
    """The rates of a model's `price` and `rates`. Raises EntryError."""
    found: list[RateClaim] = []
    rates_by_path = [*_shorthand((*path, "price"), shape)]
    rates_by_path += [_rate((*path, "rates", index), rate) for index, rate in enumerate(shape.rates)]
    for where, rate in rates_by_path:
        if any(_collide(rate, other) for other in found):
            raise EntryError(
                where,
                f"{rate.service_tier.name} {rate.meter.name} has another rate for the same time and context size. "
                "Keep one of them, or set effective_from and effective_to so that one follows the other.",
            )
        found.append(rate)
    return found


def _collide(one: RateClaim, other: RateClaim) -> bool:
    return (
        rate_key(one) == rate_key(other)
        and (one.effective_from or date.min) < (other.effective_to or date.max)
        and (other.effective_from or date.min) < (one.effective_to or date.max)
    )


def _shorthand(path: KeyPath, shape: ModelShape) -> Iterator[tuple[KeyPath, RateClaim]]:
    """The rates of a `price` table: standard tier, per million tokens."""
    price = shape.price
    if price is None:
        return
    given = [name for name in STANDARD_METERS if getattr(price, name) is not None]
    if not given and price.publication in (None, PUBLISHED):
        raise EntryError(path, "it has no amount. Set input, output, cache_read or cache_write.")
    for name in given or ("input", "output"):
        where = (*path, name)
        amount, publication = _stated(where, getattr(price, name), price.publication)
        yield where, RateClaim(STANDARD_METERS[name], amount, publication=publication)


def _rate(path: KeyPath, shape: RateShape) -> tuple[KeyPath, RateClaim]:
    if (shape.daily_from is None) != (shape.daily_to is None) or (
        shape.daily_from and shape.daily_from == shape.daily_to
    ):
        name = "daily_from" if shape.daily_from else "daily_to"
        raise EntryError((*path, name), "a daily window needs both daily_from and daily_to, and they must differ.")
    since, until = shape.effective_from, shape.effective_to
    if since and until and since >= until:
        raise EntryError(
            (*path, "effective_to"),
            f"{until} is the first day the rate no longer applies. It must be after effective_from, {since}.",
        )
    amount, publication = _stated((*path, "amount"), shape.amount, shape.publication)
    unit = shape.unit or USUAL_UNITS[shape.meter]
    return path, replace(RateClaim(**dict(shape)), amount=amount, unit=unit, publication=publication)


def _stated(
    path: KeyPath, amount: Decimal | None, publication: PricePublication | None
) -> tuple[Decimal | None, PricePublication]:
    """The amount and the publication, if they fit together."""
    meant = publication or PUBLISHED
    if meant is FREE:
        if amount:
            raise EntryError(
                path, f'publication = "FREE" means no charge, but the amount is {amount}. Remove one of them.'
            )
        return Decimal(0), meant
    if meant is PUBLISHED:
        if amount is None:
            raise EntryError(path, 'this key is required, unless publication is "FREE", "INCLUDED" or "NOT_PUBLISHED".')
        if amount == 0:
            message = (
                '0 is ambiguous. Write publication = "FREE" for no charge, "INCLUDED" without an amount if a '
                "subscription covers it, or leave it out if the model does not have this meter."
            )
            raise EntryError(path, message)
    elif amount is not None:
        raise EntryError(path, f'publication = "{meant.name}" does not allow an amount. Remove one of them.')
    return amount, meant
