"""Documents, parsed, measured and validated once; and automatic persisted queries."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    get_operation_ast,
    parse,
    validate,
)

from schema.cache import Cache
from schema.column_types import is_array
from schema.errors import ClientError
from server.graphql.errors import MAX_ERRORS, with_code
from server.graphql.limits import Limits, check_document, check_fragments, check_operation, walk

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


class Documents:
    """Prepares documents, and caches them."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, max_tokens: int) -> None:
        self.schema, self.limits, self.max_tokens = schema, limits, max_tokens
        self._prepared: Cache[PreparedDocument] = Cache(16 * 1024 * 1024)
        self._costs: Cache[int] = Cache(4 * 1024 * 1024)
        self._persisted: Cache[str] = Cache(8 * 1024 * 1024)

    def prepare(self, text: str) -> PreparedDocument:
        """The document of a text, parsed and validated once while it is cached."""
        prepared = self._prepared.get(text)
        if prepared is None:
            prepared = self._prepare(text)
            self._prepared.put(text, prepared, BYTES_PER_CHARACTER * len(text) + 4_000)
        return prepared

    def _prepare(self, text: str) -> PreparedDocument:
        try:
            document = parse(text, max_tokens=self.max_tokens)
        except GraphQLError as error:
            return PreparedDocument(text, None, [with_code(error, "GRAPHQL_PARSE_FAILED")])
        except RecursionError:
            return PreparedDocument(text, None, [ClientError("The document nests too deeply.", "GRAPHQL_PARSE_FAILED")])
        try:
            check_document(document, self.limits)
            # Fields are bounded before validation, which compares them pairwise.
            for node in document.definitions:
                if isinstance(node, OperationDefinitionNode):
                    # The cost depends on variables: it is counted before each execution.
                    check_operation(self.schema, document, node, {}, replace(self.limits, cost=UNCOUNTED))
            check_fragments(self.schema, document, self.limits)
            errors = validate(self.schema, document, max_errors=MAX_ERRORS)
        except GraphQLError as error:
            return PreparedDocument(text, None, [error])
        except RecursionError:
            return PreparedDocument(text, None, [ClientError("The document nests too deeply.", "COST_LIMIT")])
        if errors:
            coded = [with_code(error, "GRAPHQL_VALIDATION_FAILED") for error in errors[:MAX_ERRORS]]
            return PreparedDocument(text, None, coded)
        variables = frozenset(node.name.value for node in walk(document) if isinstance(node, VariableNode))
        return PreparedDocument(text, document, variables=variables)

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
