"""How genai-prices writes prices, and the rates they come to: by tier, context size, time of day and date."""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from schema.enums import Meter, PriceUnit, ServiceTier
from seeds.catalogue import RateClaim
from seeds.feeds.shapes import Amount, Count

TOKENS = PriceUnit.PER_MILLION_TOKENS
SEARCHES = PriceUnit.PER_THOUSAND_SEARCHES
METERS: dict[str, tuple[Meter, PriceUnit]] = {
    "input_mtok": (Meter.INPUT, TOKENS),
    "output_mtok": (Meter.OUTPUT, TOKENS),
    "cache_read_mtok": (Meter.CACHE_READ, TOKENS),
    "cache_write_mtok": (Meter.CACHE_WRITE, TOKENS),
    "cache_write_1h_mtok": (Meter.CACHE_WRITE_1H, TOKENS),
    "output_reasoning_mtok": (Meter.REASONING, TOKENS),
    "output_citation_mtok": (Meter.CITATION, TOKENS),
    "input_audio_mtok": (Meter.INPUT_AUDIO, TOKENS),
    "output_audio_mtok": (Meter.OUTPUT_AUDIO, TOKENS),
    "cache_audio_read_mtok": (Meter.CACHE_READ_AUDIO, TOKENS),
    "input_image_mtok": (Meter.INPUT_IMAGE, TOKENS),
    "output_image_mtok": (Meter.OUTPUT_IMAGE, TOKENS),
    "cache_image_read_mtok": (Meter.CACHE_READ_IMAGE, TOKENS),
    "input_video_mtok": (Meter.INPUT_VIDEO, TOKENS),
    "output_video_mtok": (Meter.OUTPUT_VIDEO, TOKENS),
    "requests_kcount": (Meter.REQUEST, PriceUnit.PER_THOUSAND_REQUESTS),
    "input_text_messages_kcount": (Meter.INPUT_MESSAGE, PriceUnit.PER_THOUSAND_MESSAGES),
    "input_mchars": (Meter.INPUT_CHARACTERS, PriceUnit.PER_MILLION_CHARACTERS),
    "audio_hours": (Meter.AUDIO_TIME, PriceUnit.PER_HOUR),
    "input_audio_hours": (Meter.INPUT_AUDIO_TIME, PriceUnit.PER_HOUR),
    "output_audio_hours": (Meter.OUTPUT_AUDIO_TIME, PriceUnit.PER_HOUR),
    "input_gpixels": (Meter.INPUT_PIXELS, PriceUnit.PER_BILLION_PIXELS),
    "input_document_kpages": (Meter.DOCUMENT_PAGE, PriceUnit.PER_THOUSAND_PAGES),
    "input_annotated_document_kpages": (Meter.ANNOTATED_DOCUMENT_PAGE, PriceUnit.PER_THOUSAND_PAGES),
    "rerank_searches_kcount": (Meter.RERANK_SEARCH, SEARCHES),
    "web_searches_kcount": (Meter.WEB_SEARCH, SEARCHES),
    "social_searches_kcount": (Meter.SOCIAL_SEARCH, SEARCHES),
    "storage_searches_kcount": (Meter.FILE_SEARCH, SEARCHES),
    "code_executions_kcount": (Meter.CODE_EXECUTION, PriceUnit.PER_THOUSAND_EXECUTIONS),
}
TIERS: dict[tuple[str, str], ServiceTier] = {
    ("processing", "batch"): ServiceTier.BATCH,
    ("service_tier", "batch"): ServiceTier.BATCH,
    ("service_tier", "flex"): ServiceTier.FLEX,
    ("service_tier", "priority"): ServiceTier.PRIORITY,
    ("service_tier", "fast"): ServiceTier.FAST,
    ("speed", "fast"): ServiceTier.FAST,
}
"""Which request context means which tier. Others (a route, a kind of search) have no tier of ours and are left out."""


class TierShape(BaseModel):
    start: Count
    price: Amount


class TieredShape(BaseModel):
    base: Amount
    tiers: list[TierShape] = Field(max_length=100)


PricesShape = Annotated[dict[str, Amount | TieredShape | None], Field(max_length=100)]


class ConstraintShape(BaseModel):
    start_date: date | None = None
    start_time: time | None = None
    end_time: time | None = None


class ConditionalShape(BaseModel):
    constraint: ConstraintShape | None = None
    prices: PricesShape

    @property
    def since(self) -> date | None:
        return self.constraint.start_date if self.constraint else None

    @property
    def window(self) -> tuple[time, time] | None:
        found = self.constraint
        if found is None or found.start_time is None or found.end_time is None:
            return None
        return _utc(found.start_time), _utc(found.end_time)


class VariantShape(ConditionalShape):
    when: dict[str, str]


