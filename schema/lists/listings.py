"""The lists of the graph: models, providers and families under a filter, a search and an order; changes as a feed."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.enums import ModelOrderField, ProviderOrderField
from schema.errors import ClientError
from schema.lists.cursors import Listing, Order
from schema.lists.filters import (
    ChangeFilter,
    ModelFilter,
    ModelOrder,
    ProviderFilter,
    ProviderOrder,
    cleaned,
    conditions,
    model_order,
    of_models,
    provider_order,
    signature,
)
from schema.lists.search import fits, ranked
from schema.references.resolve import models_by_reference

LONGEST_SEARCH = 20_000
"""Characters of a search that are read at all; a longer one is a mistake."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a list of models was asked for."""

    filter: ModelFilter | None
    found: Mapping[str, float] | None
    """Ref -> score of what the search found; None where there was no search."""


def _checked(search: str | None) -> str | None:
    """The search as it counts: none where nothing is typed. Raises a ClientError on one nobody can mean."""
    if search is not None and len(search) > LONGEST_SEARCH:
        raise ClientError(f"The search has {len(search)} characters; at most {LONGEST_SEARCH} are read.")
    return search.strip() or None if search else None


async def rankings(context: Context, searches: Sequence[str]) -> list[dict[str, float]]:
    """Ref -> score of the models that fit each search."""
    return [await ranked(context, search) for search in searches]


async def model_listing(
    context: Context, filter: ModelFilter | None, search: str | None, order: ModelOrder | None
) -> Listing:
    """Models under a filter, a search and an order; by relevance when there is a search and no other order."""
    text = _checked(search)
    ranking: Mapping[str, float] | None = None
    found = conditions(filter)
    scope = Scope(filter, None)
    if text is not None:
        ranking = await context.load(rankings, text)
        scope = Scope(filter, ranking)
        if order is not None and order.field is not ModelOrderField.RELEVANCE:
            found, ranking = (*found, context.among(col(tables.Model.ref), ranking)), None
    name = signature("models", filter, order, text)
    return Listing(tables.Model, model_order(order), found, name, scope=scope, ranking=ranking)


async def provider_listing(
    context: Context, filter: ProviderFilter | None, search: str | None, order: ProviderOrder | None
) -> Listing:
    """Providers under a filter, a search and an order; by relevance when there is a search and no other order."""
    text = _checked(search)
    ranking: Mapping[str, float] | None = None
    found = conditions(filter)
    if text is not None:
        ranking = await _scores(context, tables.Provider, text)
        if order is not None and order.field is not ProviderOrderField.RELEVANCE:
            found, ranking = (*found, col(tables.Provider.slug).in_(list(ranking))), None
    name = signature("providers", filter, order, text)
    return Listing(tables.Provider, provider_order(order), found, name, ranking=ranking)


async def family_listing(context: Context, search: str | None) -> Listing:
    """Families by name, or by relevance when there is a search."""
    text = _checked(search)
    order = Order(col(tables.Family.slug), col(tables.Family.name), nullable=False)
    ranking = None if text is None else await _scores(context, tables.Family, text)
    return Listing(tables.Family, order, (), signature("families", text), ranking=ranking)


async def _scores(context: Context, table: Any, text: str) -> dict[str, float]:
    """Slug -> score over a table short enough to be looked through."""
    rows = await context.tuples(sa.select(col(table.slug), col(table.name)))
    found = {row.slug: fits(text, row.slug, row.name) for row in rows}
    return {slug: round(score, 4) for slug, score in found.items() if score > 0}


NEWEST_CHANGES = Order(col(tables.Change.id), descending=True)


async def change_listing(context: Context, filter: ChangeFilter | None) -> Listing:
    """Changes under a filter, the newest first."""
    found = conditions(filter)
    if filter is not None and filter.models:
        # A reference may be spelt as people do; what it means is looked up in the registry as it is now.
        meant = await models_by_reference(context, [ref.strip() for ref in filter.models])
        refs = {*cleaned(filter.models), *(model.ref for model in meant if model is not None)}
        found = (*conditions(dataclasses.replace(filter, models=None)), of_models(sorted(refs)))
    return Listing(tables.Change, NEWEST_CHANGES, found, signature("changes", filter))
