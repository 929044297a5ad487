"""genai-prices: rates by tier, context size, time of day and date, with rules for matching references.

Longer than most: the upstream's format of prices is next to the code that converts it.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import chain, pairwise
from typing import Annotated

from pydantic import BaseModel, Field

from schema.column_types import dump_json, is_array, is_object
from schema.enums import Meter, ModelStatus, ServiceTier
from schema.pricing.rates import USUAL_UNITS, RateKey, rate_key
from seeds.catalogue import Catalogue, ModelClaims, ProviderClaims, RateClaim, known_facts
from seeds.curated.providers import policy, slugs_by_genai
from seeds.feeds.match_rules import matcher, spellings
from seeds.feeds.validation import (
    Amount,
    Count,
    ModelEntry,
    ProviderEntry,
    ProviderSlug,
    Text,
    called,
    checked,
    document,
    fit,
    keep_models,
    read_providers,
)

SLUG = "genai-prices"
EXPECTED = "genai-prices' JSON array of providers"
METERS = {
    "input_mtok": Meter.INPUT,
    "output_mtok": Meter.OUTPUT,
    "cache_read_mtok": Meter.CACHE_READ,
    "cache_write_mtok": Meter.CACHE_WRITE,
    "cache_write_1h_mtok": Meter.CACHE_WRITE_1H,
    "output_reasoning_mtok": Meter.REASONING,
    "output_citation_mtok": Meter.CITATION,
    "input_audio_mtok": Meter.INPUT_AUDIO,
    "output_audio_mtok": Meter.OUTPUT_AUDIO,
    "cache_audio_read_mtok": Meter.CACHE_READ_AUDIO,
    "input_image_mtok": Meter.INPUT_IMAGE,
    "output_image_mtok": Meter.OUTPUT_IMAGE,
    "cache_image_read_mtok": Meter.CACHE_READ_IMAGE,
    "input_video_mtok": Meter.INPUT_VIDEO,
    "output_video_mtok": Meter.OUTPUT_VIDEO,
    "requests_kcount": Meter.REQUEST,
    "input_text_messages_kcount": Meter.INPUT_MESSAGE,
    "input_mchars": Meter.INPUT_CHARACTERS,
    "audio_hours": Meter.AUDIO_TIME,
    "input_audio_hours": Meter.INPUT_AUDIO_TIME,
    "output_audio_hours": Meter.OUTPUT_AUDIO_TIME,
    "input_gpixels": Meter.INPUT_PIXELS,
    "input_document_kpages": Meter.DOCUMENT_PAGE,
    "input_annotated_document_kpages": Meter.ANNOTATED_DOCUMENT_PAGE,
    "rerank_searches_kcount": Meter.RERANK_SEARCH,
    "web_searches_kcount": Meter.WEB_SEARCH,
    "social_searches_kcount": Meter.SOCIAL_SEARCH,
    "storage_searches_kcount": Meter.FILE_SEARCH,
    "code_executions_kcount": Meter.CODE_EXECUTION,
}
"""Price key -> meter. All are priced in the meter's usual unit."""
TIERS = {
    ("processing", "batch"): ServiceTier.BATCH,
    ("service_tier", "batch"): ServiceTier.BATCH,
    ("service_tier", "flex"): ServiceTier.FLEX,
    ("service_tier", "priority"): ServiceTier.PRIORITY,
    ("service_tier", "fast"): ServiceTier.FAST,
    ("speed", "fast"): ServiceTier.FAST,
}
"""Request context -> tier. Others (a route, a kind of search) have no tier in this registry and are left out."""


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


class ModelShape(ModelEntry):
    name: Text | None = None
    match: object
    context_window: Count | None = None
    deprecated: bool | None = None
    prices: PricesShape | Annotated[list[ConditionalShape], Field(max_length=100)]
    price_variants: list[VariantShape] | None = Field(default=None, max_length=100)

    def unknown_keys(self) -> set[str]:
        """Price keys that have no meter here."""
        sets = [entry.prices for entry in self.prices] if isinstance(self.prices, list) else [self.prices]
        sets += [variant.prices for variant in self.price_variants or ()]
        return {key for prices in sets for key, price in prices.items() if price is not None and key not in METERS}


class ProviderShape(ProviderEntry):
    fallback_model_providers: list[ProviderSlug] | None = None
    models: list[object]


def _utc(value: time) -> time:
    """A time of day in UTC. One without an offset is UTC already."""
    if value.tzinfo is None:
        return value
    return datetime.combine(date(1970, 1, 1), value).astimezone(UTC).time()


Window = tuple[time, time] | None
"""Time of day; None for the whole day."""
Period = tuple[date | None, date | None]


def periods(entries: Sequence[ConditionalShape]) -> list[Period]:
    """The periods between the start dates of prices; the first has no start, the last no end."""
    days = sorted({entry.since for entry in entries if entry.since})
    return list(pairwise([None, *days, None]))


def _active(entry: ConditionalShape, period: Period) -> bool:
    return entry.since is None or (period[0] is not None and entry.since <= period[0])


