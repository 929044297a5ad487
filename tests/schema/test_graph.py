"""The promise: the committed schema is current, and every part of it has a description."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
)

from schema.graph import graph, sdl

COMMITTED = Path(__file__).parents[2] / "schema" / "schema.graphql"
OURS = {name: type_ for name, type_ in graph.type_map.items() if not name.startswith("__")}


def test_the_committed_schema_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == sdl(), "run: modelmeta sdl --output schema/schema.graphql"


def test_the_printed_schema_can_be_parsed() -> None:
    assert build_schema(sdl()).query_type


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_type_and_all_its_members_are_described(name: str) -> None:
    type_ = OURS[name]
    undescribed: list[str] = [] if type_.description else [name]
    if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
        for field, definition in type_.fields.items():
            undescribed += [] if definition.description else [f"{name}.{field}"]
            for argument, each in definition.args.items():
                undescribed += [] if each.description else [f"{name}.{field}({argument})"]
    elif isinstance(type_, GraphQLInputObjectType):
        undescribed += [f"{name}.{field}" for field, each in type_.fields.items() if not each.description]
    elif isinstance(type_, GraphQLEnumType):
        undescribed += [f"{name}.{value}" for value, each in type_.values.items() if not each.description]
    if name not in ("String", "Int", "Float", "Boolean", "ID"):
        assert undescribed == []


@pytest.mark.parametrize("name", ["Decimal", "Date", "DateTime", "JSON", "URL"])
def test_every_scalar_names_its_specification(name: str) -> None:
    type_ = OURS[name]
    assert isinstance(type_, GraphQLScalarType)
    assert (type_.specified_by_url or "").startswith("https://")
