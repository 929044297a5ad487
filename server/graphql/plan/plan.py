"""The plan of an operation: what to load and compute for all objects of a level at once.

    query ($ref: String!) { model(ref: $ref) { name prices { amount source { name } } } }

becomes selections, one for each type and place in the document, which `str(plan)` shows:

    Query
      model: Query.model <- models_by_reference (arguments from variables)
        name
        prices: Model.prices <- Rate rows by model_id (changes with the day)
          amount
          source: Price.source <- Source by slug
            name
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schema.declarations import Clock, Declaration
from server.graphql.plan.arguments import Arguments
from server.graphql.plan.build import Build, Member


class NotCoveredError(Exception):
    """The operation has something that plans don't do; the message says what. graphql-core executes it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Whether a field is a list, and where it may be null."""

    is_list: bool
    nullable: bool
    nullable_items: bool


@dataclass(slots=True, eq=False)
class FieldPlan:
    """One field of a selection, under its response key."""

    key: str
    coordinate: str
    """Type and field: Model.priceCards."""
    declaration: Declaration
    shape: Shape
    attribute: str
    """What to read from the row, if the field computes nothing."""
    arguments: Arguments
    serialize: Callable[[Any], Any] | None
    """Turns a value of a leaf into JSON; None if it is JSON already."""
    selections: "Mapping[str, Selection]"
    """What is selected of the objects, for each type that they can have; empty for a leaf."""
    type_of: Callable[[Any], str] | None
    """The type of an object, where it can have several."""
    clock: Clock

    def describe(self) -> str:
        parts = [f"{self.key}: {self.coordinate}"]
        if self.declaration.needs:
            parts.append("<- " + ", ".join(batch.__name__ for batch in self.declaration.needs))
        if callable(self.arguments):
            parts.append("(arguments from variables)")
        if self.clock is not Clock.NEVER:
            parts.append(f"(changes with the {self.clock.name.lower()})")
        return " ".join(parts)


@dataclass(slots=True, eq=False)
class Selection:
    """The fields selected of one type at one place in the document, in the order of the response."""

    type_name: str
    members: tuple[Member, ...]
    """What the response holds: attributes of rows as they are, and the columns of the computed fields."""
    computed: tuple[FieldPlan, ...]
    """The fields that are more than an attribute of the row."""
    build: Build
    """Makes the objects of the response."""
    clock: Clock
    """How the objects depend on the time of the request."""
    uses_variables: bool
    """Whether the objects depend on the variables of the request."""
    runs: int = 0
    """How often it was run: what only pays for a selection that comes again is left out the first time."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A compiled operation."""

    root: Selection

    @property
    def clock(self) -> Clock:
        """How its answers depend on the time of the request."""
        return self.root.clock

    def __str__(self) -> str:
        return "\n".join([self.root.type_name, *lines(self.root, "  ")])


def lines(selection: Selection, indent: str) -> Iterator[str]:
    computed = {plan.key: plan for plan in selection.computed}
    for member in selection.members:
        plan = computed.get(member.key)
        yield indent + (plan.describe() if plan else member.key)
        if plan is None:
            continue
        for name, below in plan.selections.items():
            if len(plan.selections) > 1:
                yield f"{indent}  ... on {name}"
            yield from lines(below, indent + "  ")
