"""Compression: the best coding a client accepts."""

import gzip
import re
from collections.abc import Callable
from typing import Final, cast

import brotli  # type: ignore[import-untyped] # the package carries no types
from starlette.requests import Request

_brotli = cast("Callable[..., bytes]", brotli.compress)  # pyright: ignore[reportUnknownMemberType] - as above
CODINGS: Final = ("br", "gzip")
"""Best first."""


def best_coding(request: Request) -> str:
    return next((coding for coding in CODINGS if accepts_coding(request, coding)), "identity")


def compress(content: bytes, coding: str, *, smallest: bool = False) -> bytes:
    """The content in a coding. The smallest result takes long, and is for what is compressed once."""
    if coding == "br":
        return _brotli(content, quality=11 if smallest else 5)
    return gzip.compress(content, 9 if smallest else 6, mtime=0) if coding == "gzip" else content


def accepts_coding(request: Request, coding: str) -> bool:
    accepted = request.headers.get("accept-encoding", "")
    # "gzip, br;q=0.5" accepts both; "br;q=0" and "br;q=0.0" refuse br.
    return bool(re.search(rf"(?:^|[\s,]){coding}\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))", accepted, re.IGNORECASE))
