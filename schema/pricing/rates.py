"""What applies to every rate: whether it is in force, what it is the price of, its order and its name. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Protocol

from schema.column_types import plain
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier

TIER_ORDER = {tier: index for index, tier in enumerate(ServiceTier)}
METER_ORDER = {meter: index for index, meter in enumerate(Meter)}
USUAL_UNITS: Mapping[Meter, PriceUnit] = dict.fromkeys(Meter, PriceUnit.PER_MILLION_TOKENS) | {
    Meter.REQUEST: PriceUnit.PER_THOUSAND_REQUESTS,
    Meter.INPUT_MESSAGE: PriceUnit.PER_THOUSAND_MESSAGES,
    Meter.INPUT_CHARACTERS: PriceUnit.PER_MILLION_CHARACTERS,
    Meter.AUDIO_TIME: PriceUnit.PER_HOUR,
    Meter.INPUT_AUDIO_TIME: PriceUnit.PER_HOUR,
    Meter.OUTPUT_AUDIO_TIME: PriceUnit.PER_HOUR,
    Meter.INPUT_PIXELS: PriceUnit.PER_BILLION_PIXELS,
    Meter.DOCUMENT_PAGE: PriceUnit.PER_THOUSAND_PAGES,
    Meter.ANNOTATED_DOCUMENT_PAGE: PriceUnit.PER_THOUSAND_PAGES,
    Meter.RERANK_SEARCH: PriceUnit.PER_THOUSAND_SEARCHES,
    Meter.WEB_SEARCH: PriceUnit.PER_THOUSAND_SEARCHES,
    Meter.SOCIAL_SEARCH: PriceUnit.PER_THOUSAND_SEARCHES,
    Meter.FILE_SEARCH: PriceUnit.PER_THOUSAND_SEARCHES,
    Meter.CODE_EXECUTION: PriceUnit.PER_THOUSAND_EXECUTIONS,
}
"""The unit each meter is usually priced in."""


class Dated(Protocol):
    """Something that is in force from one day until another."""

    @property
    def effective_from(self) -> date | None: ...
    @property
    def effective_to(self) -> date | None: ...


class Rate(Dated, Protocol):
    """A rate, whether a source claims it or a table holds it."""

    @property
    def service_tier(self) -> ServiceTier: ...
    @property
    def meter(self) -> Meter: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def unit(self) -> PriceUnit: ...
    @property
    def publication(self) -> PricePublication: ...
    @property
    def min_context_tokens(self) -> int: ...
    @property
    def daily_from(self) -> time | None: ...
    @property
    def daily_to(self) -> time | None: ...


RateKey = tuple[ServiceTier, Meter, int, time | None, time | None]


def in_force(rate: Dated, day: date) -> bool:
    """True if the rate applies on the day. `effective_to` is the first day it no longer applies."""
    return (rate.effective_from is None or rate.effective_from <= day) and (
        rate.effective_to is None or day < rate.effective_to
    )


def rate_key(rate: Rate) -> RateKey:
    """What the rate is the price of. Of the rates with one key, only one is in force on any day."""
    return rate.service_tier, rate.meter, rate.min_context_tokens, rate.daily_from, rate.daily_to


def rate_order(rate: Rate) -> tuple[int, int, int, str, str]:
    """Sort key for the rates of a model: tier, context size, meter, time of day, first day.

    BATCH OUTPUT over 200,000 tokens from 2026-05-01 -> (1, 200000, 1, "", "2026-05-01")
    """
    return (
        TIER_ORDER[rate.service_tier],
        rate.min_context_tokens,
        METER_ORDER[rate.meter],
        str(rate.daily_from or ""),
        str(rate.effective_from or ""),
    )


def rate_field(tier: ServiceTier, meter: Meter, min_context_tokens: int = 0, daily_from: time | None = None) -> str:
    """The name of a rate in facts and changes.

    prices.STANDARD.INPUT, prices.STANDARD.INPUT.over200000 for long context, prices.BATCH.INPUT.from01:00 for a time of
    day.
    """
    name = f"prices.{tier.name}.{meter.name}"
    if min_context_tokens:
        name += f".over{min_context_tokens}"
    if daily_from:
        name += f".from{daily_from:%H:%M}"
    return name


def rate_values(rates: Iterable[Rate], day: date) -> dict[str, str]:
    """Name of each rate in force on the day -> its amount, or its publication if it has no amount."""
    return {
        rate_field(rate.service_tier, rate.meter, rate.min_context_tokens, rate.daily_from): (
            rate.publication.name if rate.amount is None else plain(rate.amount)
        )
        for rate in rates
        if in_force(rate, day)
    }
