"""What models say of one fact, row by row: where they differ and which is best. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from schema import tables
from schema.column_types import dump_json, plain
from schema.enums import Capability, Meter, PricePublication, PriceUnit, ServiceTier
from schema.labels import label
from schema.pricing.rates import rate_field
from schema.scalars import JSON
from schema.tables import TraitKind

STATED = (
    "status",
    "access_type",
    "license",
    "parameter_size",
    "release_date",
    "knowledge_cutoff_text",
    "deprecation_date",
    "retirement_date",
    "context_window",
    "max_input_tokens",
    "max_output_tokens",
)
"""Columns compared as they stand."""
HIGHEST = {
    "release_date": "release_date",
    "knowledge_cutoff_text": "knowledge_cutoff",
    "context_window": "context_window",
    "max_input_tokens": "max_input_tokens",
    "max_output_tokens": "max_output_tokens",
}
"""Columns of which more or later is better -> the column that measures it."""
LISTED = {
    "input_modalities": TraitKind.INPUT_MODALITY,
    "output_modalities": TraitKind.OUTPUT_MODALITY,
    "endpoints": TraitKind.ENDPOINT,
    "use_cases": TraitKind.USE_CASE,
}
EVERYDAY = {
    "input": Meter.INPUT,
    "output": Meter.OUTPUT,
    "cache_read": Meter.CACHE_READ,
    "cache_write": Meter.CACHE_WRITE,
}
"""Members of `price`, and the meter each is the standard rate of."""
BILLED = {
    Meter.CACHE_WRITE_1H: "1-hour cache write",
    Meter.AUDIO_TIME: "Audio",
    Meter.INPUT_AUDIO_TIME: "Input audio",
    Meter.OUTPUT_AUDIO_TIME: "Output audio",
    Meter.INPUT_PIXELS: "Picture",
    Meter.RERANK_SEARCH: "Rerank",
}
"""Meters whose own label makes no good name of a price."""
TIERS, METERS = list(ServiceTier), list(Meter)
UNKNOWN: tuple[object, ...] = (None, [])


@dataclass(frozen=True, slots=True)
class Side:
    """One of the models, with all that is compared of it."""

    model: tables.Model
    provider: tables.Provider
    family: tables.Family | None
    traits: dict[TraitKind, list[str]]
    rates: list[tables.Rate]
    """Those in force today."""
    parameters: dict[str, tables.Parameter]


@strawberry.type(description="One fact of every model compared.")
class ComparisonRow:
    field: str = strawberry.field(
        description="The fact, spelled as in facts and changes: contextWindow, price.input, prices.BATCH.OUTPUT, "
        "capabilities.VISION, parameters.temperature."
    )
    label: str = strawberry.field(
        description='The fact as people read it: "Context window", "Batch output price". '
        "A price that is not for 1M tokens says what it is for."
    )
    values: list[JSON | None] = strawberry.field(
        description="What each model has, in the order of models and as its fields of Model say it: amounts as "
        "strings, days as YYYY-MM-DD, a provider or family by its display name. A capability is true or false, false "
        "also where no source says so. A parameter is an object of supported, default, minimum, maximum and "
        "allowedValues, without what is unknown. Null, or an empty list, where no source says. "
        "A price is null where it is not published or included in a subscription, never where it is free; "
        "a rate below prices that is included says INCLUDED."
    )
    unit: PriceUnit | None = strawberry.field(
        description="What an amount in this row pays for, in USD; null where the values are no amounts. "
        "Rates of the same field in another unit have a row of their own."
    )
    differs: bool = strawberry.field(description="Whether the values are not all the same; null differs from a value.")
    best: list[int] = strawberry.field(
        description="Places in values, counted from 0, of the best: the largest limit, the lowest price, the latest "
        "release, the latest knowledge cutoff (by its first day), having the capability. Several where they are level. "
        "Empty where fewer than two different values are known, and where nothing makes one value better than another."
    )


def rows(sides: Sequence[Side]) -> list[ComparisonRow]:
    """Every fact that at least one side has, in one order whatever the order of the sides."""
    found = (*told(sides), *everyday_prices(sides), *rates(sides), *capabilities(sides), *parameters(sides))
    return [row for row in found if any(value not in UNKNOWN for value in row.values)]


def row(
    field: str,
    name: str,
    values: Iterable[Any],
    measures: Sequence[Any] = (),
    better: Callable[[Iterable[Any]], Any] = max,
    unit: PriceUnit | None = None,
) -> ComparisonRow:
    """Measures are what makes one value better than another; None where there is nothing to measure."""
    spoken = [plainly(value) for value in values]
    known = {measure for measure in measures if measure is not None}
    foremost = better(known) if len(known) > 1 else None
    return ComparisonRow(
        field=field,
        label=name,
        values=[JSON(value) for value in spoken],
        unit=unit,
        # As text: to Python true is 1.
        differs=len({dump_json(value) for value in spoken}) > 1,
        best=[place for place, measure in enumerate(measures) if foremost is not None and measure == foremost],
    )


def plainly(value: Any) -> Any:
    """A column's value in JSON terms."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.name if isinstance(value, Enum) else value


