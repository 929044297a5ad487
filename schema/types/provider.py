"""Providers: who sells models."""

from typing import Annotated, Any

import strawberry
from strawberry import Parent, auto

from schema import dataloaders, tables
from schema.context import Info
from schema.declarations import of
from schema.lists.connection import After, Before, First, Last, Search
from schema.lists.cursors import Page, Slice
from schema.lists.filters import ModelFilter, ModelOrder
from schema.lists.listings import model_listing
from schema.lists.pagination import Nested, nested_pages
from schema.scalars import URL
from schema.types.facets import ModelConnection
from schema.types.family import Family
from schema.types.node import Node


@of(tables.Provider)
class Provider(Node):
    slug: auto
    name: auto
    kind: auto
    credential_variables: auto
    model_count: auto

    @strawberry.field(description="Home page. Source: curated.")
    @staticmethod
    def website_url(provider: Parent[tables.Provider]) -> URL | None:
        return None if provider.website_url is None else URL(provider.website_url)

    @strawberry.field(description="Documentation of its models or API. Sources: curated, models.dev.")
    @staticmethod
    def docs_url(provider: Parent[tables.Provider]) -> URL | None:
        return None if provider.docs_url is None else URL(provider.docs_url)

    @strawberry.field(
        description="Address that API paths are appended to; may hold ${VARIABLES} to fill in. "
        "Sources: curated, models.dev."
    )
    @staticmethod
    def api_base_url(provider: Parent[tables.Provider]) -> URL | None:
        return None if provider.api_base_url is None else URL(provider.api_base_url)

    @strawberry.field(
        graphql_type=ModelConnection,
        description="Models it sells or sold; newest release first unless ordered otherwise.",
    )
    @staticmethod
    async def models(
        provider: Parent[tables.Provider],
        info: Info,
        filter: Annotated[ModelFilter | None, strawberry.argument(description="Which of its models.")] = None,
        search: Search = None,
        order_by: Annotated[ModelOrder | None, strawberry.argument(description="In which order.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Model]:
        nested = Nested(
            await model_listing(info.context, filter, search, order_by),
            Page.of(first, after, last, before),
            "provider_slug",
        )
        return await info.context.load(nested_pages, (provider.slug, nested))

    @strawberry.field(graphql_type=list[Family], description="Families it sells a model of, by name.")
    @staticmethod
    async def families(provider: Parent[tables.Provider], info: Info) -> Any:
        return await info.context.load(dataloaders.families_by_provider, provider.slug)
