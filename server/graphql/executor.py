"""graphql-core's executor, typed: its own annotations are partial, and subscriptions use its inner steps."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeGuard, cast

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, execution
from strawberry.execution.is_awaitable import optimized_is_awaitable

from schema.context import Context
from server.graphql.errors import RequestError

Result: TypeAlias = ExecutionResult | Awaitable[ExecutionResult]
core: Any = execution
# Strawberry's check is the faster one; its type only says bool.
is_awaitable = cast("Callable[[object], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


def execute(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, object],
    context: Context,
) -> Result:
    """The result of a query or mutation."""
    result: Result = core.execute(
        schema,
        document,
        context_value=context,
        variable_values=dict(variables),
        operation_name=operation_name,
        is_awaitable=is_awaitable,
    )
    return result


class Subscription:
    """A subscription with its variables, ready to start. Raises RequestError when they are invalid."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation_name: str | None,
        variables: Mapping[str, object],
        context: Context,
    ) -> None:
        self._executor: Any = core.Executor.build(
            schema,
            document,
            context_value=context,
            raw_variable_values=dict(variables),
            operation_name=operation_name,
            is_awaitable=is_awaitable,
        )
        if not isinstance(self._executor, core.Executor):
            raise RequestError(self._executor)

    async def start(self) -> AsyncGenerator[object]:
        """The source of its events. Raises RequestError when its resolver refuses."""
        stream: object = core.create_source_event_stream(self._executor)
        if is_awaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            raise RequestError(stream.errors or [])
        return cast("AsyncGenerator[object]", stream)

    def respond(self, event: object, context: Context) -> Result:
        """The result for one event, whose resolvers get the context."""
        # A copy of the executor, made for this event.
        executor: Any = self._executor.build_per_event_executor(event)
        executor.context_value = context
        result: Result = core.execute_subscription_event(executor)
        return result
