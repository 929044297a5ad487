"""Variables and arguments: what of their coercion can be done once, when an operation is compiled.

graphql-core coerces them anew for each request. Here the common cases are prepared: variables that are scalars, and
arguments that are constant or one variable; everything else still goes through graphql-core.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, cast

import graphql
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, coerce_argument, get_variable_values
from graphql.type import GraphQLScalarType
from strawberry.types.arguments import convert_argument, convert_arguments

from schema.graph import schema as strawberry_schema
from server.graphql.limits import walk

Arguments: TypeAlias = Mapping[str, Any] | Callable[[VariableValues], Mapping[str, Any]]
"""The arguments of a field, as its function takes them: constant, or from the variables of a request."""
coerce_input_value: Callable[[object, Any], object] = cast(Any, graphql).coerce_input_value
NO_VARIABLES: Final = VariableValues({}, {})
CONVERSION: Final = (strawberry_schema.schema_converter.scalar_registry, strawberry_schema.config)


class Variables:
    """The variables of one operation, ready to be read from requests."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self.schema, self.definitions = schema, definitions
        self._known: list[tuple[str, Any, object]] = []
        """Name, signature and coerced default of each; Undefined if it has none."""
        for definition in definitions:
            signature: Any = get_variable_signature(schema, definition)
            default: object = Undefined
            if definition.default_value:
                found = get_variable_values(schema, [definition], {})
                default = found.coerced[signature.name] if isinstance(found, VariableValues) else None
            self._known.append((definition.variable.name.value, signature, default))

    def read(self, given: Mapping[str, object]) -> VariableValues | None:
        """The values of a request; None if they are invalid."""
        if not self._known:
            return NO_VARIABLES
        values = VariableValues({}, {})
        for name, signature, default in self._known:
            value = given.get(name, Undefined)
            if value is Undefined:
                values.sources[name] = VariableValueSource(signature)
                if default is not Undefined:
                    values.coerced[name] = default
                elif isinstance(signature.type, GraphQLNonNull):
                    return None
            else:
                coerced: object = Undefined
                if value is None or isinstance(value, (str, int, float)):
                    coerced = coerce_input_value(value, signature.type)
                if coerced is Undefined:
                    return self._read_by_core(given)
                values.sources[name] = VariableValueSource(signature, value)
                values.coerced[name] = coerced
        return values

    def _read_by_core(self, given: Mapping[str, object]) -> VariableValues | None:
        values = get_variable_values(self.schema, self.definitions, dict(given))
        return values if isinstance(values, VariableValues) else None


@dataclass(frozen=True, slots=True)
class Drawn:
    """An argument that is one variable."""

    name: str
    variable: str
    default: object
    """What it is without a value; Undefined if it is left out then."""
    nullable: bool
    required: bool
    convert: Callable[[object], object] | None


def arguments(definition: GraphQLField, node: FieldNode, constants: VariableValues) -> Arguments:
    """The arguments of a field. Raises GraphQLError for a constant that is refused."""
    field: Any = definition.extensions["strawberry-definition"]
    nodes = {argument.name.value: argument for argument in node.arguments or ()}
    drawn: list[Drawn] = []
    fixed: dict[str, Any] = {}
    for strawberry_argument in field.arguments:
        name = strawberry_schema.config.name_converter.from_argument(strawberry_argument)
        argument: Any = definition.args[name]
        given = nodes.get(name)
        if given is None or not any(isinstance(below, VariableNode) for below in walk(given.value)):
            coerce_argument(fixed, node, name, argument, given, constants, None)
            continue
        if not isinstance(given.value, VariableNode):
            return partial(by_core, definition, node, field.arguments)
        nullable = not isinstance(argument.type, GraphQLNonNull)
        without: dict[str, Any] = {}
        required = not nullable and argument.default_value is Undefined and argument.default is None
        if not required:
            coerce_argument(without, node, name, argument, None, constants, None)
        named = argument.type if nullable else argument.type.of_type
        convert = partial(converted, strawberry_argument.type)
        drawn.append(
            Drawn(
                strawberry_argument.python_name,
                given.value.name.value,
                convert(without[name]) if name in without else Undefined,
                nullable,
                required,
                None if isinstance(named, GraphQLScalarType) else convert,
            )
        )
    known = convert_arguments(fixed, field.arguments, *CONVERSION)
    return partial(from_variables, known, drawn) if drawn else known


def converted(type_: Any, value: object) -> object:
    return convert_argument(value, type_, *CONVERSION)


def from_variables(known: Mapping[str, Any], drawn: Sequence[Drawn], variables: VariableValues) -> Mapping[str, Any]:
    given = dict(known)
    for argument in drawn:
        value = variables.coerced.get(argument.variable, Undefined)
        if value is Undefined:
            if argument.required:
                raise GraphQLError(f"${argument.variable} has no value.")
            if argument.default is not Undefined:
                given[argument.name] = argument.default
            continue
        if value is None and not argument.nullable:
            raise GraphQLError(f"${argument.variable} is null.")
        given[argument.name] = value if argument.convert is None else argument.convert(value)
    return given


def by_core(
    definition: GraphQLField, node: FieldNode, arguments: list[Any], variables: VariableValues
) -> Mapping[str, Any]:
    return convert_arguments(get_argument_values(definition, node, variables), arguments, *CONVERSION)
