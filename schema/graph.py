"""The executable schema, and its SDL."""

from typing import TypeVar

import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from graphql.type import GraphQLInterfaceType
from strawberry.schema.config import StrawberryConfig

from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription
from schema.types.change import Change
from schema.types.family import Family
from schema.types.model import Model
from schema.types.provider import Provider

T = TypeVar("T")

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Model, Provider, Family, Change],
    config=StrawberryConfig(scalar_map=SCALARS),
)


def alphabetical(graph: GraphQLSchema) -> GraphQLSchema:
    """Sorts fields, arguments and values, for readers and diffs.

    It changes the schema itself, because Strawberry's `sort_schema` rebuilds enums without their Python values.
    """

    def sort(members: dict[str, T]) -> None:
        pairs = sorted(members.items())
        members.clear()
        members.update(pairs)

    for type_ in graph.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            sort(type_.fields)
            for definition in type_.fields.values():
                sort(definition.args)
        elif isinstance(type_, GraphQLInputObjectType):
            sort(type_.fields)
        elif isinstance(type_, GraphQLEnumType):
            sort(type_.values)
    return graph


graph = alphabetical(schema._schema)  # pyright: ignore[reportPrivateUsage] - Strawberry gives it no public name
"""The schema as graphql-core executes it."""


def sdl() -> str:
    """The schema in GraphQL's definition language, as committed in schema/schema.graphql."""
    return schema.as_str() + "\n"
