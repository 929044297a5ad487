"""The chart of price history: input and output rates over time, as coordinates for an SVG template."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from server.pages.formatting import Data

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28
LEAD = timedelta(days=45)
"""How long before the first change a rate with unknown start is drawn."""


@dataclass(frozen=True, slots=True)
class RatePeriod:
    start: date | None
    end: date | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    meter: str
    path: str
    periods: list[RatePeriod]


@dataclass(frozen=True, slots=True)
class Tick:
    position: float
    text: str


@dataclass(frozen=True, slots=True)
class PriceChart:
    lines: list[Line]
    amount_ticks: list[Tick]
    date_ticks: list[Tick]


def rate_periods(price_history: Iterable[Data], meter: str) -> list[RatePeriod]:
    """The base rates of a meter, oldest first; adjacent periods with the same amount are merged."""
    periods: list[RatePeriod] = []
    for rate in price_history:
        is_base_rate = rate["minContextTokens"] == 0 and rate["dailyWindow"] is None
        if rate["meter"] != meter or not is_base_rate or rate["amount"] is None:
            continue
        start, end = (rate[name] and date.fromisoformat(rate[name]) for name in ("effectiveFrom", "effectiveTo"))
        amount = Decimal(rate["amount"])
        if periods and periods[-1].amount == amount and periods[-1].end == start:
            periods[-1] = RatePeriod(periods[-1].start, end, amount)
        else:
            periods.append(RatePeriod(start, end, amount))
    return periods


def price_chart(price_history: Iterable[Data], today: date) -> PriceChart | None:
    """The chart of a price history, or None if no rate ever changed."""
    rates = list(price_history)
    by_meter = {meter: rate_periods(rates, meter) for meter in ("INPUT", "OUTPUT")}
    all_periods = [period for periods in by_meter.values() for period in periods]
    change_dates = sorted({day for period in all_periods for day in (period.start, period.end) if day})
    if not any(len(periods) > 1 for periods in by_meter.values()) or not change_dates:
        return None
    start_is_unknown = any(period.start is None for period in all_periods)
    first = change_dates[0] - LEAD if start_is_unknown else change_dates[0]
    last = max(today, change_dates[-1] + timedelta(days=7))
    days = max((last - first).days, 1)
    highest = max(period.amount for period in all_periods) or Decimal(1)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / days, 1)

    def y(amount: Decimal) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * float(1 - amount / highest), 1)

    lines: list[Line] = []
    for meter, periods in by_meter.items():
        path, drawn_to = "", None
        for period in periods:
            left, right, height = x(period.start or first), x(period.end or last), y(period.amount)
            # A vertical step if the line continues, a new stroke after a gap.
            path += f"{'V' if drawn_to == left else f'M{left} '}{height}H{right}"
            drawn_to = right
        if path:
            lines.append(Line(meter, path, periods))
    amounts = [highest * half / 2 for half in (0, 1, 2)]
    amount_ticks = [Tick(y(amount), f"{amount.normalize():f}") for amount in amounts]
    return PriceChart(lines, amount_ticks, _date_ticks(first, last, x))


def _date_ticks(first: date, last: date, x: Callable[[date], float]) -> list[Tick]:
    """Four dates, evenly spaced along the axis."""
    days = [first + (last - first) * third / 3 for third in range(4)]
    return [Tick(x(day), f"{day.day} {day:%b %Y}") for day in days]
