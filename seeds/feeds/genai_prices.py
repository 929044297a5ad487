"""genai-prices: rates by tier, context size, time of day and date, with rules for matching references."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schema.columns import dump_json, is_array, is_object, load_json
from schema.vocabulary import Meter, ModelStatus, PriceUnit, ServiceTier
from seeds.catalogue import Catalogue, ModelClaims, RateClaim
from seeds.feeds.models_dev import brief, zero_rates
from seeds.policy import policy, slugs_by_genai

SLUG = "genai-prices"

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
    start: int = Field(ge=0)
    price: Decimal = Field(ge=0)


class TieredShape(BaseModel):
    base: Decimal = Field(ge=0)
    tiers: list[TierShape]


PricesShape = dict[str, Decimal | TieredShape | None]


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


class ModelShape(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    id: str = Field(min_length=1, max_length=300)
    name: str | None = None
    match: dict[str, Any]
    context_window: int | None = Field(default=None, ge=0)
    deprecated: bool | None = None
    prices: PricesShape | list[ConditionalShape]
    price_variants: list[VariantShape] | None = None


class ProviderShape(BaseModel):
    id: str
    name: str
    fallback_model_providers: list[str] | None = None
    models: list[Any]


def _utc(value: time) -> time:
    """A time of day in UTC. One without an offset is UTC already."""
    if value.tzinfo is None:
        return value
    return datetime.combine(date(1970, 1, 1), value).astimezone(UTC).time()


Matcher = Callable[[str], bool]


def matcher(clause: Mapping[str, Any]) -> Matcher:
    """A function that says whether a lower-case reference fits the clause. Raises ValueError on an unknown one."""
    kind, value = next(iter(clause.items()))
    match kind:
        case "equals":
            text = str(value).lower()
            return lambda ref: ref == text
        case "starts_with":
            text = str(value).lower()
            return lambda ref: ref.startswith(text)
        case "ends_with":
            text = str(value).lower()
            return lambda ref: ref.endswith(text)
        case "contains":
            text = str(value).lower()
            return lambda ref: text in ref
        case "regex":
            pattern = re.compile(str(value))
            return lambda ref: pattern.search(ref) is not None
        case "or":
            some = [matcher(each) for each in value]
            return lambda ref: any(fits(ref) for fits in some)
        case "and":
            every = [matcher(each) for each in value]
            return lambda ref: all(fits(ref) for fits in every)
        case _:
            raise ValueError(f"unknown match clause {kind!r}")


def spellings(clause: Mapping[str, Any]) -> Iterator[str]:
    """The references a clause names outright: those it equals, alone or among alternatives."""
    kind, value = next(iter(clause.items()))
    if kind == "equals":
        yield str(value)
    elif kind == "or":
        for each in value:
            yield from spellings(each)


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


Stretch = tuple[date | None, date | None]
Slot = tuple[tuple[time, time] | None, Key]
"""Time of day, and what one amount is the price of in it."""


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


def unknown_keys(model: ModelShape) -> set[str]:
    """Price keys this feed has no meter for."""
    sets = [entry.prices for entry in model.prices] if isinstance(model.prices, list) else [model.prices]
    sets += [variant.prices for variant in model.price_variants or ()]
    return {key for prices in sets for key, price in prices.items() if price is not None and key not in METERS}


def claims(provider: str, model: ModelShape) -> ModelClaims:
    found = ModelClaims(provider, model.id)
    if model.name:
        found.facts["name"] = model.name
    if model.context_window:
        found.facts["context_window"] = model.context_window
    if model.deprecated:
        found.facts["status"] = ModelStatus.DEPRECATED
    found.rates = [*standard_rates(model.prices), *variant_rates(model.price_variants or ())]
    if not found.rates:
        # An entry without any price: free, part of a subscription, or simply not known, as the provider's policy says.
        found.rates = list(zero_rates(policy(provider).zero(model.id)))
    found.aliases = tuple(dict.fromkeys(name for name in spellings(model.match) if name != model.id))
    found.match = matcher(model.match)
    return found


def parse(content: bytes) -> Catalogue:
    """The catalogue in a published `data.json`. Raises ValueError when it is no such document at all."""
    document = load_json(content.decode("utf-8"))
    if not is_array(document):
        raise ValueError("genai-prices' document is not a JSON array of providers.")
    catalogue = Catalogue(SLUG)
    for entry in document:
        try:
            provider = ProviderShape.model_validate(entry)
        except ValidationError as error:
            catalogue.quarantined.append(f"a provider: {brief(error)}")
            continue
        slug = slugs_by_genai().get(provider.id, provider.id)
        # Where a provider has no price of its own, these providers' prices hold.
        fallback = [slugs_by_genai().get(name, name) for name in provider.fallback_model_providers or ()]
        catalogue.providers[slug] = {"name": provider.name} | ({"fallback": fallback} if fallback else {})
        for raw in provider.models:
            try:
                model = ModelShape.model_validate(raw)
                catalogue.models.append(claims(slug, model))
            except (ValidationError, ValueError, re.error) as error:
                text = brief(error) if isinstance(error, ValidationError) else str(error)
                name = str(raw.get("id") if is_object(raw) else raw)
                catalogue.quarantined.append(f"{slug}/{name:.100}: {text}")
                continue
            for key in sorted(unknown_keys(model)):
                catalogue.quarantined.append(f"{slug}/{model.id}: no meter is known for the price {key}")
    return catalogue


def _raw(value: Any) -> Any:
    """A package object in the form of the published JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((item.name.rstrip("_"), getattr(value, item.name)) for item in dataclasses.fields(value))
        return {name: _raw(each) for name, each in pairs if each is not None and name != "extractors"}
    if is_array(value):
        return [_raw(each) for each in value]
    if is_object(value):
        return {name: _raw(each) for name, each in value.items()}
    if isinstance(value, (date, time)):
        return value.isoformat()
    if type(value).__name__ == "ModelPrice":
        return {name: _raw(each) for name, each in vars(value).items() if each is not None}
    return value


def bundled() -> bytes:
    """The data of the package genai-prices, in the form of its published `data.json`."""
    from genai_prices.data import providers  # half a second to import: only when asked

    return dump_json(_raw(providers)).encode()
