"""What a usage costs: usage × rates, in exact decimals. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Context, Decimal, localcontext

from schema import tables
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier
from schema.errors import ClientError
from schema.pricing.rates import METER_ORDER, in_force

EXACT = Context(prec=120)
"""Wide enough for the largest count times the longest amount, so that nothing is rounded."""
PER: Mapping[PriceUnit, int] = {
    PriceUnit.PER_MILLION_TOKENS: 1_000_000,
    PriceUnit.PER_THOUSAND_REQUESTS: 1_000,
    PriceUnit.PER_THOUSAND_SEARCHES: 1_000,
}
"""Units in which a usage can be counted. All are powers of ten, so division is exact."""


WHOLES: Mapping[Meter, Meter] = {
    Meter.CACHE_READ: Meter.INPUT,
    Meter.CACHE_WRITE: Meter.INPUT,
    Meter.INPUT_AUDIO: Meter.INPUT,
    Meter.REASONING: Meter.OUTPUT,
    Meter.OUTPUT_AUDIO: Meter.OUTPUT,
}
"""A meter -> the meter whose tokens it is part of."""
WORDS: Mapping[Meter, str] = {
    Meter.INPUT: "inputTokens",
    Meter.CACHE_READ: "cacheReadTokens",
    Meter.CACHE_WRITE: "cacheWriteTokens",
    Meter.INPUT_AUDIO: "inputAudioTokens",
    Meter.OUTPUT: "outputTokens",
    Meter.REASONING: "reasoningTokens",
    Meter.OUTPUT_AUDIO: "outputAudioTokens",
    Meter.REQUEST: "requests",
    Meter.WEB_SEARCH: "webSearches",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One meter of an estimate."""

    meter: Meter
    quantity: int
    rate: tables.Rate
    amount: Decimal


@dataclass(slots=True)
class Estimate:
    lines: list[Line] = field(default_factory=list[Line])
    unpriced: list[Meter] = field(default_factory=list[Meter])

    @property
    def total(self) -> Decimal | None:
        """The sum of all lines; None if a required rate is unknown."""
        if self.unpriced:
            return None
        with localcontext(EXACT):
            return sum((line.amount for line in self.lines), Decimal(0))


def check(usage: Mapping[Meter, int]) -> None:
    """Raises a ClientError that names the wrong member if the usage is impossible."""
    for meter, quantity in usage.items():
        if quantity < 0:
            raise ClientError(f"{WORDS[meter]} is {quantity}; a usage can't be negative.")
    for whole in (Meter.INPUT, Meter.OUTPUT):
        parts = [meter for meter in WHOLES if WHOLES[meter] is whole and usage.get(meter)]
        together = sum(usage[meter] for meter in parts)
        if together > usage.get(whole, 0):
            names = " and ".join(WORDS[meter] for meter in parts)
            raise ClientError(
                f"{names} add up to {together}, but {WORDS[whole]}, which must include them, is {usage.get(whole, 0)}."
            )


def applicable(
    rates: Iterable[tables.Rate], tier: ServiceTier, moment: datetime, input_tokens: int
) -> dict[Meter, tables.Rate]:
    """The rate of each meter at a moment; empty if the tier has no rates.

    A tier changes the price of the meters it names; the others keep their standard rate. A context size applies to the
    whole request if its input is larger. A rate for a time of day overrides the rate for the whole day.
    """
    day, clock = moment.date(), moment.time()
    by_tier: dict[ServiceTier, dict[Meter, list[tables.Rate]]] = {}
    for rate in rates:
        if in_force(rate, day):
            by_tier.setdefault(rate.service_tier, {}).setdefault(rate.meter, []).append(rate)
    if tier not in by_tier:
        return {}
    by_meter = by_tier.get(ServiceTier.STANDARD, {}) | by_tier[tier]
    found = {meter: _narrowest(some, clock, input_tokens) for meter, some in by_meter.items()}
    return {meter: rate for meter, rate in found.items() if rate is not None}


def _narrowest(rates: Sequence[tables.Rate], clock: time, input_tokens: int) -> tables.Rate | None:
    """The rate for the time of day, if there is one, and for the largest context size below the input."""
    timed = [rate for rate in rates if _within(rate, clock)]
    chosen = timed or [rate for rate in rates if rate.daily_from is None]
    reached = [rate for rate in chosen if rate.min_context_tokens == 0 or input_tokens > rate.min_context_tokens]
    return max(reached, key=lambda rate: rate.min_context_tokens, default=None)


def _within(rate: tables.Rate, clock: time) -> bool:
    start, end = rate.daily_from, rate.daily_to
    if start is None or end is None:
        return False
    return start <= clock < end if start <= end else clock >= start or clock < end


def estimate(rates: Iterable[tables.Rate], usage: Mapping[Meter, int], tier: ServiceTier, moment: datetime) -> Estimate:
    """What a usage costs. A part without a rate of its own is billed as part of its whole."""
    check(usage)
    rate_by_meter = applicable(rates, tier, moment, usage.get(Meter.INPUT, 0))
    answer = Estimate()
    billed = {part: usage.get(part, 0) for part in WHOLES if part in rate_by_meter}
    for whole in (Meter.INPUT, Meter.OUTPUT):
        billed[whole] = usage.get(whole, 0) - sum(billed[part] for part in billed if WHOLES.get(part) is whole)
    if not rate_by_meter and not any(billed.values()):
        # A total of 0 would say that the tier exists. Without any rate it is unknown, even if nothing is used.
        answer.unpriced += [Meter.INPUT, Meter.OUTPUT]
    for meter in sorted(billed, key=METER_ORDER.__getitem__):
        if billed[meter] > 0:
            _bill(answer, rate_by_meter.get(meter), meter, billed[meter])
    # Requests without a rate are free; web searches without a rate are unpriced.
    for meter in (Meter.REQUEST, Meter.WEB_SEARCH):
        if meter in rate_by_meter and usage.get(meter, 0) > 0:
            _bill(answer, rate_by_meter[meter], meter, usage[meter])
        elif meter is Meter.WEB_SEARCH and usage.get(meter, 0) > 0:
            answer.unpriced.append(meter)
    return answer


def _bill(answer: Estimate, rate: tables.Rate | None, meter: Meter, quantity: int) -> None:
    if rate is None or rate.amount is None or rate.unit not in PER:
        answer.unpriced.append(meter)
        return
    free = rate.publication is PricePublication.FREE
    with localcontext(EXACT):
        amount = Decimal(0) if free else rate.amount * quantity / PER[rate.unit]
    answer.lines.append(Line(meter, quantity, rate, amount))
