"""The price-history chart: steps of input and output rates over time, as numbers an SVG template can draw."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from server.pages.filters import MONTHS

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28
LEAD = timedelta(days=45)
"""How long a rate of unknown beginning is drawn before the first change."""


@dataclass(frozen=True, slots=True)
class Step:
    start: date | None
    end: date | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    meter: str
    path: str
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Mark:
    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    lines: list[Line]
    amounts: list[Mark]
    days: list[Mark]


def steps(history: Iterable[Mapping[str, Any]], meter: str) -> list[Step]:
    """A meter's base rates, oldest first; equal neighbours are one."""
    found: list[Step] = []
    for rate in history:
        base = rate["minContextTokens"] == 0 and rate["dailyWindow"] is None
        if rate["meter"] != meter or not base or rate["amount"] is None:
            continue
        start, end = (rate[name] and date.fromisoformat(rate[name]) for name in ("effectiveFrom", "effectiveTo"))
        amount = Decimal(rate["amount"])
        if found and found[-1].amount == amount and found[-1].end == start:
            found[-1] = Step(found[-1].start, end, amount)
        else:
            found.append(Step(start, end, amount))
    return found


def chart(history: Iterable[Mapping[str, Any]], today: date) -> Chart | None:
    """The chart of a history; none where no rate ever changed."""
    rates = list(history)
    by_meter = {meter: steps(rates, meter) for meter in ("INPUT", "OUTPUT")}
    turns = sorted({day for some in by_meter.values() for step in some for day in (step.start, step.end) if day})
    if not any(len(some) > 1 for some in by_meter.values()) or not turns:
        return None
    opens = any(step.start is None for some in by_meter.values() for step in some)
    first = turns[0] - LEAD if opens else turns[0]
    last = max(today, turns[-1] + timedelta(days=7))
    span = max((last - first).days, 1)
    top = max(step.amount for some in by_meter.values() for step in some) or Decimal(1)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span, 1)

    def y(amount: Decimal) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * float(1 - amount / top), 1)

    lines: list[Line] = []
    for meter, some in by_meter.items():
        path, at = "", None
        for step in some:
            left, right, height = x(step.start or first), x(step.end or last), y(step.amount)
            path += f"{'V' if at == left else f'M{left} '}{height}H{right}"
            at = right
        if path:
            lines.append(Line(meter, path, some))
    amounts = [Mark(y(top * part / 2), f"{(top * part / 2).normalize():f}") for part in (0, 1, 2)]
    return Chart(lines, amounts, _days(first, last, x))


def _days(first: date, last: date, x: Callable[[date], float]) -> list[Mark]:
    """Four days along the axis, evenly."""
    days = [first + (last - first) * place / 3 for place in range(4)]
    return [Mark(x(day), f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}") for day in days]
