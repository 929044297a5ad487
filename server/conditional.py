"""What a client holds already, and which codings it takes: the headers If-None-Match and Accept-Encoding."""

import re

from starlette.requests import Request


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client holds what this tag marks."""
    known = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in {tag.removeprefix("W/"), "*"} for each in known)


def accepts(request: Request, coding: str) -> bool:
    wanted = request.headers.get("accept-encoding", "")
    return bool(re.search(rf"(?:^|[\s,]){coding}\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))", wanted, re.IGNORECASE))
