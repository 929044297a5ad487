"""Models side by side, a row for each fact: where they differ and which is best. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from schema import tables
from schema.column_types import dump_json, plain
from schema.enums import Capability, Meter, PricePublication, PriceUnit, ServiceTier, label
from schema.pricing.rates import in_force, rate_field, rate_order
from schema.pricing.standard import STANDARD_METERS, is_standard
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
"""Columns compared as they are."""
HIGHEST = {
    "release_date": "release_date",
    "knowledge_cutoff_text": "knowledge_cutoff",
    "context_window": "context_window",
    "max_input_tokens": "max_input_tokens",
    "max_output_tokens": "max_output_tokens",
}
"""Columns where more or later is better -> the column that measures it."""
LISTED = {
    "input_modalities": TraitKind.INPUT_MODALITY,
    "output_modalities": TraitKind.OUTPUT_MODALITY,
    "endpoints": TraitKind.ENDPOINT,
    "use_cases": TraitKind.USE_CASE,
}
BILLED = {
    Meter.CACHE_WRITE_1H: "1-hour cache write",
    Meter.AUDIO_TIME: "Audio",
    Meter.INPUT_AUDIO_TIME: "Input audio",
    Meter.OUTPUT_AUDIO_TIME: "Output audio",
    Meter.INPUT_PIXELS: "Picture",
    Meter.RERANK_SEARCH: "Rerank",
}
"""Meters whose own label does not work as the name of a price."""
UNKNOWN: tuple[object, ...] = (None, [])


@dataclass(frozen=True, slots=True)
class Side:
    """One of the models, with everything that is compared."""

    model: tables.Model
    provider: tables.Provider
    family: tables.Family | None
    traits: Mapping[TraitKind, list[str]]
    rates: Sequence[tables.Rate]
    parameters: Mapping[str, tables.Parameter]

    def on(self, day: date) -> "Side":
        """The side with only the rates in force on a day."""
        return replace(self, rates=[rate for rate in self.rates if in_force(rate, day)])


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one fact, one for each side."""

    field: str
    label: str
    values: list[object]
    unit: PriceUnit | None
    differs: bool
    best: list[int]
    """Positions of the best values."""


def rows(sides: Sequence[Side]) -> list[Row]:
    """Every fact that at least one side has, in an order that does not depend on the order of the sides."""
    found = (*columns(sides), *everyday_prices(sides), *rates(sides), *capabilities(sides), *parameters(sides))
    return [row for row in found if any(value not in UNKNOWN for value in row.values)]


def row(
    field: str,
    name: str,
    values: Iterable[object],
    measures: Sequence[Any] = (),
    better: Callable[[Iterable[Any]], Any] = max,
    unit: PriceUnit | None = None,
) -> Row:
    """A row. `measures` rank the values; a value whose measure is None is never best."""
    spoken = [plainly(value) for value in values]
    known = {measure for measure in measures if measure is not None}
    foremost = better(known) if len(known) > 1 else None
    return Row(
        field=field,
        label=name,
        values=spoken,
        unit=unit,
        # As text, because in Python True equals 1.
        differs=len({dump_json(value) for value in spoken}) > 1,
        best=[index for index, measure in enumerate(measures) if foremost is not None and measure == foremost],
    )


def plainly(value: object) -> object:
    """A column's value in JSON terms."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.name if isinstance(value, Enum) else value


def columns(sides: Sequence[Side]) -> Iterator[Row]:
    """Provider, family, stated facts and traits."""
    yield row("provider", "Provider", [side.provider.name for side in sides])
    yield row("family", "Family", [None if side.family is None else side.family.name for side in sides])
    for column in STATED:
        measures = [getattr(side.model, HIGHEST[column]) for side in sides] if column in HIGHEST else ()
        values = [getattr(side.model, column) for side in sides]
        yield row(to_camel_case(column), label(column.upper()), values, measures)
    for column, kind in LISTED.items():
        yield row(to_camel_case(column), label(column.upper()), [side.traits[kind] for side in sides])


def everyday_prices(sides: Sequence[Side]) -> Iterator[Row]:
    yield row("price.publication", "Pricing", [side.model.price_publication for side in sides])
    for member, meter in STANDARD_METERS.items():
        amounts = [getattr(side.model, f"price_{member}") for side in sides]
        field, unit = f"price.{to_camel_case(member)}", PriceUnit.PER_MILLION_TOKENS
        yield row(field, f"{label(meter)} price", amounts, amounts, min, unit)


def rates(sides: Sequence[Side]) -> Iterator[Row]:
    """The rates that are not in `price`, in listing order: by tier, context size, meter and time of day."""
    # If two are in force at once, the last one listed counts.
    by_side = [
        {(*rate_order(rate)[:4], rate.unit.name): rate for rate in side.rates if not is_standard(rate)}
        for side in sides
    ]
    samples = {key: rate for by_key in by_side for key, rate in by_key.items()}
    for key in sorted(samples):
        found, sample = [by_key.get(key) for by_key in by_side], samples[key]
        field = rate_field(sample.service_tier, sample.meter, sample.min_context_tokens, sample.daily_from)
        amounts = [None if rate is None else rate.amount for rate in found]
        yield row(field, rate_label(sample), [charged(rate) for rate in found], amounts, min, sample.unit)


def charged(rate: tables.Rate | None) -> Decimal | PricePublication | None:
    """A rate's amount, or its publication state if there is none, as in changes; None if it is unknown."""
    if rate is None or rate.publication is PricePublication.NOT_PUBLISHED:
        return None
    return rate.publication if rate.amount is None else rate.amount


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


def capabilities(sides: Sequence[Side]) -> Iterator[Row]:
    for capability in Capability:
        has = [capability.name in side.traits[TraitKind.CAPABILITY] for side in sides]
        if any(has):
            yield row(f"capabilities.{capability.name}", label(capability), has, has)


def parameters(sides: Sequence[Side]) -> Iterator[Row]:
    """Every parameter that a side mentions: the most shared first, then in listing order."""
    mentions: dict[str, list[tables.Parameter]] = {}
    for side in sides:
        for name, parameter in side.parameters.items():
            mentions.setdefault(name, []).append(parameter)

    def order(name: str) -> tuple[int, int, str]:
        # temperature of three sides, first in the list of one -> (-3, 0, "temperature")
        return -len(mentions[name]), min(parameter.position for parameter in mentions[name]), name

    for name in sorted(mentions, key=order):
        found = [side.parameters.get(name) for side in sides]
        values = [None if parameter is None else stated(parameter) for parameter in found]
        yield row(f"parameters.{name}", mentions[name][0].label, values)


def stated(parameter: tables.Parameter) -> dict[str, object]:
    """What is known about a parameter."""
    members = {
        "supported": parameter.supported,
        "default": parameter.default,
        "minimum": plainly(parameter.minimum),
        "maximum": plainly(parameter.maximum),
        "allowedValues": parameter.allowed_values,
    }
    return {name: value for name, value in members.items() if value is not None}
