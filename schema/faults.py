"""Errors a client can act on: a message that says what to do, and a code."""

from graphql import GraphQLError

BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_CURSOR = "BAD_CURSOR"
UNAUTHENTICATED = "UNAUTHENTICATED"


class Fault(GraphQLError):  # noqa: N818 - a fault is an error already
    """An error meant for the client, word for word. Any other exception is hidden behind an id."""

    def __init__(self, message: str, code: str = BAD_USER_INPUT) -> None:
        super().__init__(message, extensions={"code": code})
