"""Proves in one pass that a document is valid, for the documents that clients usually send.

graphql-core's validation applies thirty rules one by one, which takes longer than running most queries. This check
knows only what is certainly right: a document it accepts has no error under any of those rules, and one it does not
accept is left to graphql-core, which says what is wrong, if anything is.

Left to graphql-core are mutations and subscriptions, introspection, fields selected again that are more than the same
leaf, directives other than @skip and @include, and variables in places whose type is not simply theirs.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

import graphql
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_leaf_type,
    is_type_sub_type_of,
)
from graphql.type import GraphQLInterfaceType

from schema.cache import Cache
from server.graphql.limits import own_text

# Partially typed in graphql-core.
core: Any = graphql
Composite = GraphQLObjectType | GraphQLInterfaceType
MOST_VISITED: Final = 5_000
"""Selections looked at, those of a fragment again wherever it is spread."""


class NotCertainError(Exception):
    """The document may have an error."""


def is_certainly_valid(schema: GraphQLSchema, document: DocumentNode, proven: Cache[bool] | None = None) -> bool:
    """True only if graphql-core's validation finds no error in the document.

    `proven` holds selections of earlier documents that are valid, by type and text, and gets those of this one.
    """
    try:
        Proof(schema, document, Cache(0) if proven is None else proven).check()
    except (NotCertainError, GraphQLError, ValueError, RecursionError):
        return False
    return True


def require(condition: object) -> None:
    if not condition:
        raise NotCertainError


class Proof:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, proven: Cache[bool]) -> None:
        self.schema, self.proven = schema, proven
        self.operations: list[OperationDefinitionNode] = []
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.spread: set[str] = set()
        """Fragments that an operation uses."""
        self.under_way: set[str] = set()
        self.variables: dict[str, Any] = {}
        """Types of the variables of the operation at hand."""
        self.used: set[str] = set()
        self.visited = 0
        for node in document.definitions:
            if isinstance(node, FragmentDefinitionNode):
                require(node.name.value not in self.fragments and not node.directives)
                require(not node.variable_definitions)
                self.fragments[node.name.value] = node
            else:
                require(isinstance(node, OperationDefinitionNode))
                self.operations.append(cast(OperationDefinitionNode, node))

    def check(self) -> None:
        names = [operation.name.value if operation.name else None for operation in self.operations]
        require(names and len(set(names)) == len(names) and (len(names) == 1 or None not in names))
        for operation in self.operations:
            self.operation(operation)
        require(self.spread == self.fragments.keys())

    def operation(self, node: OperationDefinitionNode) -> None:
        require(node.operation is OperationType.QUERY and not node.directives and self.schema.query_type)
        self.variables, self.used = {}, set()
        for definition in node.variable_definitions or ():
            name, type_ = definition.variable.name.value, core.type_from_ast(self.schema, definition.type)
            require(name not in self.variables and core.is_input_type(type_) and not definition.directives)
            if definition.default_value is not None:
                self.value(definition.default_value, type_, {})
                if not isinstance(definition.default_value, NullValueNode) and not isinstance(type_, GraphQLNonNull):
                    type_ = GraphQLNonNull(type_)  # in the places it may be used in
            self.variables[name] = type_
        self.selection_set(node.selection_set, cast(Composite, self.schema.query_type), {})
        require(self.used == self.variables.keys())

    def selection_set(self, node: SelectionSetNode, parent: Composite, keys: dict[str, object]) -> None:
        """Checks the selections. `keys` holds what was seen under each response key of the set, fragments included."""
        self.visited += len(node.selections)
        require(self.visited <= MOST_VISITED)
        for selection in node.selections:
            if selection.directives:
                self.directives(selection.directives)
            if isinstance(selection, FieldNode):
                key = (selection.alias or selection.name).value
                seen = self.field(selection, parent)
                # The same leaf again, as fragments have it; anything else has to be merged.
                require(key not in keys or (seen is not None and keys[key] == seen))
                keys[key] = seen
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = parent if condition is None else self.narrowed(parent, condition.name.value)
                self.selection_set(selection.selection_set, inner, keys)
            else:
                self.fragment_spread(cast(FragmentSpreadNode, selection), parent, keys)

    def fragment_spread(self, node: FragmentSpreadNode, parent: Composite, keys: dict[str, object]) -> None:
        name = node.name.value
        fragment = self.fragments.get(name)
        require(fragment is not None and name not in self.under_way and not getattr(node, "arguments", None))
        assert fragment
        self.spread.add(name)
        self.under_way.add(name)
        self.selection_set(fragment.selection_set, self.narrowed(parent, fragment.type_condition.name.value), keys)
        self.under_way.discard(name)

    def narrowed(self, parent: Composite, condition: str) -> Composite:
        """The type of a condition that objects of the parent can fulfil."""
        named = self.schema.get_type(condition)
        require(isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)))
        inner = cast(Composite, named)
        if inner is not parent:
            outer, narrow = (parent, inner) if isinstance(parent, GraphQLInterfaceType) else (inner, parent)
            require(isinstance(outer, GraphQLInterfaceType) and isinstance(narrow, GraphQLObjectType))
            require(self.schema.is_sub_type(cast(GraphQLInterfaceType, outer), cast(GraphQLObjectType, narrow)))
        return inner

    def field(self, node: FieldNode, parent: Composite) -> object:
        """Checks a field. Returns what identifies a leaf without arguments, None for other fields."""
        name = node.name.value
        if name == "__typename":
            require(not node.arguments and node.selection_set is None)
            return name
        definition: Any = parent.fields.get(name)
        require(definition is not None)
        self.arguments(node.arguments, definition.args)
        named: Any = definition.type
        while isinstance(named, (GraphQLNonNull, GraphQLList)):
            named = cast(Any, named).of_type
        if is_leaf_type(named):
            require(node.selection_set is None)
            return None if node.arguments else (name, str(definition.type))
        require(node.selection_set is not None and isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)))
        assert node.selection_set
        text = own_text(node.selection_set)
        if text is None:
            self.selection_set(node.selection_set, named, {})
        elif not self.proven.get((named.name, text)):
            self.selection_set(node.selection_set, named, {})
            self.proven.put((named.name, text), True, len(text))
        return None

    def directives(self, nodes: Sequence[DirectiveNode]) -> None:
        names = [node.name.value for node in nodes]
        require(len(set(names)) == len(names))
        for node in nodes:
            require(node.name.value in (GraphQLSkipDirective.name, GraphQLIncludeDirective.name))
            self.arguments(node.arguments, GraphQLSkipDirective.args)

    def arguments(self, nodes: Sequence[ArgumentNode] | None, definitions: Any) -> None:
        given = {node.name.value: node.value for node in nodes or ()}
        require(len(given) == len(nodes or ()))
        self.members(given, definitions)

    def members(self, given: dict[str, ValueNode], definitions: Any) -> None:
        """Checks the arguments of a field or the members of an input object."""
        require(given.keys() <= definitions.keys())
        for name, definition in definitions.items():
            if name in given:
                self.value(given[name], definition.type, self.variables)
            else:
                # One with a default may be left out, but only one that is nullable certainly has a valid one.
                require(not isinstance(definition.type, GraphQLNonNull) or has_default(definition))

    def value(self, node: ValueNode, type_: Any, variables: dict[str, Any]) -> None:
        if isinstance(node, VariableNode):
            name = node.name.value
            require(name in variables and is_type_sub_type_of(self.schema, variables[name], type_))
            self.used.add(name)
        elif isinstance(type_, GraphQLNonNull):
            require(not isinstance(node, NullValueNode))
            self.value(node, cast(Any, type_).of_type, variables)
        elif isinstance(node, NullValueNode):
            pass
        elif isinstance(type_, GraphQLList):
            for item in node.values if isinstance(node, ListValueNode) else (node,):
                self.value(item, cast(Any, type_).of_type, variables)
        elif isinstance(type_, GraphQLInputObjectType):
            require(isinstance(node, ObjectValueNode) and not type_.is_one_of)
            fields = cast(ObjectValueNode, node).fields
            given = {field.name.value: field.value for field in fields}
            require(len(given) == len(fields))
            self.members(given, type_.fields)
        elif isinstance(type_, GraphQLEnumType):
            require(isinstance(node, EnumValueNode) and node.value in type_.values)
        else:
            require(isinstance(type_, GraphQLScalarType) and not isinstance(node, (ObjectValueNode, ListValueNode)))
            require(core.coerce_input_literal(node, type_) is not Undefined)


def has_default(definition: Any) -> bool:
    return definition.default_value is not Undefined or definition.default is not None
