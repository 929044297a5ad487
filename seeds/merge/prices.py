"""Which source's rates hold for a model, and today's standard price among them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from schema.enums import Meter, PricePublication, ServiceTier
from schema.pricing.rates import in_force
from seeds.catalogue import RateClaim

STANDARD_METERS: Mapping[str, Meter] = {
    "price_input": Meter.INPUT,
    "price_output": Meter.OUTPUT,
    "price_cache_read": Meter.CACHE_READ,
    "price_cache_write": Meter.CACHE_WRITE,
}
TIER_ORDER = {tier: index for index, tier in enumerate(ServiceTier)}
METER_ORDER = {meter: index for index, meter in enumerate(Meter)}


class SourcedRate(NamedTuple):
    rate: RateClaim
    source: str


class StandardPrice(NamedTuple):
    """What a request at the standard tier and base context costs on a day."""

    amounts: Mapping[str, Decimal]
    publication: PricePublication


def standard(rates: Iterable[RateClaim], day: date) -> StandardPrice:
    """The everyday price: standard tier, base context, no time-of-day window."""
    base = {
        rate.meter: rate
        for rate in rates
        if rate.service_tier is ServiceTier.STANDARD
        and rate.min_context_tokens == 0
        and rate.daily_from is None
        and in_force(rate, day)
    }
    amounts = {
        name: rate.amount
        for name, meter in STANDARD_METERS.items()
        if (rate := base.get(meter)) is not None and rate.amount is not None
    }
    for publication in (PricePublication.PUBLISHED, PricePublication.INCLUDED, PricePublication.FREE):
        if any(rate.publication is publication for rate in base.values()):
            return StandardPrice(amounts, publication)
    return StandardPrice(amounts, PricePublication.NOT_PUBLISHED)


def choose(stated: Sequence[tuple[str, Sequence[RateClaim]]], day: date) -> list[SourcedRate]:
    """The rates believed, from (source, rates) in order of trust.

    A tier's rates are taken whole from the first source that has them: rates of two lists need not
    belong together. Tiers the first source leaves out come from a later one, provided that it agrees
    on today's standard price: then it is reading the same list.
    """
    lists = [(source, rates) for source, rates in stated if rates]
    if not lists:
        return []
    first_source, first = lists[0]
    chosen = [SourcedRate(rate, first_source) for rate in first]
    ours = standard(first, day)
    for source, rates in lists[1:]:
        theirs = standard(rates, day)
        if not _same_list(ours, theirs):
            continue
        held = {each.rate.service_tier for each in chosen}
        chosen += [SourcedRate(rate, source) for rate in rates if rate.service_tier not in held]
    return sorted(chosen, key=lambda each: order(each.rate))


def _same_list(ours: StandardPrice, theirs: StandardPrice) -> bool:
    names = ("price_input", "price_output")
    return (
        ours.publication is theirs.publication
        and any(name in ours.amounts for name in names)
        and all(ours.amounts.get(name) == theirs.amounts.get(name) for name in names)
    )


def order(rate: RateClaim) -> tuple[object, ...]:
    """Tier, context size, meter, window, time: the order rates are listed in."""
    return (
        TIER_ORDER[rate.service_tier],
        rate.min_context_tokens,
        METER_ORDER[rate.meter],
        str(rate.daily_from or ""),
        str(rate.effective_from or ""),
    )
