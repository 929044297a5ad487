"""What a document may ask for: size, depth, aliases, and the objects it can bring, pages multiplied.

Everything is measured on the parsed document, before validation, whose own checks can be made slow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql.type import GraphQLInterfaceType

from schema.column_types import is_array
from schema.lists.cursors import DEFAULT_PAGE, LARGEST_PAGE

PLAIN_LIST = 5
"""Entries a list without pages is taken to have: prices, parameters, families of a provider."""
FACET_LIST = 100
"""Values a facet is taken to have: about as many as providers, and the work of counting them."""
MOST_FIELDS = 500
"""Fields in one selection set, fragments expanded: validation compares them pairwise."""
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
    """The extent of one selection set with everything below it."""

    depth: int = 0
    fields: int = 0
    cost: int = 0
    once: int = 0
    """What a connection brings besides, however long its page is."""


@dataclass(slots=True)
class Measurer:
    """Measures one operation; fragments are measured once, however often they are spread."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    ceiling: int
    known: dict[str, Measured] = field(default_factory=dict[str, Measured])
    under_way: set[str] = field(default_factory=set[str])

    def selection(self, node: SelectionSetNode, parent: Parent) -> Measured:
        total = Measured()
        for each in node.selections:
            if isinstance(each, FieldNode):
                found = self.field(each, parent)
                total.fields += 1
            elif isinstance(each, InlineFragmentNode):
                inner = parent
                if each.type_condition:
                    inner = self.parent(each.type_condition.name.value)
                found = self.selection(each.selection_set, inner)
                total.fields += found.fields
            else:
                assert isinstance(each, FragmentSpreadNode)
                found = self.fragment(each.name.value)
                total.fields += found.fields
            total.depth = max(total.depth, found.depth)
            # Bombs grow exponentially; past the ceiling the exact figure is of no use.
            total.cost = min(total.cost + found.cost, self.ceiling + 1)
            total.once = min(total.once + found.once, self.ceiling + 1)
            if total.fields > MOST_FIELDS:
                raise refuse(
                    f"A selection has more than {MOST_FIELDS} fields once fragments are expanded. Ask for fewer."
                )
        return total

    def fragment(self, name: str) -> Measured:
        definition = self.fragments.get(name)
        # Unknown and circular fragments are for validation to name.
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
            # Introspection has a rule of its own against nesting; here only its fields are bounded.
            self.selection(node.selection_set, None)
            return Measured(depth=1, cost=1)
        definition = parent.fields.get(name) if parent else None
        type_: Any = definition.type if definition else None
        named = cast("GraphQLNamedType | None", get_named_type(type_))
        inner = self.selection(
            node.selection_set, named if isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)) else None
        )
        factor = self.entries(node, type_, named, parent)
        cost = min(factor * (1 + inner.cost) + inner.once, self.ceiling + 1)
        if named is not None and named.name.endswith("Facets"):
            return Measured(1 + inner.depth, inner.fields, once=cost)
        return Measured(1 + inner.depth, inner.fields, cost)

    def entries(self, node: FieldNode, type_: Any, named: GraphQLNamedType | None, parent: Parent) -> int:
        """How many objects a field can bring, given its type, what that wraps, and the type it belongs to."""
        if isinstance(named, GraphQLObjectType) and named.name.endswith("Connection"):
            return self.page_size(node)
        if named is not None and named.name.endswith("Edge"):
            return 1  # counted with its connection
        if named is not None and named.name == "Facet":
            return FACET_LIST
        if isinstance(type_, GraphQLNonNull):
            type_ = cast(Any, type_).of_type
        if named is not None and named.name == "Comparison":
            return self.listed(node) or 1  # once for each model: all of it grows with them
        if not isinstance(type_, GraphQLList):
            return 1
        if node.name.value == "models" and parent is not None and parent.name == "Comparison":
            return 1  # counted with their comparison
        if node.name.value == "nodes" and not node.arguments:
            return 1  # counted with its connection
        listed = self.listed(node)
        return PLAIN_LIST if listed is None else listed

    def listed(self, node: FieldNode) -> int | None:
        """Number of entries in the first list among a field's arguments; None where there is none."""
        sizes = (self.length(argument.value) for argument in node.arguments or ())
        return next((size for size in sizes if size is not None), None)

    def page_size(self, node: FieldNode) -> int:
        sizes = [
            self.number(argument.value) for argument in node.arguments or () if argument.name.value in ("first", "last")
        ]
        known = [size for size in sizes if size is not None]
        # Oversized pages are refused by the field itself, in its own words.
        return max(1, min(max(known, default=DEFAULT_PAGE), LARGEST_PAGE))

    def number(self, node: Node) -> int | None:
        if isinstance(node, IntValueNode):
            return int(node.value) if len(node.value) < 10 else LARGEST_PAGE
        if isinstance(node, VariableNode):
            value = self.variables.get(node.name.value)
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        return None

    def length(self, node: Node) -> int | None:
        """Number of entries in a list argument such as ids or refs."""
        values = getattr(node, "values", None)
        if isinstance(node, VariableNode):
            values = self.variables.get(node.name.value)
        return len(values) if is_array(values) else None


def walk(node: Node) -> Iterator[Node]:
    """Every node below, without recursion: nesting is the attacker's to choose."""
    stack = [node]
    while stack:
        each = stack.pop()
        yield each
        for key in each.keys:
            value = getattr(each, key, None)
            if isinstance(value, Node):
                stack.append(value)
            elif is_array(value):
                stack.extend(item for item in value if isinstance(item, Node))


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Bounds that hold for the whole document, whatever runs. Raises GraphQLError."""
    aliases = directives = 0
    for node in walk(document):
        if isinstance(node, FieldNode) and node.alias:
            aliases += 1
        directives += len(getattr(node, "directives", None) or ())
    if aliases > limits.aliases:
        raise refuse(
            f"The document has {aliases} aliases; at most {limits.aliases} are allowed. Use nodes, or several requests."
        )
    if directives > MOST_DIRECTIVES:
        raise refuse(f"The document has {directives} directives; at most {MOST_DIRECTIVES} are allowed.")


def check_operation(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limits: Limits,
) -> int:
    """The cost of an operation with these variables. Raises GraphQLError when it, or its depth, is over the limit."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    defaults: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        value = definition.default_value
        if isinstance(value, IntValueNode) and len(value.value) < 10:
            defaults[definition.variable.name.value] = int(value.value)
        elif isinstance(value, ListValueNode):
            defaults[definition.variable.name.value] = list(value.values or ())
    measurer = Measurer(schema, fragments, {**defaults, **variables}, limits.cost)
    measured = measurer.selection(operation.selection_set, schema.get_root_type(operation.operation))
    if measured.depth > limits.depth:
        raise refuse(f"The document nests {measured.depth} levels deep; at most {limits.depth} are allowed.")
    if measured.cost > limits.cost:
        raise refuse(
            f"The document can bring more than {limits.cost} objects, pages multiplied. "
            "Ask for smaller pages (first), fewer levels, or in several requests."
        )
    return measured.cost


def check_fragments(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> None:
    """Bounds the fields of every fragment, used or not: validation compares them all. Raises GraphQLError."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measurer = Measurer(schema, fragments, {}, limits.cost)
    for name in fragments:
        measurer.fragment(name)