def told(sides: Sequence[Side]) -> Iterator[ComparisonRow]:
    """Who makes it, where it stands, its limits and what it deals in."""
    yield row("provider", "Provider", [each.provider.name for each in sides])
    yield row("family", "Family", [None if each.family is None else each.family.name for each in sides])
    for column in STATED:
        measures = [getattr(each.model, HIGHEST[column]) for each in sides] if column in HIGHEST else ()
        values = [getattr(each.model, column) for each in sides]
        yield row(to_camel_case(column), label(column.upper()), values, measures)
    for column, kind in LISTED.items():
        yield row(to_camel_case(column), label(column.upper()), [each.traits[kind] for each in sides])


def everyday_prices(sides: Sequence[Side]) -> Iterator[ComparisonRow]:
    yield row("price.publication", "Pricing", [each.model.price_publication for each in sides])
    for member, meter in EVERYDAY.items():
        amounts = [getattr(each.model, f"price_{member}") for each in sides]
        field, unit = f"price.{to_camel_case(member)}", PriceUnit.PER_MILLION_TOKENS
        yield row(field, f"{label(meter)} price", amounts, amounts, min, unit)


def rates(sides: Sequence[Side]) -> Iterator[ComparisonRow]:
    """The rates that `price` does not hold, by tier, context size, meter and time of day, as prices are listed."""
    # Of two in force at once the later listed holds.
    held = [{(*position(rate), rate.unit.name): rate for rate in each.rates if not everyday(rate)} for each in sides]
    samples = {key: rate for by_key in held for key, rate in by_key.items()}
    for key in sorted(samples):
        found, sample = [by_key.get(key) for by_key in held], samples[key]
        field = rate_field(sample.service_tier, sample.meter, sample.min_context_tokens, sample.daily_from)
        amounts = [None if rate is None else rate.amount for rate in found]
        yield row(field, rate_label(sample), [charged(rate) for rate in found], amounts, min, sample.unit)


def charged(rate: tables.Rate | None) -> Decimal | PricePublication | None:
    """A rate's amount, or as in changes its publication where there is none; None where it is not published."""
    if rate is None or rate.publication is PricePublication.NOT_PUBLISHED:
        return None
    return rate.publication if rate.amount is None else rate.amount


def everyday(rate: tables.Rate) -> bool:
    """Whether `price` holds the rate: standard tier, base context, all day."""
    return (
        rate.service_tier is ServiceTier.STANDARD
        and rate.meter in EVERYDAY.values()
        and rate.min_context_tokens == 0
        and rate.daily_from is None
    )


def position(rate: tables.Rate) -> tuple[int, int, int, str]:
    return (
        TIERS.index(rate.service_tier),
        rate.min_context_tokens,
        METERS.index(rate.meter),
        str(rate.daily_from or ""),
    )


def rate_label(rate: tables.Rate) -> str:
    """Batch input price above 200,000 tokens; Web search price per 1,000 searches."""
    name = BILLED.get(rate.meter) or label(rate.meter)
    if rate.service_tier is not ServiceTier.STANDARD:
        name = f"{label(rate.service_tier)} {name[0].lower()}{name[1:]}"
    name += " price"
    if rate.unit is not PriceUnit.PER_MILLION_TOKENS:
        name += f" {label(rate.unit)}"
    if rate.min_context_tokens:
        name += f" above {rate.min_context_tokens:,} tokens"
    return name if rate.daily_from is None else f"{name} from {rate.daily_from:%H:%M} UTC"


def capabilities(sides: Sequence[Side]) -> Iterator[ComparisonRow]:
    for each in Capability:
        has = [each.name in side.traits[TraitKind.CAPABILITY] for side in sides]
        if any(has):
            yield row(f"capabilities.{each.name}", label(each), has, has)


def parameters(sides: Sequence[Side]) -> Iterator[ComparisonRow]:
    """Every parameter that one of them mentions: the most shared first, then in the order models list them."""
    mentions: dict[str, list[tables.Parameter]] = {}
    for each in sides:
        for name, parameter in each.parameters.items():
            mentions.setdefault(name, []).append(parameter)

    def order(name: str) -> tuple[int, int, str]:
        return -len(mentions[name]), min(each.position for each in mentions[name]), name

    for name in sorted(mentions, key=order):
        found = [each.parameters.get(name) for each in sides]
        yield row(
            f"parameters.{name}", mentions[name][0].label, [None if each is None else stated(each) for each in found]
        )


def stated(parameter: tables.Parameter) -> dict[str, Any]:
    """What is known of a parameter."""
    said = {
        "supported": parameter.supported,
        "default": parameter.default,
        "minimum": plainly(parameter.minimum),
        "maximum": plainly(parameter.maximum),
        "allowedValues": parameter.allowed_values,
    }
    return {name: value for name, value in said.items() if value is not None}
