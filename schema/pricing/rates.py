"""Which rates are in force, and how facts and changes name them. Pure."""

from datetime import date, time
from typing import Protocol

from schema.enums import Meter, ServiceTier


class Dated(Protocol):
    """A rate of a table or of a source's claim: in force from one day until another."""

    @property
    def effective_from(self) -> date | None: ...
    @property
    def effective_to(self) -> date | None: ...


def in_force(rate: Dated, day: date) -> bool:
    """Whether a rate applies on a day. `effective_to` is the first day it no longer applies."""
    return (rate.effective_from is None or rate.effective_from <= day) and (
        rate.effective_to is None or day < rate.effective_to
    )


def rate_field(tier: ServiceTier, meter: Meter, min_context_tokens: int = 0, daily_from: time | None = None) -> str:
    """prices.STANDARD.INPUT; .over200000 for long context and .from01:00 for a time of day."""
    name = f"prices.{tier.name}.{meter.name}"
    if min_context_tokens:
        name += f".over{min_context_tokens}"
    if daily_from:
        name += f".from{daily_from:%H:%M}"
    return name
