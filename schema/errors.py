"""The root of this program's errors, and those meant for clients: a message that says what to do, and a code.

ModelMetaError
├── ClientError              an argument or a field is refused; also a GraphQLError      schema/errors.py
├── OverlayError             the operator's file is invalid                              seeds/overlay/loader.py
├── FeedError                a feed can't be fetched or read                             seeds/feeds/fetch.py
│   └── TemporaryFeedError   the same request may succeed later                          seeds/feeds/fetch.py
├── RequestError             an operation is refused before it runs                      server/graphql/errors.py
│   └── HttpError            a request is refused before GraphQL sees it                 server/graphql/errors.py
├── CloseSocket              a WebSocket is closed with a code of its protocol           server/graphql/websocket.py
├── PageError                a page can't be shown                                       server/pages/site.py
├── OperatorError            the setup is wrong: one line, and exit code 2               server/errors.py
├── RefreshError             the process that refreshes failed                           server/errors.py
└── RefreshRunningError      another process holds the refresh lock                      server/errors.py

Whoever parses JSON turns a JsonError, which is a ValueError (schema/strict_json.py), into one of these.
"""

from typing import Final

from graphql import GraphQLError

BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_CURSOR = "BAD_CURSOR"
UNAUTHENTICATED = "UNAUTHENTICATED"

CODES: Final = {
    "BAD_USER_INPUT": "An argument or variable is invalid; the message says which, and what to write instead.",
    "BAD_CURSOR": "The cursor is invalid or belongs to another list; start without one.",
    "GRAPHQL_PARSE_FAILED": "The document is not valid GraphQL.",
    "GRAPHQL_VALIDATION_FAILED": "The document asks for something the schema does not have.",
    "COST_LIMIT": "The document asks for too much: too many fields, levels, aliases, or objects across its pages.",
    "TIMEOUT": "The operation exceeded the server's time limit; ask for less.",
    "RATE_LIMITED": "Too many open streams or sockets from one address; close one, or wait.",
    "UNAUTHENTICATED": "The operation needs the operator's token.",
    "PERSISTED_QUERY_NOT_FOUND": "The server does not know the query's hash; send it once together with the query.",
    "NOT_READY": "The registry is still loading; try again in a few seconds.",
    "NOT_SUPPORTED": "The operation needs a running server.",
    "BAD_REQUEST": "Not a GraphQL request: invalid JSON, a member of the wrong type, or no query. HTTP 400.",
    "NOT_FOUND": "There is nothing at this address. HTTP 404.",
    "METHOD_NOT_ALLOWED": "The method is not supported; mutations need POST. HTTP 405.",
    "NOT_ACCEPTABLE": "The Accept header allows none of the supported media types. HTTP 406.",
    "PAYLOAD_TOO_LARGE": "The body exceeds the server's limit. HTTP 413.",
    "UNSUPPORTED_MEDIA_TYPE": "The body is not application/json. HTTP 415.",
    "INTERNAL_SERVER_ERROR": "A server bug; the message carries the id of the log entry.",
}
"""Every code an error can have in `extensions`, and what it means."""


class ModelMetaError(Exception):
    """Anything this program refuses with a message for a person."""


class ClientError(ModelMetaError, GraphQLError):
    """An error meant for the client, word for word. Any other exception is hidden behind an id."""

    def __init__(self, message: str, code: str = BAD_USER_INPUT) -> None:
        super().__init__(message, extensions={"code": code})


def codes_table() -> str:
    """Every code as a table in Markdown, for the README."""
    return "".join(f"| `{code}` | {meaning} |\n" for code, meaning in CODES.items())
