"""Content as it is served: in the best coding the client accepts, or as 304 if the client already holds it."""

import gzip
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from typing import Final, cast

import brotli  # type: ignore[import-untyped] # the package carries no types
from starlette.requests import Request
from starlette.responses import FileResponse, Response

_brotli = cast("Callable[..., bytes]", brotli.compress)  # pyright: ignore[reportUnknownMemberType] - as above
CODINGS: Final = ("br", "gzip")
"""Best first."""
REVALIDATE: Final = {"cache-control": "public, max-age=0, must-revalidate"}
IMMUTABLE: Final = {"cache-control": "public, max-age=31536000, immutable"}
"""For content whose name contains its hash."""


@dataclass(frozen=True, slots=True)
class Content:
    """A content in several codings. Bytes are compressed when first requested; files are served as they are."""

    media_type: str
    etag: str
    encodings: dict[str, bytes | Path]
    """Content by coding; "identity" is always there."""

    def respond(self, request: Request, headers: Mapping[str, str], status: int = 200) -> Response:
        headers = {**headers, "etag": self.etag, "vary": "accept-encoding"}
        if status == 200 and (response := not_modified(request, headers)):
            return response
        plain = self.encodings["identity"]
        offered = CODINGS if isinstance(plain, bytes) else self.encodings
        coding = best_coding(request, offered)
        if coding != "identity":
            headers["content-encoding"] = coding
        if isinstance(plain, bytes) and coding not in self.encodings:
            self.encodings[coding] = compress(plain, coding)
        content = self.encodings[coding]
        if isinstance(content, Path):
            return FileResponse(content, status, headers, self.media_type)
        return Response(content, status, headers, self.media_type)


def compress(content: bytes, coding: str, *, smallest: bool = False) -> bytes:
    """The content in a coding. The smallest result takes long, and is for what is compressed once."""
    if coding == "br":
        return _brotli(content, quality=11 if smallest else 5)
    return gzip.compress(content, 9 if smallest else 6, mtime=0)


def best_coding(request: Request, offered: Collection[str] = CODINGS) -> str:
    return next((coding for coding in CODINGS if coding in offered and accepts_coding(request, coding)), "identity")


def accepts_coding(request: Request, coding: str) -> bool:
    accepted = request.headers.get("accept-encoding", "")
    # "gzip, br;q=0.5" accepts both; "br;q=0" and "br;q=0.0" refuse br.
    return bool(re.search(rf"(?:^|[\s,]){coding}\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))", accepted, re.IGNORECASE))


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
