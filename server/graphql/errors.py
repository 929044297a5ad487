"""Refused requests, and every error as a client may see it; schema/errors.py draws the family."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson
from graphql import GraphQLError, GraphQLFormattedError
from starlette.responses import Response

from schema.errors import ClientError, ModelMetaError

ResponseMap: TypeAlias = dict[str, Any]
"""A GraphQL response before it is encoded. Its data has whatever shape the document asks for, and parts of it may be
encoded already (orjson.Fragment)."""
log = logging.getLogger("modelmeta")
MAX_ERRORS: Final = 20
"""Errors in one response."""


class RequestError(ModelMetaError):
    """The operation was refused before it ran: the response has no data at all."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class HttpError(RequestError):
    """The request is not a GraphQL request; the response has GraphQL's shape all the same."""

    def __init__(
        self, status: int, message: str, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__([ClientError(message, code)])
        self.status, self.headers = status, headers or {}

    def response(self) -> Response:
        headers = {"cache-control": "no-store", **self.headers}
        return Response(orjson.dumps(error_response(self)), self.status, headers, "application/json")


def error_response(error: RequestError) -> ResponseMap:
    """The response map of a refused request."""
    return {"errors": [format_error(reason) for reason in error.errors[:MAX_ERRORS]]}


def format_error(error: GraphQLError) -> GraphQLFormattedError:
    """The error as it is sent. An unexpected one is logged, and the client gets its id."""
    original = error.original_error
    if original is not None and not isinstance(original, GraphQLError):
        message, extensions = hide(original, f"{error.path}"), {"code": "INTERNAL_SERVER_ERROR"}
        error = GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)
    elif original is not None and original.extensions:
        error.extensions = {**original.extensions, **(error.extensions or {})}
    return with_code(error, "BAD_USER_INPUT").formatted


def with_code(error: GraphQLError, code: str) -> GraphQLError:
    """The error with a code, if it has none yet."""
    error.extensions = dict(error.extensions or {})
    error.extensions.setdefault("code", code)
    return error


def hide(error: BaseException, where: str) -> str:
    """Logs an unexpected error. Returns the message for the client: an id that finds the log entry."""
    incident = uuid.uuid4().hex[:12]
    log.error("error %s in %s", incident, where, exc_info=error)
    return f"Something went wrong on our side. Quote {incident} when you report it."
