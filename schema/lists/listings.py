"""The lists of the graph. Their parameters after the context are the arguments of the connections that show them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.declarations import argument
from schema.enums import ModelOrderField, ProviderOrderField
from schema.errors import ClientError
from schema.lists.cursors import Listing, Order
from schema.lists.filters import ChangeFilter, ModelFilter, ProviderFilter, cleaned, conditions, of_models, signature
from schema.lists.orders import ModelOrder, ProviderOrder, model_order, provider_order
from schema.lists.search import fits, ranked
from schema.references.resolve import models_by_reference

LONGEST_SEARCH = 20_000
"""Characters of a search; a longer one is a mistake."""

WhichModels = Annotated[ModelFilter | None, argument("Which models to list.")]
WhichProviders = Annotated[ProviderFilter | None, argument("Which providers to list.")]
WhichChanges = Annotated[ChangeFilter | None, argument("Which changes to list.")]
OrderModels = Annotated[ModelOrder | None, argument("In which order; newest release first by default.")]
OrderProviders = Annotated[ProviderOrder | None, argument("In which order; by name by default.")]
SearchModels = Annotated[
    str | None,
    argument(
        "Words to look for in names, ids, families, providers and descriptions; typos are tolerated. "
        "Results are ordered by relevance unless orderBy says otherwise."
    ),
]
SearchNames = Annotated[
    str | None,
    argument("Words to look for in names and slugs; typos are tolerated. Results are ordered by relevance."),
]


@dataclass(frozen=True, slots=True)
class Scope:
    """The filter and the search of a list of models."""

    filter: ModelFilter | None
    found: Mapping[str, float] | None
    """Ref -> score of what the search found; None without a search."""


def _checked(search: str | None) -> str | None:
    """The search text; None if it is blank. Raises a ClientError if it is too long."""
    if search is not None and len(search) > LONGEST_SEARCH:
        raise ClientError(f"search must have at most {LONGEST_SEARCH} characters (got {len(search)}).")
    return search.strip() or None if search else None


async def rankings(context: Context, searches: Sequence[str]) -> list[dict[str, float]]:
    """Ref -> score of the models that match each search."""
    return [await ranked(context, search) for search in searches]


async def model_listing(
    context: Context, filter: WhichModels = None, search: SearchModels = None, order_by: OrderModels = None
) -> Listing:
    """Models under a filter, a search and an order; by relevance if there is a search and no other order."""
    text = _checked(search)
    ranking = None if text is None else await context.load(rankings, text)
    order, found = model_order(order_by), conditions(filter)
    by_relevance = order_by is None or order_by.field is ModelOrderField.RELEVANCE
    if ranking is not None and not by_relevance:
        found = (*found, context.among(order.key, ranking))
    name = signature("models", filter, order_by, text)
    scope = Scope(filter, ranking)
    return Listing(tables.Model, order, found, name, scope, ranking if by_relevance else None)


async def models_of_family(context: Context, filter: WhichModels = None, order_by: OrderModels = None) -> Listing:
    """Models under a filter and an order, without a search."""
    return await model_listing(context, filter, None, order_by)


async def provider_listing(
    context: Context, filter: WhichProviders = None, search: SearchNames = None, order_by: OrderProviders = None
) -> Listing:
    """Providers under a filter, a search and an order; by relevance if there is a search and no other order."""
    text = _checked(search)
    ranking = None if text is None else await _scores(context, tables.Provider, text)
    order, found = provider_order(order_by), conditions(filter)
    by_relevance = order_by is None or order_by.field is ProviderOrderField.RELEVANCE
    if ranking is not None and not by_relevance:
        found = (*found, context.among(order.key, ranking))
    name = signature("providers", filter, order_by, text)
    return Listing(tables.Provider, order, found, name, ranking=ranking if by_relevance else None)


async def family_listing(context: Context, search: SearchNames = None) -> Listing:
    """Families by name, or by relevance if there is a search."""
    text = _checked(search)
    order = Order(col(tables.Family.slug), col(tables.Family.name))
    ranking = None if text is None else await _scores(context, tables.Family, text)
    return Listing(tables.Family, order, (), signature("families", text), ranking=ranking)


async def _scores(context: Context, table: type[tables.Provider] | type[tables.Family], text: str) -> dict[str, float]:
    """Slug -> score of the rows that match a search, for tables small enough to read whole."""
    rows = await context.tuples(sa.select(col(table.slug), col(table.name)))
    found = {row.slug: fits(text, row.slug, row.name) for row in rows}
    return {slug: round(score, 4) for slug, score in found.items() if score > 0}


NEWEST_CHANGES = Order(col(tables.Change.id), descending=True)


async def change_listing(context: Context, filter: WhichChanges = None) -> Listing:
    """Changes under a filter, newest first."""
    found = conditions(filter)
    if filter is not None and filter.models:
        # References are resolved against the registry as it is now; a model that is gone keeps its recorded ref.
        meant = await models_by_reference(context, [ref.strip() for ref in filter.models])
        refs = {*cleaned(filter.models), *(model.ref for model in meant if model is not None)}
        found = (*conditions(dataclasses.replace(filter, models=None)), of_models(sorted(refs)))
    return Listing(tables.Change, NEWEST_CHANGES, found, signature("changes", filter))


async def all_changes(context: Context) -> Listing:
    """Every change, newest first."""
    return await change_listing(context)
