"""Compression: the best coding a client takes."""

import gzip
import re
from collections.abc import Callable
from typing import cast

import brotli  # type: ignore[import-untyped] # the package carries no types
from starlette.requests import Request

_brotli = cast("Callable[..., bytes]", brotli.compress)  # pyright: ignore[reportUnknownMemberType] - as above
CODINGS = ("br", "gzip")  # best first


def best(request: Request) -> str:
    return next((coding for coding in CODINGS if accepts(request, coding)), "identity")


def packed(content: bytes, coding: str, *, most: bool = False) -> bytes:
    """The content in a coding; the most it can be packed takes long, and is for what is packed once."""
    if coding == "br":
        return _brotli(content, quality=11 if most else 5)
    return gzip.compress(content, 9 if most else 6, mtime=0) if coding == "gzip" else content


def accepts(request: Request, coding: str) -> bool:
    wanted = request.headers.get("accept-encoding", "")
    return bool(re.search(rf"(?:^|[\s,]){coding}\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))", wanted, re.IGNORECASE))
