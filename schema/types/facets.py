"""The connection of models: a page of them, and the facets of the whole list."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent, lazy

from schema.context import Info
from schema.lists.connection import Connection
from schema.lists.cursors import Slice
from schema.lists.facets import DecimalRange, Facet, IntRange, facets

if TYPE_CHECKING:
    from schema.types.model import Model


async def facet(name: str, page: Slice[Any], info: Info) -> Any:
    return await info.context.load(facets, (name, page.listing, page.parent))


@strawberry.type(
    description="How a list of models divides, by each of the things it is most often narrowed by. Lists come with the "
    "largest count first, then by label. Each is counted under the whole filter and search except, where said, a "
    "filter of its own: the one given at the top of `filter`, not those within its and, or and not."
)
class ModelFacets:
    @strawberry.field(
        graphql_type=list[Facet],
        description="Providers, by slug. Counted without the filter `providers`: what adding one would bring.",
    )
    @staticmethod
    async def providers(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("providers", page, info)

    @strawberry.field(
        graphql_type=list[Facet],
        description="Families, by slug. Counted without the filter `families`: what adding one would bring.",
    )
    @staticmethod
    async def families(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("families", page, info)

    @strawberry.field(
        graphql_type=list[Facet],
        description="Capabilities. The filter `capabilities` asks for all of its words, so it stays: "
        "the count is of the models left once the word is added to it.",
    )
    @staticmethod
    async def capabilities(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("capabilities", page, info)

    @strawberry.field(
        graphql_type=list[Facet],
        description="Kinds of content read. The filter `inputModalities` asks for all of its words, so it stays: "
        "the count is of the models left once the word is added to it.",
    )
    @staticmethod
    async def input_modalities(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("input_modalities", page, info)

    @strawberry.field(
        graphql_type=list[Facet],
        description="Statuses. Counted without the filter `statuses`: what adding one would bring.",
    )
    @staticmethod
    async def statuses(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("statuses", page, info)

    @strawberry.field(
        graphql_type=list[Facet],
        description="Access types. Counted without the filter `accessTypes`: what adding one would bring.",
    )
    @staticmethod
    async def access_types(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("access_types", page, info)

    @strawberry.field(
        graphql_type=DecimalRange,
        description="Standard input prices, in USD per 1M tokens, of the models that have one. "
        "Taken without the filter `maxInputPrice`.",
    )
    @staticmethod
    async def input_price(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("input_price", page, info)

    @strawberry.field(
        graphql_type=IntRange,
        description="Context windows, in tokens, of the models that have one. "
        "Taken without the filter `minContextWindow`.",
    )
    @staticmethod
    async def context_window(page: Parent[Slice[Any]], info: Info) -> Any:
        return await facet("context_window", page, info)


@strawberry.type(description="One page of a list of models, and how the whole list divides.")
class ModelConnection(Connection[Annotated["Model", lazy("schema.types.model")]]):
    @strawberry.field(
        graphql_type=ModelFacets,
        description="How the whole list, filtered and searched, divides. Counted only as far as asked for.",
    )
    @staticmethod
    def facets(page: Parent[Slice[Any]]) -> Any:
        return page
