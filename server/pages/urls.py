"""Relative URLs of pages: they work behind a proxy that adds a path prefix, without configuration."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request

UNQUOTED = "/:@+~,()!"
"""Characters a path may contain as they are; many slugs do."""


def root(request: Request) -> str:
    """The relative URL from this page to the root of the site: "./", "../../"."""
    scope = request.scope
    path: bytes = scope.get("raw_path") or quote(scope["path"], safe=UNQUOTED).encode()
    depth = path.partition(b"?")[0].count(b"/") - 1 - str(scope.get("root_path", "")).count("/")
    return "../" * depth or "./"


def model(ref: str) -> str:
    return f"models/{quote(ref, safe=UNQUOTED)}"


def provider(slug: str) -> str:
    return f"providers/{quote(slug, safe=UNQUOTED)}"


def family(slug: str) -> str:
    return f"families/{quote(slug, safe=UNQUOTED)}"


def query_string(parameters: Mapping[str, str | Sequence[str]]) -> str:
    """The query string, starting with "?"; empty values are left out."""
    lists = {name: [value] if isinstance(value, str) else value for name, value in parameters.items()}
    filled = {name: kept for name, values in lists.items() if (kept := [value for value in values if value])}
    return "?" + urlencode(filled, doseq=True)


def graphiql(document: str, variables: Mapping[str, object]) -> str:
    """GraphiQL, opened with a document and its variables."""
    parameters = {"query": document}
    if variables:
        parameters["variables"] = orjson.dumps(dict(variables)).decode()
    return f"graphiql?{urlencode(parameters, quote_via=quote)}"