def standard_rates(prices: PricesShape | list[ConditionalShape]) -> Iterator[RateClaim]:
    """Rates of the standard tier, by period. Of conditional prices, the last one that is active applies."""
    entries = prices if isinstance(prices, list) else [ConditionalShape(prices=prices)]
    for period in periods(entries) if entries else ():
        windows: list[ConditionalShape] = []
        base = entries[0]
        for entry in reversed(entries):
            if entry.window:
                windows.append(entry)
            elif _active(entry, period):
                base = entry
                break
        yield from _rates(base.prices, ServiceTier.STANDARD, period)
        for entry in windows:
            yield from _rates(entry.prices, ServiceTier.STANDARD, period, entry.window)


def variant_rates(variants: Sequence[VariantShape]) -> Iterator[RateClaim]:
    """Rates of the other tiers, by period. For each price, the first variant that is active applies."""
    by_tier: dict[ServiceTier, list[VariantShape]] = {}
    for variant in variants:
        tier = TIERS.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        if tier is not None:
            by_tier.setdefault(tier, []).append(variant)
    for tier, chosen in by_tier.items():
        for period in periods(chosen):
            current: PricesShape = {}
            for variant in chosen:
                if _active(variant, period):
                    current |= {key: price for key, price in variant.prices.items() if current.get(key) is None}
            yield from _rates(current, tier, period)


def _rates(prices: PricesShape, tier: ServiceTier, period: Period, window: Window = None) -> Iterator[RateClaim]:
    """The rates of one set of prices, without unknown price keys."""
    for key, price in prices.items():
        if price is None or key not in METERS:
            continue
        meter, (start, end) = METERS[key], window or (None, None)
        tiers = price.tiers if isinstance(price, TieredShape) else []
        base = price.base if isinstance(price, TieredShape) else price
        amounts = {0: base} | {step.start: step.price for step in tiers}
        for size, amount in amounts.items():
            yield RateClaim(
                meter,
                amount,
                USUAL_UNITS[meter],
                tier,
                min_context_tokens=size,
                daily_from=start,
                daily_to=end,
                effective_from=period[0],
                effective_to=period[1],
            )


def join(rates: Iterable[RateClaim]) -> list[RateClaim]:
    """The rates, with one for each run of adjacent periods with the same amount."""
    runs: dict[RateKey, list[RateClaim]] = {}
    for rate in rates:
        run = runs.setdefault(rate_key(rate), [])
        if run and run[-1].amount == rate.amount and run[-1].effective_to == rate.effective_from:
            run[-1] = replace(run[-1], effective_to=rate.effective_to)
        else:
            run.append(rate)
    return list(chain.from_iterable(runs.values()))


def without_second_name(rates: Sequence[RateClaim]) -> list[RateClaim]:
    """In October 2026 OpenAI made "fast" a second name of its priority tier: one tier, not two."""
    fast = {replace(rate, service_tier=ServiceTier.PRIORITY) for rate in rates if rate.service_tier is ServiceTier.FAST}
    same = fast == {rate for rate in rates if rate.service_tier is ServiceTier.PRIORITY}
    return [rate for rate in rates if not (same and rate.service_tier is ServiceTier.FAST)]


def claims(provider: str, model: ModelShape) -> ModelClaims:
    stated = chain(standard_rates(model.prices), variant_rates(model.price_variants or ()))
    rates = without_second_name(join(stated))
    facts = {
        "name": model.name or None,
        "context_window": model.context_window or None,
        "status": ModelStatus.DEPRECATED if model.deprecated else None,
    }
    return ModelClaims(
        provider,
        model.id,
        facts=known_facts(facts),
        # An entry without any price is free, part of a subscription, or unknown: the provider's policy says which.
        rates=rates or policy(provider).zero_rates(model.id),
        match=matcher(model.match),
        aliases=tuple(dict.fromkeys(fit(name) for name in spellings(model.match) if name != model.id)),
    )


def parse(content: bytes) -> Catalogue:
    """The catalogue in a published `data.json`. Raises FeedError if the content has another format."""
    found = document(content, EXPECTED)
    catalogue = Catalogue(SLUG)
    slugs = slugs_by_genai()
    entries = ((called(entry), entry) for entry in (found if is_array(found) else ()))
    for slug, provider in read_providers(catalogue, ProviderShape, entries, slugs):
        fallback = [slugs.get(name, name) for name in provider.fallback_model_providers or ()]
        catalogue.providers[slug] = ProviderClaims(provider.name, fallback=fallback)
        models = ((f"{slug}/{called(model)}", model) for model in provider.models)
        for model in keep_models(catalogue, ModelShape, partial(claims, slug), models):
            for key in sorted(model.unknown_keys()):
                catalogue.quarantine(f"{slug}/{model.id}", f"no meter is known for the price {key}", 0)
    return checked(catalogue, EXPECTED)


def _published(value: object) -> object:
    """An object of the package in the format of the published JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {item.name.rstrip("_"): getattr(value, item.name) for item in dataclasses.fields(value)}
        members.pop("extractors", None)
        return _published_members(members)
    if is_array(value):
        return [_published(member) for member in value]
    if is_object(value):
        return {name: _published(member) for name, member in value.items()}
    if isinstance(value, (date, time)):
        return value.isoformat()
    if type(value).__name__ == "ModelPrice":
        return _published_members(vars(value))
    return value


def _published_members(members: Mapping[str, object]) -> dict[str, object]:
    return {name: _published(member) for name, member in members.items() if member is not None}


def bundled() -> bytes:
    """The data of the package genai-prices, in the format of its published `data.json`."""
    from genai_prices.data import providers  # half a second to import: only when asked

    return dump_json(_published(providers)).encode()
