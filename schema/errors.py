"""Errors a client can act on: a message that says what to do, and a code."""

from typing import Final

from graphql import GraphQLError

BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_CURSOR = "BAD_CURSOR"
UNAUTHENTICATED = "UNAUTHENTICATED"

CODES: Final = {
    "BAD_USER_INPUT": "An argument or a variable can't be used; the message says which, and what to write instead.",
    "BAD_CURSOR": "A cursor is no cursor of this API, or one of another list. Begin without it.",
    "GRAPHQL_PARSE_FAILED": "The document is no GraphQL.",
    "GRAPHQL_VALIDATION_FAILED": "The document asks for something the schema does not have.",
    "COST_LIMIT": "The document asks for too much: fields, depth, aliases, or objects with pages multiplied.",
    "TIMEOUT": "The operation took longer than the server lets it. Ask for less.",
    "RATE_LIMITED": "Too many streams or sockets of one address are open. Close one, or wait.",
    "UNAUTHENTICATED": "The operation needs the operator's token.",
    "PERSISTED_QUERY_NOT_FOUND": "The server does not know the query's hash. Send it with the query once.",
    "NOT_READY": "The registry is still being loaded. Ask again in a few seconds.",
    "NOT_SUPPORTED": "What was asked needs a server that runs.",
    "BAD_REQUEST": "The request is no GraphQL request: not JSON, of wrong types, or without a query. HTTP 400.",
    "NOT_FOUND": "Nothing is at this address. HTTP 404.",
    "METHOD_NOT_ALLOWED": "The method is not supported; a mutation needs POST. HTTP 405.",
    "NOT_ACCEPTABLE": "Accept allows none of the media types there are. HTTP 406.",
    "PAYLOAD_TOO_LARGE": "The body is larger than the server takes. HTTP 413.",
    "UNSUPPORTED_MEDIA_TYPE": "The body is not application/json. HTTP 415.",
    "INTERNAL_SERVER_ERROR": "A mistake of ours. The message holds an id under which the log has it.",
}
"""Every code an error can have in `extensions`, and what it means."""


class ClientError(GraphQLError):
    """An error meant for the client, word for word. Any other exception is hidden behind an id."""

    def __init__(self, message: str, code: str = BAD_USER_INPUT) -> None:
        super().__init__(message, extensions={"code": code})


def codes_table() -> str:
    """Every code as a table in Markdown, for the README."""
    return "".join(f"| `{code}` | {meaning} |\n" for code, meaning in CODES.items())
