"""Comparisons: which models are compared, and what is known about them side by side."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import strawberry

from schema import dataloaders, tables
from schema.context import Context
from schema.declarations import Clock, argument, column, field, loaded
from schema.enums import PriceUnit
from schema.errors import ClientError
from schema.pricing.comparison import Row, Side, rows
from schema.references.resolve import models_by_reference
from schema.scalars import JSON
from schema.types.model import Model

FEWEST, MOST = 2, 8
"""Models in one comparison."""
MOST_ROWS = 600
"""Rows of one comparison: there are 55 fixed fields and capabilities, 236 parameters and 120 kinds of rates."""
LONGEST_NAME = 80
"""Characters of a reference repeated in messages."""


@dataclass(frozen=True, eq=False, slots=True)
class Compared:
    """The models of one comparison."""

    models: tuple[tables.Model, ...]


async def comparisons(context: Context, keys: Sequence[tuple[str, ...]]) -> list[Compared | ClientError]:
    """The models that each list of references means, or why they can't be compared."""
    return await asyncio.gather(*(_compared(context, refs) for refs in keys))


async def _compared(context: Context, refs: Sequence[str]) -> Compared | ClientError:
    sizes = f"compare needs {FEWEST} to {MOST} references"
    if len(refs) < FEWEST:
        return ClientError(f"{sizes} (got {quoted(refs) if refs else 'none'}). Add another model.")
    if len(refs) > MOST:
        return ClientError(f"{sizes} (got {len(refs)}). Remove {quoted(refs[MOST:])}.")
    found = await asyncio.gather(*(context.load(models_by_reference, ref) for ref in refs))
    if unknown := [ref for ref, model in zip(refs, found, strict=True) if model is None]:
        return ClientError(f"No model matches {quoted(unknown, 'or')}. The query resolveModel suggests similar models.")
    models = [model for model in found if model is not None]
    for model in models:
        same = [ref for ref, other in zip(refs, models, strict=True) if other.ref == model.ref]
        if len(same) > 1:
            return ClientError(
                f"{quoted(same)} mean the same model, {model.ref}. Remove all but one; "
                "the query resolveModel shows how each was matched."
            )
    return Compared(tuple(models))


def quoted(refs: Sequence[str], word: str = "and") -> str:
    names = [f'"{ref[:LONGEST_NAME]}…"' if len(ref) > LONGEST_NAME else f'"{ref}"' for ref in refs[:MOST]]
    if len(refs) > MOST:
        names.append(f"{len(refs) - MOST} more")
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


async def sides(context: Context, keys: Sequence[Compared]) -> list[list[Side]]:
    """What each comparison compares about its models, with every rate they ever had."""
    return [await asyncio.gather(*(_side(context, model) for model in compared.models)) for compared in keys]


async def _side(context: Context, model: tables.Model) -> Side:
    assert model.id is not None
    provider, family, traits, rates, parameters = await asyncio.gather(
        context.load(dataloaders.providers, model.provider_slug),
        loaded(context, dataloaders.families, model.family_slug),
        context.load(dataloaders.traits_by_model, model.id),
        context.load(dataloaders.rates_by_model, model.id),
        context.load(dataloaders.parameters_by_model, model.id),
    )
    assert provider is not None
    return Side(model, provider, family, traits, rates, {parameter.name: parameter for parameter in parameters})


@strawberry.type(description="One fact about every compared model.")
class ComparisonRow:
    field: str = column(
        "The fact, with the same name as in facts and changes: contextWindow, price.input, prices.BATCH.OUTPUT, "
        "capabilities.VISION, parameters.temperature."
    )
    label: str = column(
        'Display name of the fact: "Context window", "Batch output price". '
        "A price that is not per 1M tokens includes its unit."
    )
    values: list[JSON | None] = column(
        "The value of each model, in the order of models and in the form of the fields of Model: amounts are strings, "
        "days are YYYY-MM-DD, providers and families are display names. A capability is true or false; false also if "
        "no source says so. A parameter is an object with supported, default, minimum, maximum and allowedValues, "
        "without unknown members. Null or an empty list means unknown. An unknown or included price is null and a "
        'free one is "0"; an included rate in a row of prices is INCLUDED.',
        largest=MOST,
    )
    unit: PriceUnit | None = column(
        "What the amounts of this row pay for, in USD; null if the values are not amounts. "
        "Rates of the same field with another unit have their own row."
    )
    differs: bool = column("True if the values are not all equal; null differs from every value.")
    best: list[int] = column(
        "Zero-based positions of the best values: the largest limit, the lowest price, the latest release or "
        "knowledge cutoff, having the capability. Tied values are all listed. Empty if fewer than two different "
        "values are known, or if no value is better than another.",
        largest=MOST,
    )


@strawberry.type(description="Two to eight models side by side.")
class Comparison:
    @field(
        list[ComparisonRow], needs=sides, by=dataloaders.itself, clock=Clock.DAY, largest=MOST_ROWS, sized_by="first"
    )
    @staticmethod
    def rows(
        _: Compared,
        sides: Sequence[Side],
        today: date,
        only_differences: Annotated[bool | None, argument("Leave out rows in which all values are equal.")] = False,
    ) -> list[Row]:
        """One row for each fact that at least one model has: identity, limits, modalities, current prices,
        capabilities, and parameters, the most shared ones first."""
        current = [side.on(today) for side in sides]
        return [row for row in rows(current) if row.differs or not only_differences]

    @field(list[Model], largest=MOST, counted_above=True)
    @staticmethod
    def models(compared: Compared) -> Sequence[tables.Model]:
        """The models, in the order of the references."""
        return compared.models
