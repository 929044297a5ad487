"""Conditional GET: entity tags, and 304 for a client that already holds the content."""

from collections.abc import Mapping
from hashlib import blake2s
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

REVALIDATE: Final = {"cache-control": "public, max-age=0, must-revalidate"}


def entity_tag(content: bytes, *, weak: bool = False) -> str:
    """The tag of a content. A weak one stands for every coding of it."""
    return f'{"W/" * weak}"{blake2s(content, digest_size=12).hexdigest()}"'


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 with these headers, if the client already holds what their etag marks."""
    tag = headers["etag"].removeprefix("W/")
    for held in request.headers.get("if-none-match", "").split(","):
        if held.strip().removeprefix("W/") in (tag, "*"):
            return Response(status_code=304, headers=headers)
    return None
