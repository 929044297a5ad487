"""Parsed, checked and validated documents, kept by their text; and automatic persisted queries."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

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

from schema.column_types import is_array
from server.graphql.limits import Limits, check_document, check_fragments, check_operation, walk

MOST_ERRORS = 20
UNCOUNTED = 10**18
V = TypeVar("V")


class Recent(Generic[V]):
    """A mapping that forgets what was used longest ago once it holds too many entries or bytes."""

    def __init__(self, entries: int, size: int) -> None:
        self.entries, self.size, self.held = entries, size, 0
        self._items: OrderedDict[str, tuple[V, int]] = OrderedDict()

    def get(self, key: str) -> V | None:
        found = self._items.get(key)
        if found is None:
            return None
        self._items.move_to_end(key)
        return found[0]

    def put(self, key: str, value: V, size: int) -> None:
        if size > self.size // 4:
            return
        if old := self._items.pop(key, None):
            self.held -= old[1]
        self._items[key] = (value, size)
        self.held += size
        while len(self._items) > self.entries or self.held > self.size:
            self.held -= self._items.popitem(last=False)[1][1]

    def __len__(self) -> int:
        return len(self._items)


@dataclass(slots=True)
class Prepared:
    """A document with what was found out about it: errors, or costs already counted."""

    document: DocumentNode | None
    errors: list[GraphQLError]
    variables: frozenset[str] = frozenset()
    """Names of all variables used: the cost depends on the whole-number ones among them."""
    costs: dict[Any, int] = field(default_factory=dict[Any, int])


class Documents:
    """Prepares documents, and remembers them."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, max_tokens: int) -> None:
        self.schema, self.limits, self.max_tokens = schema, limits, max_tokens
        self._known: Recent[Prepared] = Recent(1_000, 16 * 1024 * 1024)
        self._persisted: Recent[str] = Recent(2_000, 8 * 1024 * 1024)

    def prepare(self, text: str) -> Prepared:
        """The document of a text, parsed and validated at most once while it is remembered."""
        found = self._known.get(text)
        if found is None:
            found = self._prepare(text)
            self._known.put(text, found, 40 * len(text) + 1_000)
        return found

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=self.max_tokens)
        except GraphQLError as error:
            return Prepared(None, [coded(error, "GRAPHQL_PARSE_FAILED")])
        except RecursionError:
            return Prepared(
                None, [GraphQLError("The document nests too deeply.", extensions={"code": "GRAPHQL_PARSE_FAILED"})]
            )
        try:
            check_document(document, self.limits)
            # Fields are bounded before validation, which compares them pairwise.
            for node in document.definitions:
                if isinstance(node, OperationDefinitionNode):
                    # What it costs depends on variables: that is counted when it runs.
                    check_operation(self.schema, document, node, {}, replace(self.limits, cost=UNCOUNTED))
            check_fragments(self.schema, document, self.limits)
            errors = validate(self.schema, document, max_errors=MOST_ERRORS)
        except GraphQLError as error:
            return Prepared(None, [error])
        except RecursionError:
            return Prepared(None, [GraphQLError("The document nests too deeply.", extensions={"code": "COST_LIMIT"})])
        if errors:
            return Prepared(None, [coded(error, "GRAPHQL_VALIDATION_FAILED") for error in errors[:MOST_ERRORS]])
        names = frozenset(node.name.value for node in walk(document) if isinstance(node, VariableNode))
        return Prepared(document, [], names)

    def operation(self, prepared: Prepared, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises GraphQLError when the document does not say which."""
        assert prepared.document
        found = get_operation_ast(prepared.document, name or None)
        if found is None:
            text = (
                f'The document has no operation called "{name:.60}".'
                if name
                else ("The document has several operations, or none. Say which to run with operationName.")
            )
            raise GraphQLError(text, extensions={"code": "BAD_USER_INPUT"})
        return found

    def cost(self, prepared: Prepared, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """The cost of running the operation with these variables. Raises GraphQLError over a limit."""
        assert prepared.document
        sizes = tuple(
            (name, len(value) if is_array(value) else value)
            for name in sorted(prepared.variables)
            if isinstance(value := variables.get(name), (int, float)) or is_array(value)
        )
        key = (operation.name.value if operation.name else None, sizes)
        if key not in prepared.costs:
            if len(prepared.costs) > 100:
                prepared.costs.clear()
            prepared.costs[key] = check_operation(self.schema, prepared.document, operation, variables, self.limits)
        return prepared.costs[key]

    def persisted(self, digest: str, text: str | None) -> str:
        """The text of a persisted query; given the text too, it is stored. Raises GraphQLError."""
        digest = digest.lower()
        if text is None:
            found = self._persisted.get(digest)
            if found is None:
                raise GraphQLError("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})
            return found
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            raise GraphQLError(
                "The persisted query's hash is not the SHA-256 of its text.", extensions={"code": "BAD_USER_INPUT"}
            )
        self._persisted.put(digest, text, len(text))
        return text


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """The error with a code, if it has none yet."""
    extensions = dict(error.extensions or {})
    extensions.setdefault("code", code)
    error.extensions = extensions
    return error
