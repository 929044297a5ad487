"""Prices: every known rate, the standard price, and price cards."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import strawberry
from strawberry import UNSET, auto

from schema import dataloaders, tables
from schema.declarations import column, edge, field, of
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier
from schema.lists.filters import PriceFilter, given
from schema.pricing.rates import in_force
from schema.types.source import Source


@strawberry.type(description="A part of every day, in UTC, in which a rate is in force. It may span midnight.")
class DailyWindow:
    start: str = strawberry.field(description="Time of day from which the rate is in force, HH:MM.")
    end: str = strawberry.field(description="Time of day at which the rate ends, HH:MM.")


@of(tables.Rate)
class Price:
    service_tier: auto
    meter: auto
    amount: auto
    publication: auto
    currency: auto
    unit: auto
    min_context_tokens: auto
    effective_from: auto
    effective_to: auto
    source = edge(Source, dataloaders.sources, by="source_slug", description="The source that states the rate.")

    @field()
    @staticmethod
    def daily_window(rate: tables.Rate) -> DailyWindow | None:
        """Times of day at which the rate is in force; null for the whole day."""
        if rate.daily_from is None or rate.daily_to is None:
            return None
        return DailyWindow(start=f"{rate.daily_from:%H:%M}", end=f"{rate.daily_to:%H:%M}")


@of(
    tables.Model,
    description="The current price at the standard service tier and the base context size, in USD per 1M tokens.",
)
class StandardPrice:
    price_input: auto = column(name="input")
    price_output: auto = column(name="output")
    price_cache_read: auto = column(name="cacheRead")
    price_cache_write: auto = column(name="cacheWrite")
    price_publication: auto = column(name="publication")


@strawberry.type(description="One line of a price list.")
class PriceCard:
    label: str = column('Heading: "Standard API", "Cached input", "Batch".')
    service_tier: ServiceTier = column("The service tier it applies to.")
    input: Decimal | None = column("Price of one unit of input in USD; null if unknown.")
    output: Decimal | None = column("Price of one unit of output in USD; null if unknown.")
    unit: PriceUnit = column("The unit of the prices.")
    publication: PricePublication = column("Whether the price is known.")
    note: str = column("What the price applies to, in a sentence.")


def select(rates: Iterable[tables.Rate], filter: PriceFilter | None, day: date | None = None) -> list[tables.Rate]:
    """The rates that match the filter and, given a day, are in force on it. Raises a ClientError for a long list."""
    wanted = {} if filter is None or filter is UNSET else {member.name: values for member, values in given(filter)}
    return [
        rate
        for rate in rates
        if (day is None or in_force(rate, day))
        and rate.service_tier in wanted.get("service_tiers", ServiceTier)
        and rate.meter in wanted.get("meters", Meter)
        and rate.publication in wanted.get("publication", PricePublication)
    ]
