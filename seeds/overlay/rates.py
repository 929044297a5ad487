"""The prices in an operator's overlay, and the rates they come to. A zero has to say what it means."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

from schema.enums import Meter, PricePublication
from schema.pricing.rates import USUAL_UNITS
from seeds.catalogue import RateClaim
from seeds.overlay.positions import Place
from seeds.overlay.shape import ModelShape, RateShape

SHORTHAND = {
    "input": Meter.INPUT,
    "output": Meter.OUTPUT,
    "cache_read": Meter.CACHE_READ,
    "cache_write": Meter.CACHE_WRITE,
}
FREE, PUBLISHED = PricePublication.FREE, PricePublication.PUBLISHED
Mistake = Callable[[Place, str], ValueError]


def rates(mistake: Mistake, place: Place, shape: ModelShape) -> list[RateClaim]:
    """The rates of a model's `price` and `rates`. Raises what `mistake` makes of a place and a message."""
    found: list[RateClaim] = []
    stated = [*_shorthand(mistake, (*place, "price"), shape)]
    stated += [_rate(mistake, (*place, "rates", index), rate) for index, rate in enumerate(shape.rates)]
    for where, rate in stated:
        if any(_collide(rate, other) for other in found):
            raise mistake(
                where,
                f"{rate.service_tier.name} {rate.meter.name} has another rate for the same time and context size. "
                "Keep one of them, or set effective_from and effective_to so that one follows the other.",
            )
        found.append(rate)
    return found


def _collide(one: RateClaim, other: RateClaim) -> bool:
    def same(rate: RateClaim) -> tuple[object, ...]:
        return rate.service_tier, rate.meter, rate.min_context_tokens, rate.daily_from, rate.daily_to

    return (
        same(one) == same(other)
        and (one.effective_from or date.min) < (other.effective_to or date.max)
        and (other.effective_from or date.min) < (one.effective_to or date.max)
    )


def _shorthand(mistake: Mistake, place: Place, shape: ModelShape) -> Iterator[tuple[Place, RateClaim]]:
    """The rates a `price` table stands for: standard tier, per million tokens."""
    price = shape.price
    if price is None:
        return
    given = [name for name in SHORTHAND if getattr(price, name) is not None]
    if not given and price.publication in (None, PUBLISHED):
        raise mistake(place, "it holds no amount. Give input, output, cache_read or cache_write.")
    for name in given or ("input", "output"):
        where = (*place, name)
        amount, publication = _stated(mistake, where, getattr(price, name), price.publication)
        yield where, RateClaim(SHORTHAND[name], amount, publication=publication)


def _rate(mistake: Mistake, place: Place, shape: RateShape) -> tuple[Place, RateClaim]:
    if (shape.daily_from is None) != (shape.daily_to is None) or (
        shape.daily_from and shape.daily_from == shape.daily_to
    ):
        name = "daily_from" if shape.daily_from else "daily_to"
        raise mistake((*place, name), "a stretch of the day needs two different ends, daily_from and daily_to.")
    since, until = shape.effective_from, shape.effective_to
    if since and until and since >= until:
        raise mistake(
            (*place, "effective_to"),
            f"{until} is the first day the rate no longer holds; it has to come after {since}.",
        )
    amount, publication = _stated(mistake, (*place, "amount"), shape.amount, shape.publication)
    return place, RateClaim(
        shape.meter,
        amount,
        shape.unit or USUAL_UNITS[shape.meter],
        shape.service_tier,
        publication,
        shape.min_context_tokens,
        shape.daily_from,
        shape.daily_to,
        since,
        until,
    )


def _stated(
    mistake: Mistake, place: Place, amount: Decimal | None, publication: PricePublication | None
) -> tuple[Decimal | None, PricePublication]:
    """Amount and publication, once they fit together. A zero has to say what it means."""
    meant = publication or PUBLISHED
    if meant is FREE:
        if amount:
            raise mistake(place, f'{amount} is a price, and publication = "FREE" says there is none.')
        return Decimal(0), meant
    if meant is PUBLISHED:
        if amount is None:
            raise mistake(place, 'it is missing. Only publication = "FREE" or "INCLUDED" needs no amount.')
        if amount == 0:
            raise mistake(
                place,
                '0 can mean several things. Write publication = "FREE" for no charge, "INCLUDED" without an amount '
                "for part of a subscription, or leave out what the model has no meter for.",
            )
    elif amount is not None:
        raise mistake(place, f'publication = "{meant.name}" goes without an amount. Leave one of them out.')
    return amount, meant
