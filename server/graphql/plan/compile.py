"""Compiles an operation of a valid document into a plan, for given values of the variables in its directives."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_argument_values,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues
from graphql.type import GraphQLIncludeDirective as Include
from graphql.type import GraphQLInterfaceType, GraphQLScalarType
from graphql.type import GraphQLSkipDirective as Skip

from schema.cache import Cache
from schema.declarations import Clock, Declaration, Kind, declared
from schema.types.node import kind_of
from server.graphql.limits import own_text
from server.graphql.plan.arguments import Arguments, arguments
from server.graphql.plan.build import ENUM_NAME, Member, builder
from server.graphql.plan.plan import FieldPlan, NotCoveredError, Plan, Selection, Shape

MOST_FIELDS: Final = 3_000
"""Fields of a plan, with those of fragments counted where they are spread."""
ATTRIBUTE: Final = Declaration(kind=Kind.COLUMN)
PLAIN_SCALARS: Final = ("String", "ID", "Int", "Boolean", "Float", "URL")
"""Scalars whose Python values are JSON already."""
RECURRING_SCALARS: Final = ("Decimal", "Date", "DateTime")
SELECTION_BYTES: Final = 1_000
BYTES_PER_CHARACTER: Final = 40
"""What a selection takes by itself, and for each character of its text. Measured."""
NO_ARGUMENTS: Final[Mapping[str, Any]] = {}
CLOCKS: Final = tuple(Clock)


def compile_operation(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: VariableValues,
    known: Cache[Selection],
) -> Plan:
    """The plan of an operation. `known` holds selections of earlier documents by text, and gets those of this one.

    Raises NotCoveredError, or GraphQLError for constant arguments that are refused."""
    if operation.operation is not OperationType.QUERY or operation.directives:
        raise NotCoveredError(f"a {operation.operation.value}")
    assert schema.query_type
    compiler = Compiler(schema, document, variables, known)
    return Plan(compiler.selection(schema.query_type, [operation.selection_set]))


class Compiler:
    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: VariableValues, known: Cache[Selection]
    ) -> None:
        self.schema, self.variables, self.known = schema, variables, known
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.fields = 0

    def selection(self, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Selection:
        text = own_text(sets[0]) if len(sets) == 1 else None
        if text is None:
            return self.compiled(parent, sets)
        selection = self.known.get((parent.name, text))
        if selection is None:
            selection = self.compiled(parent, sets)
            self.known.put((parent.name, text), selection, SELECTION_BYTES + BYTES_PER_CHARACTER * len(text))
        return selection

    def compiled(self, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Selection:
        grouped: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in sets:
            self.collect(parent, selection_set, grouped, visited)
        members: list[Member] = []
        computed: list[FieldPlan] = []
        clocks = [Clock.NEVER]
        for key, nodes in grouped.items():
            found, clock = self.field(parent, key, nodes)
            clocks.append(clock)
            if isinstance(found, FieldPlan):
                computed.append(found)
                members.append(Member(key))
                clocks += [below.clock for below in found.selections.values()]
            else:
                members.append(found)
        uses_variables = any(
            callable(plan.arguments) or any(below.uses_variables for below in plan.selections.values())
            for plan in computed
        )
        clock = max(clocks, key=CLOCKS.index)
        return Selection(parent.name, tuple(members), tuple(computed), builder(tuple(members)), clock, uses_variables)

    def collect(
        self, parent: GraphQLObjectType, node: SelectionSetNode, grouped: dict[str, list[FieldNode]], visited: set[str]
    ) -> None:
        """The selected fields by response key, as the specification's CollectFields has it."""
        for selection in node.selections:
            if selection.directives and not self.is_included(selection.directives):
                continue
            if isinstance(selection, FieldNode):
                key = (selection.alias or selection.name).value
                grouped.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or self.applies(condition.name.value, parent):
                    self.collect(parent, selection.selection_set, grouped, visited)
            else:
                assert isinstance(selection, FragmentSpreadNode)
                name = selection.name.value
                if name in visited:
                    continue
                visited.add(name)
                fragment = self.fragments[name]
                if self.applies(fragment.type_condition.name.value, parent):
                    self.collect(parent, fragment.selection_set, grouped, visited)

    def is_included(self, directives: Sequence[DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            if name not in (Skip.name, Include.name):
                raise NotCoveredError(f"the directive @{name}")
            definition = Skip if name == Skip.name else Include
            condition = get_argument_values(definition, directive, self.variables)["if"]
            if condition is (name == Skip.name):
                return False
        return True

    def applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        if condition == parent.name:
            return True
        named = self.schema.get_type(condition)
        return is_abstract_type(named) and self.schema.is_sub_type(named, parent)

    def field(
        self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]
    ) -> tuple[FieldPlan | Member, Clock]:
        """The plan of a field, or the member it is in every object; and how it depends on the time by itself."""
        self.fields += 1
        if self.fields > MOST_FIELDS:
            raise NotCoveredError(f"more than {MOST_FIELDS} fields")
        name = nodes[0].name.value
        if name == "__typename":
            return Member(key, constant=parent.name), Clock.NEVER
        definition = parent.fields.get(name)
        if definition is None:
            raise NotCoveredError(f"introspection ({name})")
        declaration = declared(definition) or ATTRIBUTE
        if declaration.kind is Kind.ACTION:
            raise NotCoveredError(f"{parent.name}.{name}")
        shape, named = shape_of(definition)
        serialize = serializer(named) if is_leaf_type(named) else None
        attribute = cast(str, definition.extensions["strawberry-definition"].python_name)
        if declaration.kind is Kind.COLUMN and is_leaf_type(named) and not shape.is_list:
            return Member(key, attribute, serialize, shape.nullable), declaration.clock
        given: Arguments = arguments(definition, nodes[0], self.variables) if definition.args else NO_ARGUMENTS
        possible: Sequence[GraphQLObjectType] = ()
        if isinstance(named, GraphQLObjectType):
            possible = [named]
        elif isinstance(named, GraphQLInterfaceType):
            possible = list(self.schema.get_possible_types(named))
        sets = [node.selection_set for node in nodes if node.selection_set]
        # A field that is asked for a given moment does not depend on the present one.
        is_fixed = not callable(given) and given.get("as_of") is not None
        plan = FieldPlan(
            key=key,
            coordinate=f"{parent.name}.{name}",
            declaration=declaration,
            shape=shape,
            attribute=attribute,
            arguments=given,
            serialize=serialize,
            selections={type_.name: self.selection(type_, sets) for type_ in possible},
            type_of=kind_of if len(possible) > 1 else None,
            clock=Clock.NEVER if is_fixed else declaration.clock,
        )
        return plan, plan.clock


def shape_of(definition: GraphQLField) -> tuple[Shape, object]:
    """The shape of a field, and the type of its values."""
    nullable, inner = unwrapped(cast(Any, definition).type)
    if not isinstance(inner, GraphQLList):
        return Shape(is_list=False, nullable=nullable, nullable_items=False), inner
    nullable_items, named = unwrapped(cast(Any, inner).of_type)
    if isinstance(named, GraphQLList):
        raise NotCoveredError("a list of lists")
    return Shape(is_list=True, nullable=nullable, nullable_items=nullable_items), named


def unwrapped(type_: Any) -> tuple[bool, Any]:
    """Whether a type is nullable, and the type without its exclamation mark."""
    return (False, cast(Any, type_).of_type) if isinstance(type_, GraphQLNonNull) else (True, type_)


def serializer(type_: object) -> Callable[[Any], Any] | None:
    """What turns a value of a leaf type into JSON; None if it is JSON already."""
    if isinstance(type_, GraphQLEnumType):
        members: Any = getattr(type_, "wrapped_cls", None)
        if members is not None and {member.name for member in members} == type_.values.keys():
            return ENUM_NAME
        return cast("Callable[[Any], Any]", type_.serialize)
    assert isinstance(type_, GraphQLScalarType)
    return None if type_.name in PLAIN_SCALARS else scalar_serializer(type_)


@lru_cache
def scalar_serializer(type_: GraphQLScalarType) -> Callable[[Any], Any]:
    """Prices, days and moments come again and again: their texts are kept."""
    serialize = cast("Callable[[Any], Any]", type_.serialize)
    return lru_cache(maxsize=20_000)(serialize) if type_.name in RECURRING_SCALARS else serialize
