"""Where things are: addresses relative to the page, so that a prefix put in front by a proxy needs no telling."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request

SAFE = "/:@+~,()!"
"""What a path holds as it is: slugs are full of it."""


def root(request: Request) -> str:
    """The way from this page's address to the root: "./", "../../"."""
    scope = request.scope
    path: bytes = scope.get("raw_path") or quote(scope["path"], safe=SAFE).encode()
    depth = path.partition(b"?")[0].count(b"/") - 1 - str(scope.get("root_path", "")).count("/")
    return "../" * depth or "./"


def model(ref: str) -> str:
    return f"models/{quote(ref, safe=SAFE)}"


def provider(slug: str) -> str:
    return f"providers/{quote(slug, safe=SAFE)}"


def family(slug: str) -> str:
    return f"families/{quote(slug, safe=SAFE)}"


def asked(parameters: Mapping[str, str | list[str]]) -> str:
    """The part of an address after the path; what is empty is left out."""
    listed = {name: [each] if isinstance(each, str) else each for name, each in parameters.items()}
    return "?" + urlencode(
        {name: kept for name, some in listed.items() if (kept := [one for one in some if one])}, True
    )


def graphiql(document: str, variables: Mapping[str, Any]) -> str:
    """GraphiQL with a document and its variables."""
    asked = {"query": document, "variables": orjson.dumps(dict(variables)).decode()}
    return f"graphiql?{urlencode(asked if variables else {'query': document}, quote_via=quote)}"
