"""Documents, parsed, measured and validated once; and automatic persisted queries."""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    validate,
)
from graphql.execution.values import VariableValues

from schema.cache import Cache
from schema.column_types import is_array
from schema.errors import ClientError
from server.graphql.errors import MAX_ERRORS, with_code
from server.graphql.limits import Limits, check_document, check_fragments, check_operation, survey
from server.graphql.parsing import parse
from server.graphql.plan.arguments import Variables
from server.graphql.plan.compile import compile_operation
from server.graphql.plan.plan import NotCoveredError, Plan, Selection
from server.graphql.validation import is_certainly_valid

MOST_PLANS: Final = 16
"""Plans kept for one document: it has operations, and directives with variables."""
UNCOUNTED: Final = 10**18
BYTES_PER_CHARACTER: Final = 100
"""What the syntax tree of a document takes in memory, for each character of its text. Measured."""


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document and what is known about it: it has errors, or it can be executed."""

    text: str
    document: DocumentNode | None
    errors: Sequence[GraphQLError] = ()
    variables: frozenset[str] = frozenset()
    """Names of all variables it uses: its cost depends on the integers among them."""
    directive_variables: Sequence[str] = ()
    """Names of the variables in its directives: each of their values has its own plan."""
    readers: dict[str | None, Variables] = field(default_factory=dict[str | None, Variables])
    """The variables of each operation that was asked for."""
    plans: dict[Hashable, Plan | NotCoveredError] = field(default_factory=dict[Hashable, Plan | NotCoveredError])


class Documents:
    """Prepares documents, and caches them."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, max_tokens: int) -> None:
        self.schema, self.limits, self.max_tokens = schema, limits, max_tokens
        self._prepared: Cache[PreparedDocument] = Cache(8 * 1024 * 1024)
        self._seen: Cache[bool] = Cache(2 * 1024 * 1024)
        """Hashes of texts that came once."""
        self._selections: Cache[Selection] = Cache(6 * 1024 * 1024)
        """Compiled selections, by type and text: documents have many in common."""
        self._proven: Cache[bool] = Cache(4 * 1024 * 1024)
        """Selections that are certainly valid, by type and text."""
        self._costs: Cache[int] = Cache(4 * 1024 * 1024)
        self._persisted: Cache[str] = Cache(8 * 1024 * 1024)

    def prepare(self, text: str) -> PreparedDocument:
        """The document of a text, parsed and validated.

        One that comes again is remembered. The many objects of documents that come once would only push others out,
        and keep the garbage collector busy.
        """
        prepared = self._prepared.get(text)
        if prepared is None:
            prepared = self._prepare(text)
            if self._seen.get(hash(text)):
                self._prepared.put(text, prepared, BYTES_PER_CHARACTER * len(text) + 4_000)
            self._seen.put(hash(text), True, 0)
        return prepared

    def _prepare(self, text: str) -> PreparedDocument:
        try:
            document = parse(text, self.max_tokens)
        except GraphQLError as error:
            return PreparedDocument(text, None, [with_code(error, "GRAPHQL_PARSE_FAILED")])
        except RecursionError:
            return PreparedDocument(text, None, [ClientError("The document nests too deeply.", "GRAPHQL_PARSE_FAILED")])
        try:
            found = survey(document)
            check_document(found, self.limits)
            # Fields are bounded before validation, which compares them pairwise.
            for node in document.definitions:
                if isinstance(node, OperationDefinitionNode):
                    # The cost depends on variables: it is counted before each execution.
                    check_operation(self.schema, document, node, {}, replace(self.limits, cost=UNCOUNTED))
            check_fragments(self.schema, document, self.limits)
            errors = () if is_certainly_valid(self.schema, document, self._proven) else self._errors(document)
        except GraphQLError as error:
            return PreparedDocument(text, None, [error])
        except RecursionError:
            return PreparedDocument(text, None, [ClientError("The document nests too deeply.", "COST_LIMIT")])
        if errors:
            coded = [with_code(error, "GRAPHQL_VALIDATION_FAILED") for error in errors[:MAX_ERRORS]]
            return PreparedDocument(text, None, coded)
        return PreparedDocument(
            text,
            document,
            variables=frozenset(found.variables),
            directive_variables=tuple(sorted(found.directive_variables)),
        )

    def _errors(self, document: DocumentNode) -> Sequence[GraphQLError]:
        return validate(self.schema, document, max_errors=MAX_ERRORS)

    def operation(self, prepared: PreparedDocument, name: str | None) -> OperationDefinitionNode:
        """The operation to execute. Raises ClientError when the request does not say which."""
        assert prepared.document
        operation = get_operation_ast(prepared.document, name or None)
        if operation is None:
            raise ClientError(
                f'The document has no operation named "{name:.60}".'
                if name
                else "The document has no operation, or several: choose one with operationName."
            )
        return operation

    def cost(
        self, prepared: PreparedDocument, operation: OperationDefinitionNode, variables: Mapping[str, object]
    ) -> int:
        """The cost of the operation with these variables. Raises GraphQLError over a limit."""
        assert prepared.document
        sizes: list[tuple[str, float]] = []
        for name in sorted(prepared.variables):
            value = variables.get(name)
            if isinstance(value, (int, float)) or is_array(value):
                sizes.append((name, value if isinstance(value, (int, float)) else len(value)))
        key = prepared.text, operation.name.value if operation.name else None, tuple(sizes)
        cost = self._costs.get(key)
        if cost is None:
            cost = check_operation(self.schema, prepared.document, operation, variables, self.limits)
            self._costs.put(key, cost, len(prepared.text) + 200 * len(sizes))
        return cost

    def variables(self, prepared: PreparedDocument, operation: OperationDefinitionNode) -> Variables:
        """The variables of an operation, ready to be read."""
        name = operation.name.value if operation.name else None
        if name not in prepared.readers:
            prepared.readers[name] = Variables(self.schema, operation.variable_definitions or ())
        return prepared.readers[name]

    def plan(
        self, prepared: PreparedDocument, operation: OperationDefinitionNode, variables: VariableValues
    ) -> Plan | NotCoveredError:
        """The plan of an operation, or why it has none."""
        assert prepared.document
        values = (variables.coerced.get(name) for name in prepared.directive_variables)
        key = operation.name.value if operation.name else None, *values
        plan = prepared.plans.get(key)
        if plan is None:
            try:
                plan = compile_operation(self.schema, prepared.document, operation, variables, self._selections)
            except NotCoveredError as reason:
                plan = reason
            except GraphQLError as error:
                plan = NotCoveredError(error.message)
            if len(prepared.plans) < MOST_PLANS:
                prepared.plans[key] = plan
        return plan

    def persisted(self, digest: str, text: str | None) -> str:
        """The text of a persisted query, which is stored when given. Raises ClientError."""
        digest = digest.lower()
        if text is None:
            text = self._persisted.get(digest)
            if text is None:
                # Clients recognize this message, and send the text.
                raise ClientError("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
            return text
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            raise ClientError("sha256Hash is not the SHA-256 of the query.")
        self._persisted.put(digest, text, len(text))
        return text