def _utc(value: time) -> time:
    """A time of day in UTC. One without an offset is UTC already."""
    if value.tzinfo is None:
        return value
    return datetime.combine(date(1970, 1, 1), value).astimezone(UTC).time()


Key = tuple[Meter, PriceUnit, int]
"""Meter, unit and context size: what one amount is the price of."""


def amounts(prices: PricesShape) -> dict[Key, Decimal]:
    """Flat amounts of one set of prices. Unknown price keys are left to `unknown_keys`."""
    found: dict[Key, Decimal] = {}
    for key, price in prices.items():
        if price is None or key not in METERS:
            continue
        meter, unit = METERS[key]
        if isinstance(price, TieredShape):
            found[meter, unit, 0] = price.base
            for tier in price.tiers:
                found[meter, unit, tier.start] = tier.price
        else:
            found[meter, unit, 0] = price
    return found


Slot = tuple[tuple[time, time] | None, Key]
"""Time of day, and what one amount is the price of in it."""
Stretch = tuple[date | None, date | None]


def stretches(starts: Sequence[date | None]) -> list[Stretch]:
    """The stretches of time between start dates, the first one open towards the past."""
    days = sorted({start for start in starts if start})
    return list(zip([None, *days], [*days, None], strict=True))


def _active(entry: ConditionalShape, stretch: Stretch) -> bool:
    return entry.since is None or (stretch[0] is not None and entry.since <= stretch[0])


def standard_rates(prices: PricesShape | list[ConditionalShape]) -> Iterator[RateClaim]:
    """Rates of the standard tier. Of conditional prices the last one that is active holds."""
    entries = prices if isinstance(prices, list) else [ConditionalShape(prices=prices)]
    if not entries:
        return
    found: dict[Slot, list[tuple[Stretch, Decimal]]] = {}
    for stretch in stretches([entry.since for entry in entries]):
        windows: list[ConditionalShape] = []
        base = entries[0]
        for entry in reversed(entries):
            if entry.window:
                windows.append(entry)
            elif _active(entry, stretch):
                base = entry
                break
        for key, amount in amounts(base.prices).items():
            found.setdefault((None, key), []).append((stretch, amount))
        for entry in windows:
            for key, amount in amounts(entry.prices).items():
                found.setdefault((entry.window, key), []).append((stretch, amount))
    for (window, key), pieces in found.items():
        yield from _rates(key, ServiceTier.STANDARD, pieces, window)


def variant_rates(variants: Sequence[VariantShape]) -> Iterator[RateClaim]:
    """Rates of the other tiers. For each price the first variant that is active holds."""
    by_tier: dict[ServiceTier, list[VariantShape]] = {}
    for variant in variants:
        tier = TIERS.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        if tier is not None:
            by_tier.setdefault(tier, []).append(variant)
    emitted: dict[ServiceTier, list[RateClaim]] = {}
    for tier, chosen in by_tier.items():
        found: dict[Key, list[tuple[Stretch, Decimal]]] = {}
        for stretch in stretches([variant.since for variant in chosen]):
            held: dict[Key, Decimal] = {}
            priced: set[str] = set()
            for variant in chosen:
                if _active(variant, stretch):
                    fresh = {key: price for key, price in variant.prices.items() if key not in priced}
                    priced.update(key for key, price in fresh.items() if price is not None)
                    held.update(amounts(fresh))
            for key, amount in held.items():
                found.setdefault(key, []).append((stretch, amount))
        emitted[tier] = [rate for key, pieces in found.items() for rate in _rates(key, tier, pieces, None)]
    # OpenAI took "fast" as a second spelling of its priority tier in October 2026: one tier, not two.
    fast, priority = emitted.get(ServiceTier.FAST), emitted.get(ServiceTier.PRIORITY)
    if fast and priority and {_shape(rate) for rate in fast} == {_shape(rate) for rate in priority}:
        del emitted[ServiceTier.FAST]
    for rates in emitted.values():
        yield from rates


def _shape(rate: RateClaim) -> RateClaim:
    return dataclasses.replace(rate, service_tier=ServiceTier.STANDARD)


def _rates(
    key: Key, tier: ServiceTier, pieces: list[tuple[Stretch, Decimal]], window: tuple[time, time] | None
) -> Iterator[RateClaim]:
    """One rate for each run of neighbouring stretches with the same amount."""
    meter, unit, size = key
    runs: list[tuple[Stretch, Decimal]] = []
    for stretch, amount in pieces:
        if runs and runs[-1][1] == amount and runs[-1][0][1] == stretch[0]:
            runs[-1] = ((runs[-1][0][0], stretch[1]), amount)
        else:
            runs.append((stretch, amount))
    for (since, until), amount in runs:
        yield RateClaim(
            meter,
            amount,
            unit,
            tier,
            min_context_tokens=size,
            daily_from=window[0] if window else None,
            daily_to=window[1] if window else None,
            effective_from=since,
            effective_to=until,
        )
