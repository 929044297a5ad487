"""Comparisons: which models are meant, and what is said of them side by side."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from schema import dataloaders, tables
from schema.context import Context, Info
from schema.errors import ClientError
from schema.pricing.comparison import ComparisonRow, Side, rows
from schema.pricing.rates import in_force
from schema.references.resolve import models_by_reference
from schema.types.model import Model

FEWEST, MOST = 2, 8
"""Models one comparison takes."""
LONGEST_NAME = 80
"""Characters of a reference that messages repeat."""


@strawberry.type(description="Two to eight models side by side.")
class Comparison:
    @strawberry.field(graphql_type=list[Model], description="The models, in the order of the references.")
    @staticmethod
    def models(models: Parent[list[tables.Model]]) -> Any:
        return models

    @strawberry.field(
        description="A row per fact that at least one of the models has: what it is, its limits, what it reads and "
        "writes, today's prices, capabilities, and parameters, the most shared first."
    )
    @staticmethod
    async def rows(
        models: Parent[list[tables.Model]],
        info: Info,
        only_differences: Annotated[
            bool | None, strawberry.argument(description="Leave out rows in which all models have the same value.")
        ] = False,
    ) -> list[ComparisonRow]:
        found = rows(await asyncio.gather(*(side(info.context, model) for model in models)))
        return [each for each in found if each.differs or not only_differences]


async def models_named(context: Context, refs: Sequence[str]) -> list[tables.Model]:
    """The model each reference means: two to eight, no two the same. Raises a ClientError otherwise."""
    takes = f"it takes {FEWEST} to {MOST}"
    if len(refs) < FEWEST:
        raise ClientError(f"compare was given {quoted(refs) if refs else 'no reference'}; {takes}. Add another model.")
    if len(refs) > MOST:
        raise ClientError(f"compare was given {len(refs)} references; {takes}. Leave out {quoted(refs[MOST:])}.")
    found = await asyncio.gather(*(context.load(models_by_reference, ref) for ref in refs))
    if unknown := [ref for ref, model in zip(refs, found, strict=True) if model is None]:
        raise ClientError(f"No model is called {quoted(unknown, 'or')}. Ask resolveModel what comes near.")
    models = [model for model in found if model is not None]
    for model in models:
        same = [ref for ref, each in zip(refs, models, strict=True) if each.ref == model.ref]
        if len(same) > 1:
            raise ClientError(
                f"{quoted(same)} mean the same model, {model.ref}. Leave out all but one; "
                "resolveModel says how each was understood."
            )
    return models


def quoted(refs: Sequence[str], word: str = "and") -> str:
    names = [f'"{ref[:LONGEST_NAME]}…"' if len(ref) > LONGEST_NAME else f'"{ref}"' for ref in refs[:MOST]]
    if len(refs) > MOST:
        names.append(f"{len(refs) - MOST} more")
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


async def side(context: Context, model: tables.Model) -> Side:
    assert model.id is not None
    provider, family, traits, rates, parameters = await asyncio.gather(
        context.load(dataloaders.providers, model.provider_slug),
        family_of(context, model),
        context.load(dataloaders.traits_by_model, model.id),
        context.load(dataloaders.rates_by_model, model.id),
        context.load(dataloaders.parameters_by_model, model.id),
    )
    assert provider is not None
    today = context.now.date()
    return Side(
        model,
        provider,
        family,
        traits,
        [rate for rate in rates if in_force(rate, today)],
        {parameter.name: parameter for parameter in parameters},
    )


async def family_of(context: Context, model: tables.Model) -> tables.Family | None:
    return None if model.family_slug is None else await context.load(dataloaders.families, model.family_slug)
