"""Limits of a document: depth, aliases, directives, fields, and the objects it can return, lists multiplied.

Each field declares what it can return (`schema/declarations.py`). Everything is measured on the parsed document before
validation, since a document can make validation itself slow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql.type import GraphQLInterfaceType

from schema.column_types import is_array
from schema.declarations import Declaration, Kind, declared

MOST_FIELDS = 500
"""Fields in one selection set with its fragments: validation compares them pairwise."""
MOST_DIRECTIVES = 100
COST_LIMIT = "COST_LIMIT"
Parent = GraphQLObjectType | GraphQLInterfaceType | None


@dataclass(frozen=True, slots=True)
class Limits:
    depth: int
    aliases: int
    cost: int


def refuse(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": COST_LIMIT})


@dataclass(slots=True)
class Measured:
    """The size of one selection set with everything below it."""

    depth: int = 0
    fields: int = 0
    cost: int = 0
    once: int = 0
    """The part of the cost that does not grow with the page above: facets and pageInfo."""


@dataclass(slots=True)
class Measurer:
    """Measures one operation. Each fragment is measured once, however often it is spread."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]
    ceiling: int
    known: dict[str, Measured] = field(default_factory=dict[str, Measured])
    under_way: set[str] = field(default_factory=set[str])

    def selection(self, node: SelectionSetNode, parent: Parent) -> Measured:
        total = Measured()
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                found = self.field(selection, parent)
                total.fields += 1
            elif isinstance(selection, InlineFragmentNode):
                inner = parent
                if selection.type_condition:
                    inner = self.parent(selection.type_condition.name.value)
                found = self.selection(selection.selection_set, inner)
                total.fields += found.fields
            else:
                assert isinstance(selection, FragmentSpreadNode)
                found = self.fragment(selection.name.value)
                total.fields += found.fields
            total.depth = max(total.depth, found.depth)
            # The cost can grow exponentially; above the ceiling the exact number does not matter.
            total.cost = min(total.cost + found.cost, self.ceiling + 1)
            total.once = min(total.once + found.once, self.ceiling + 1)
            if total.fields > MOST_FIELDS:
                raise refuse(
                    f"A selection has more than {MOST_FIELDS} fields, including its fragments. Request fewer fields."
                )
        return total

    def fragment(self, name: str) -> Measured:
        definition = self.fragments.get(name)
        # Validation reports unknown and circular fragments.
        if definition is None or name in self.under_way:
            return Measured()
        if name not in self.known:
            self.under_way.add(name)
            self.known[name] = self.selection(
                definition.selection_set, self.parent(definition.type_condition.name.value)
            )
            self.under_way.discard(name)
        return self.known[name]

    def parent(self, name: str) -> Parent:
        found = self.schema.get_type(name)
        return found if isinstance(found, (GraphQLObjectType, GraphQLInterfaceType)) else None

    def field(self, node: FieldNode, parent: Parent) -> Measured:
        if node.selection_set is None:
            return Measured(depth=1)
        name = node.name.value
        if name.startswith("__"):
            # Introspection has its own rule against nesting; only its fields are counted here.
            self.selection(node.selection_set, None)
            return Measured(depth=1, cost=1)
        definition = parent.fields.get(name) if parent else None
        inner = self.selection(node.selection_set, returned(definition))
        declaration = (declared(definition) if definition else None) or UNDECLARED
        entries = self.entries(node, declaration)
        own = entries if declaration.weight is None else declaration.weight
        # What does not grow with the entries of a page: its facets, and the connection's own share of them.
        cost = min(own + entries * inner.cost + inner.once, self.ceiling + 1)
        if declaration.once:
            return Measured(1 + inner.depth, inner.fields, once=cost)
        return Measured(1 + inner.depth, inner.fields, cost)

    def entries(self, node: FieldNode, declaration: Declaration) -> int:
        """How many objects a field can return, given its arguments."""
        largest = declaration.largest
        if largest is None or declaration.counted_above:
            return 1
        sizes = (
            self.size(argument.value, largest)
            for argument in node.arguments or ()
            if argument.name.value in declaration.sized_by
        )
        known = [size for size in sizes if size is not None]
        # The field itself refuses sizes that are out of range.
        return max(1, min(max(known, default=declaration.usual or largest), largest))

    def size(self, node: Node, largest: int) -> int | None:
        """The number of entries that an argument asks for, as a number or as a list; None if it does not say."""
        if isinstance(node, IntValueNode):
            return int(node.value) if len(node.value) < 10 else largest
        value: object = getattr(node, "values", None)
        if isinstance(node, VariableNode):
            value = self.variables.get(node.name.value)
        if is_array(value):
            return len(value)
        if value is None or isinstance(value, (bool, str)):
            return None
        # JSON may write a whole number as 100.0.
        return int(min(value, largest)) if isinstance(value, (int, float)) else largest


