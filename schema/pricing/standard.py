"""The standard price: what a request costs at the standard tier, at base context, at any time of day. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schema.enums import Meter, PricePublication, ServiceTier
from schema.pricing.rates import Rate, in_force

STANDARD_METERS: Mapping[str, Meter] = {
    "input": Meter.INPUT,
    "output": Meter.OUTPUT,
    "cache_read": Meter.CACHE_READ,
    "cache_write": Meter.CACHE_WRITE,
}
"""Part of the standard price -> the meter whose rate it is."""


@dataclass(frozen=True, slots=True)
class StandardPrice:
    """The standard price on one day."""

    amounts: Mapping[Meter, Decimal]
    publication: PricePublication


def is_base_rate(rate: Rate) -> bool:
    """True for a rate of the standard tier that applies at any context size and time of day."""
    return rate.service_tier is ServiceTier.STANDARD and rate.min_context_tokens == 0 and rate.daily_from is None


def is_standard(rate: Rate) -> bool:
    """True for the rates of the standard price."""
    return is_base_rate(rate) and rate.meter in STANDARD_METERS.values()


def standard_price(rates: Iterable[Rate], day: date) -> StandardPrice:
    base = {rate.meter: rate for rate in rates if is_base_rate(rate) and in_force(rate, day)}
    amounts = {
        meter: rate.amount
        for meter in STANDARD_METERS.values()
        if (rate := base.get(meter)) is not None and rate.amount is not None
    }
    for publication in (PricePublication.PUBLISHED, PricePublication.INCLUDED, PricePublication.FREE):
        if any(rate.publication is publication for rate in base.values()):
            return StandardPrice(amounts, publication)
    return StandardPrice(amounts, PricePublication.NOT_PUBLISHED)
