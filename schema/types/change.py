"""Changes: what moved between two revisions."""

from typing import Any

import strawberry
from strawberry import Parent, auto

from schema import dataloaders, tables
from schema.context import Info
from schema.declarations import of
from schema.scalars import JSON
from schema.types.model import Model
from schema.types.node import Node
from schema.types.provider import Provider
from schema.types.revision import Revision


@of(tables.Change)
class Change(Node):
    kind: auto
    field: auto
    observed_at: auto

    @strawberry.field(graphql_type=Model | None, description="The model it is about; null for a provider's own change.")
    @staticmethod
    async def model(change: Parent[tables.Change], info: Info) -> Any:
        return change.model_ref and await info.context.load(dataloaders.models_by_ref, change.model_ref)

    @strawberry.field(
        graphql_type=Provider | None,
        description="The provider it is about, or who serves the model; null once the provider has left.",
    )
    @staticmethod
    async def provider(change: Parent[tables.Change], info: Info) -> Any:
        return change.provider_slug and await info.context.load(dataloaders.providers, change.provider_slug)

    @strawberry.field(description="The value before; null where there was none. Amounts of money are strings.")
    @staticmethod
    def before(change: Parent[tables.Change]) -> JSON | None:
        return JSON(change.before)

    @strawberry.field(description="The value after; null where there is none any more. Amounts of money are strings.")
    @staticmethod
    def after(change: Parent[tables.Change]) -> JSON | None:
        return JSON(change.after)

    @strawberry.field(graphql_type=Revision, description="The revision that brought it.")
    @staticmethod
    async def revision(change: Parent[tables.Change], info: Info) -> Any:
        return await info.context.load(dataloaders.revisions, change.revision_number)
