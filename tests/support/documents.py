"""Random documents over the schema: valid ones, whose arguments may still be refused when they run."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

ALIASES = ("a", "b", "name", "nodes")
TEXTS: Mapping[str, Sequence[Any]] = {
    "after": ("W10", "nonsense", ""),
    "before": ("W10", "nonsense"),
    "search": ("tiny", "gpt", "claude opus", "zzzz", "", "cheap vision"),
    "fields": ("contextWindow", "price", "nope"),
}


@dataclass
class Known:
    """Values of the registry that arguments are drawn from, besides wrong ones."""

    refs: Sequence[str]
    slugs: Sequence[str]
    ids: Sequence[str]


@dataclass
class Writer:
    """Writes one document with its variables."""

    schema: GraphQLSchema
    known: Known
    random: random.Random
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    declared: list[str] = field(default_factory=list[str])
    fragments: list[str] = field(default_factory=list[str])
    budget: int = 40
    """Fields left to write."""

    def document(self) -> str:
        assert self.schema.query_type
        selection = self.selection(self.schema.query_type, depth=0)
        variables = f"({', '.join(self.declared)})" if self.declared else ""
        return "\n".join([f"query Random{variables} {selection}", *self.fragments])

    def selection(self, parent: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        names = [name for name in parent.fields if depth < 6 or not self.is_composite(parent, name)]
        chosen = self.random.choices(names, k=self.random.randint(1, 2 if depth == 0 else 5)) if names else []
        parts: list[str] = []
        taken: dict[str, str] = {}
        for name in chosen:
            if self.budget > 0:
                self.budget -= 1
                if part := self.selected(parent, name, depth, taken):
                    parts.append(part)
        if not parts or self.random.random() < 0.1:
            parts.append("__typename")
        if depth and self.random.random() < 0.12:
            parts = [self.fragment(parent, parts)]
        if depth and self.random.random() < 0.08:
            parts.append(f"... @{self.condition()} {{ __typename }}")
        return "{ " + " ".join(parts) + " }"

    def is_composite(self, parent: GraphQLObjectType | GraphQLInterfaceType, name: str) -> bool:
        return is_composite_type(named(parent.fields[name].type))

    def selected(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int, taken: dict[str, str]
    ) -> str | None:
        definition: Any = parent.fields[name]
        below = named(definition.type)
        body = self.selection(below, depth + 1) if isinstance(below, (GraphQLObjectType, GraphQLInterfaceType)) else ""
        if isinstance(below, GraphQLInterfaceType) and self.random.random() < 0.8:
            concrete = self.random.choice(self.schema.get_possible_types(below))
            body = body[:-1] + f"... on {concrete.name} {self.selection(concrete, depth + 1)} }}"
        given = [
            f"{argument}: {self.value(definition.args[argument], argument)}"
            for argument in definition.args
            if is_required_argument(definition.args[argument]) or self.random.random() < 0.3
        ]
        call = name + (f"({', '.join(given)})" if given else "")
        key = self.random.choice(ALIASES) if self.random.random() < 0.15 else name
        # Fields under one key must be the same field with the same arguments; then their selections are merged.
        if taken.get(key, call) != call:
            key = f"k{self.budget}"
        taken.setdefault(key, call)
        directive = f" @{self.condition()}" if self.random.random() < 0.05 else ""
        return f"{f'{key}: ' if key != name else ''}{call}{directive} {body}".strip()

    def fragment(self, parent: GraphQLObjectType | GraphQLInterfaceType, parts: list[str]) -> str:
        if self.random.random() < 0.5:
            return f"... on {parent.name} {{ {' '.join(parts)} }}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {parent.name} {{ {' '.join(parts)} }}")
        return f"...{name} ...{name}"

    def condition(self) -> str:
        value = self.random.choice(["true", "false"])
        if self.random.random() < 0.5:
            value = self.variable("Boolean!", self.random.random() < 0.5)
        return f"{self.random.choice(['skip', 'include'])}(if: {value})"

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: {type_}")
        self.variables[name] = value
        return f"${name}"

    def value(self, argument: Any, name: str) -> str:
        type_: Any = argument.type
        value = self.drawn(type_, name, 0)
        if self.random.random() < 0.4 and not (value is None and str(type_).endswith("!")):
            return self.variable(str(type_), value)
        return literal(value, type_)

    def drawn(self, type_: Any, name: str, depth: int) -> Any:
        """A value of an input type: mostly one that means something."""
        type_ = unwrapped(type_, GraphQLNonNull)
        if depth == 0 and self.random.random() < 0.04:
            return None
        if isinstance(type_, GraphQLList):
            return [
                value
                for value in (
                    self.drawn(cast(Any, type_).of_type, name, depth + 1) for _ in range(self.random.randint(0, 3))
                )
                if value is not None
            ]
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            members = {
                member: self.drawn(definition.type, member, depth + 1)
                for member, definition in type_.fields.items()
                if is_required_input_field(definition) or (depth < 3 and self.random.random() < 0.2)
            }
            return {member: value for member, value in members.items() if value is not None}
        return self.scalar(type_.name, name)

    def scalar(self, type_: str, name: str) -> Any:
        choose = self.random.choice
        if type_ == "Int":
            return choose([0, 1, 2, 3, 5, 20, 1000, -1])
        if type_ == "Boolean":
            return choose([True, False])
        if type_ == "Decimal":
            return choose(["0", "1", "2.5", "100"])
        if type_ == "BigInt":
            return choose([0, 1, 1000, 250_000, -5])
        if type_ == "Date":
            return choose(["2025-01-01", "2026-06-30"])
        if type_ == "DateTime":
            return choose(["2026-01-01T00:00:00Z", "2026-11-23T12:00:00Z"])
        if type_ == "ID":
            return choose([*self.known.ids, "nonsense"])
        if name in TEXTS:
            return choose(TEXTS[name])
        if name in ("ref", "refs", "models"):
            return choose([*self.known.refs, "nobody/nothing"])
        return choose([*self.known.slugs, "nobody"])


def unwrapped(type_: object, *wrappers: type) -> Any:
    """A type without these wrappers around it."""
    while isinstance(type_, wrappers):
        type_ = cast(Any, type_).of_type
    return type_


def named(type_: object) -> Any:
    return unwrapped(type_, GraphQLNonNull, GraphQLList)


def literal(value: Any, type_: Any) -> str:
    """The value as it is written in a document."""
    inner = unwrapped(type_, GraphQLNonNull)
    if value is None:
        return "null"
    if isinstance(inner, GraphQLList):
        item = cast(Any, inner).of_type
        return f"[{', '.join(literal(entry, item) for entry in value)}]"
    if isinstance(inner, GraphQLEnumType):
        return str(value)
    if isinstance(inner, GraphQLInputObjectType):
        members = (f"{name}: {literal(entry, inner.fields[name].type)}" for name, entry in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'