UNDECLARED = Declaration(kind=Kind.COLUMN)


def returned(definition: GraphQLField | None) -> Parent:
    """The composite type that a field returns or lists."""
    field: Any = definition
    named: object = cast(Any, get_named_type)(field.type) if field else None
    return named if isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)) else None


def walk(node: Node) -> Iterator[Node]:
    """Every node below, without recursion, since a client chooses how deep it nests."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        for key in current.keys:
            value = getattr(current, key, None)
            if isinstance(value, Node):
                stack.append(value)
            elif is_array(value):
                stack.extend(item for item in value if isinstance(item, Node))


@dataclass(slots=True)
class Survey:
    """What one pass over a whole document counts, whichever operation runs."""

    aliases: int = 0
    directives: int = 0
    variables: set[str] = field(default_factory=set[str])
    """Names of the variables in arguments."""
    directive_variables: set[str] = field(default_factory=set[str])
    """Names of those in the arguments of directives."""

    def directive(self, node: DirectiveNode) -> None:
        self.directives += 1
        for argument in node.arguments or ():
            self.directive_variables |= variables_in(argument.value)


def survey(document: DocumentNode) -> Survey:
    found = Survey()
    stack: list[Node] = list(document.definitions)
    while stack:
        node: Any = stack.pop()
        if isinstance(node, FieldNode):
            found.aliases += node.alias is not None
            for argument in node.arguments or ():
                found.variables |= variables_in(argument.value)
        elif isinstance(node, OperationDefinitionNode):
            stack += node.variable_definitions or ()
        for directive in getattr(node, "directives", None) or ():
            found.directive(directive)
        selection_set = getattr(node, "selection_set", None)
        if selection_set is not None:
            stack += selection_set.selections
    found.variables |= found.directive_variables
    return found


def own_text(node: SelectionSetNode) -> str | None:
    """The text of a selection set, if that is all it depends on: neither on variables nor on fragments."""
    location = node.loc
    if location is None:
        return None
    text = location.source.body[location.start : location.end]
    return None if "$" in text or "..." in text else text


def variables_in(value: Node) -> set[str]:
    """Names of the variables in a value."""
    if isinstance(value, VariableNode):
        return {value.name.value}
    if not isinstance(value, (ListValueNode, ObjectValueNode)):
        return set()
    return {node.name.value for node in walk(value) if isinstance(node, VariableNode)}


def check_document(found: Survey, limits: Limits) -> None:
    """Checks the limits of the whole document, whichever operation runs. Raises GraphQLError."""
    if found.aliases > limits.aliases:
        raise refuse(
            f"The document has {found.aliases} aliases; at most {limits.aliases} are allowed. "
            "Use lists or several requests."
        )
    if found.directives > MOST_DIRECTIVES:
        raise refuse(f"The document has {found.directives} directives; at most {MOST_DIRECTIVES} are allowed.")


def check_operation(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
    limits: Limits,
) -> int:
    """The cost of an operation with these variables. Raises GraphQLError if the cost or the depth exceeds its limit."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    defaults: dict[str, object] = {}
    for definition in operation.variable_definitions or ():
        value = definition.default_value
        if isinstance(value, IntValueNode) and len(value.value) < 10:
            defaults[definition.variable.name.value] = int(value.value)
        elif isinstance(value, ListValueNode):
            defaults[definition.variable.name.value] = list(value.values or ())
    measurer = Measurer(schema, fragments, {**defaults, **variables}, limits.cost)
    measured = measurer.selection(operation.selection_set, schema.get_root_type(operation.operation))
    if measured.depth > limits.depth:
        raise refuse(f"The document is nested {measured.depth} levels deep; at most {limits.depth} are allowed.")
    if measured.cost > limits.cost:
        raise refuse(
            f"The document can return more than {limits.cost} objects, nested lists multiplied. "
            "Request shorter lists (first), fewer levels, or use several requests."
        )
    return measured.cost


def check_fragments(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> None:
    """Checks the fields of every fragment, used or not, since validation compares them all. Raises GraphQLError."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measurer = Measurer(schema, fragments, {}, limits.cost)
    for name in fragments:
        measurer.fragment(name)
