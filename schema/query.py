"""Where every query begins, and the schema itself."""

from typing import Annotated, Any

import strawberry

from schema import dataloaders, tables
from schema.context import Info
from schema.errors import ClientError
from schema.lists.connection import After, Before, Connection, First, Last, Search
from schema.lists.cursors import Page, Slice
from schema.lists.filters import ChangeFilter, ModelFilter, ModelOrder, ProviderFilter, ProviderOrder
from schema.lists.listings import change_listing, family_listing, model_listing, provider_listing
from schema.lists.pagination import page
from schema.references.resolve import models_by_reference, resolutions
from schema.types.change import Change
from schema.types.comparison import Comparison, models_named
from schema.types.facets import ModelConnection
from schema.types.family import Family
from schema.types.model import Model
from schema.types.node import Node, find
from schema.types.provider import Provider
from schema.types.registry import Registry
from schema.types.resolution import ModelResolution

MOST_NODES = 100
"""Ids one `nodes` takes."""
LONGEST_REF = 500
"""Characters a reference may have."""


def checked_ref(ref: str) -> str:
    if len(ref) > LONGEST_REF:
        raise ClientError(f"The reference has {len(ref)} characters; no model's has more than {LONGEST_REF}.")
    return ref.strip()


@strawberry.type(description="Everything that can be asked.")
class Query:
    @strawberry.field(description="What this registry holds, how fresh it is and where it comes from.")
    @staticmethod
    def registry() -> Registry:
        return Registry()

    @strawberry.field(
        graphql_type=Model | None,
        description='One model by reference. Accepts "openai/gpt-4.1-mini", "openai:gpt-4.1-mini", '
        '"gpt-4.1-mini@openai", a bare model id, a dated snapshot, any recorded alias, and what gateways and SDKs make '
        "of them; resolveModel says how it was read. A bare id held by several providers resolves to the lab that made "
        "the model. Null when nothing matches with certainty.",
    )
    @staticmethod
    async def model(
        info: Info, ref: Annotated[str, strawberry.argument(description="The reference, in any spelling people use.")]
    ) -> Any:
        return await info.context.load(models_by_reference, checked_ref(ref))

    @strawberry.field(
        graphql_type=ModelResolution,
        description="How a reference is read: the model it means, how that is known, and what else it may mean.",
    )
    @staticmethod
    async def resolve_model(
        info: Info, ref: Annotated[str, strawberry.argument(description="The reference, in any spelling people use.")]
    ) -> Any:
        return await info.context.load(resolutions, checked_ref(ref))

    @strawberry.field(
        graphql_type=ModelConnection,
        description="Models under a filter and a search; by relevance when searching, else newest release first.",
    )
    @staticmethod
    async def models(
        info: Info,
        filter: Annotated[ModelFilter | None, strawberry.argument(description="Which models.")] = None,
        search: Search = None,
        order_by: Annotated[ModelOrder | None, strawberry.argument(description="In which order.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Model]:
        return await page(
            info.context,
            await model_listing(info.context, filter, search, order_by),
            Page.of(first, after, last, before),
        )

    @strawberry.field(graphql_type=Provider | None, description="One provider by its slug; null when there is none.")
    @staticmethod
    async def provider(
        info: Info, slug: Annotated[str, strawberry.argument(description="Its short name: openai.")]
    ) -> Any:
        return await info.context.load(dataloaders.providers, checked_ref(slug).lower().replace("\x00", ""))

    @strawberry.field(
        graphql_type=Connection[Provider],
        description="Providers under a filter and a search; by relevance when searching, or by name.",
    )
    @staticmethod
    async def providers(
        info: Info,
        filter: Annotated[ProviderFilter | None, strawberry.argument(description="Which providers.")] = None,
        search: Search = None,
        order_by: Annotated[ProviderOrder | None, strawberry.argument(description="In which order.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Provider]:
        return await page(
            info.context,
            await provider_listing(info.context, filter, search, order_by),
            Page.of(first, after, last, before),
        )

    @strawberry.field(graphql_type=Family | None, description="One family by its slug; null when there is none.")
    @staticmethod
    async def family(
        info: Info, slug: Annotated[str, strawberry.argument(description="Its short name: gpt-4.1.")]
    ) -> Any:
        name = checked_ref(slug).replace("\x00", "")
        # Upstream names families, and not all of them in lower case.
        exact = await info.context.load(dataloaders.families, name)
        return exact or await info.context.load(dataloaders.families, name.lower())

    @strawberry.field(graphql_type=Connection[Family], description="Families by name, or by relevance when searching.")
    @staticmethod
    async def families(
        info: Info,
        search: Search = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Family]:
        return await page(info.context, await family_listing(info.context, search), Page.of(first, after, last, before))

    @strawberry.field(
        graphql_type=Comparison,
        description="Two to eight models side by side, a row per fact, with the rows that differ marked. "
        "Refused with BAD_USER_INPUT when a reference means no model or the same one as another; the message names it.",
    )
    @staticmethod
    async def compare(
        info: Info,
        refs: Annotated[
            list[str],
            strawberry.argument(description="Two to eight references, in any spelling that `model` takes."),
        ],
    ) -> Any:
        return await models_named(info.context, [checked_ref(ref) for ref in refs])

    @strawberry.field(
        graphql_type=Connection[Change],
        description="What changed between refreshes, the newest first: models added and retired, prices and limits "
        "moved.",
    )
    @staticmethod
    async def changes(
        info: Info,
        filter: Annotated[ChangeFilter | None, strawberry.argument(description="Which changes.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Change]:
        listing = await change_listing(info.context, filter)
        return await page(info.context, listing, Page.of(first, after, last, before))

    @strawberry.field(graphql_type=Node | None, description="Anything with an id, by that id; null when there is none.")
    @staticmethod
    async def node(
        info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="An id this API gave out.")]
    ) -> Any:
        return await find(info.context, id)

    @strawberry.field(
        graphql_type=list[Node | None],
        description="Many things by id, in the order of the ids; null where there is none.",
    )
    @staticmethod
    async def nodes(
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Ids this API gave out, 100 at most.")],
    ) -> Any:
        if len(ids) > MOST_NODES:
            raise ClientError(f"nodes was given {len(ids)} ids; it takes at most {MOST_NODES}.")
        return [await find(info.context, id) for id in ids]
