"""Families: lines of models that share a name."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry
from strawberry import Parent, auto, lazy

from schema import dataloaders, tables
from schema.context import Info
from schema.declarations import of
from schema.lists.connection import After, Before, First, Last
from schema.lists.cursors import Page, Slice
from schema.lists.filters import ModelFilter, ModelOrder
from schema.lists.listings import model_listing
from schema.lists.pagination import Nested, nested_pages
from schema.types.facets import ModelConnection
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.model import Model

MaybeModel: TypeAlias = Annotated["Model", lazy("schema.types.model")] | None


@of(tables.Family)
class Family(Node):
    slug: auto
    name: auto
    model_count: auto

    @strawberry.field(
        graphql_type=MaybeModel,
        description="The model to start with; null where none is named. Source: curated.",
    )
    @staticmethod
    async def default_model(family: Parent[tables.Family], info: Info) -> Any:
        if family.default_model_ref is None:
            return None
        return await info.context.load(dataloaders.models_by_ref, family.default_model_ref)

    @strawberry.field(
        graphql_type=ModelConnection,
        description="Its models at all providers; newest release first unless ordered otherwise.",
    )
    @staticmethod
    async def models(
        family: Parent[tables.Family],
        info: Info,
        filter: Annotated[ModelFilter | None, strawberry.argument(description="Which of its models.")] = None,
        order_by: Annotated[ModelOrder | None, strawberry.argument(description="In which order.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Model]:
        nested = Nested(
            await model_listing(info.context, filter, None, order_by),
            Page.of(first, after, last, before),
            "family_slug",
        )
        return await info.context.load(nested_pages, (family.slug, nested))
