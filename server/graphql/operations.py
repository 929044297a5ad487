"""An operation on its way: as it is asked, prepared, planned and executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from graphql import DocumentNode, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues

from schema.declarations import Clock
from server.graphql.documents import PreparedDocument
from server.graphql.errors import ResponseMap
from server.graphql.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request, over any transport."""

    query: str | None
    variables: Mapping[str, object]
    operation_name: str | None
    extensions: Mapping[str, object]
    token: str | None = None
    """Proves that the caller is the operator."""


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """A request whose document is valid and within the limits: it only has to be executed."""

    prepared: PreparedDocument
    definition: OperationDefinitionNode
    request: Request
    cost: int

    @property
    def document(self) -> DocumentNode:
        assert self.prepared.document
        return self.prepared.document

    @property
    def is_mutation(self) -> bool:
        return self.definition.operation is OperationType.MUTATION

    @property
    def is_subscription(self) -> bool:
        return self.definition.operation is OperationType.SUBSCRIPTION


@dataclass(frozen=True, slots=True)
class PlannedOperation:
    """A plan, and the variables to run it with."""

    plan: Plan
    variables: VariableValues


@dataclass(frozen=True, slots=True)
class Executed:
    """A response, and for how long it holds."""

    response: ResponseMap
    revision: int | None = None
    """The revision it was read from, if that is known for certain."""
    clock: Clock = Clock.INSTANT
    day: date | None = None
    """The UTC day that counted as today."""
