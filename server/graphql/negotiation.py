"""Which of our media types a client prefers."""

from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
GRAPHQL: Final = "application/graphql-response+json"
EVENTS: Final = "text/event-stream"
MULTIPART: Final = "multipart/mixed"
OFFERED: Final = (JSON, GRAPHQL, EVENTS, MULTIPART)
MAX_ACCEPT_LENGTH: Final = 2_000
"""Characters of an Accept header that are read; no client sends as many."""


def negotiate(accept: str | None, exclude: str | None = None) -> str | None:
    """The media type to respond in, by weight, then by the client's order. None when nothing is acceptable."""
    accept = (accept or "").strip()
    return _negotiate(accept[:MAX_ACCEPT_LENGTH], exclude) if accept else JSON


@lru_cache(maxsize=256)
def _negotiate(accept: str, exclude: str | None) -> str | None:
    preferences: dict[str, tuple[float, int]] = {}
    for position, entry in enumerate(accept.split(",")):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = next((_weight(parameter[2:]) for parameter in parameters if parameter.startswith("q=")), 1.0)
        preferences.setdefault(media_range, (weight, position))
    ranked: list[tuple[float, int, int, str]] = []
    for index, media in enumerate(OFFERED):
        # The most specific range that covers a type decides, also when it excludes the type.
        ranges = (media, f"{media.partition('/')[0]}/*", "*/*")
        weight, position = next((preferences[name] for name in ranges if name in preferences), (0.0, 0))
        if weight > 0 and media != exclude:
            ranked.append((-weight, position, index, media))
    return min(ranked)[3] if ranked else None


def _weight(text: str) -> float:
    """The weight of an entry; anything but a number from 0 to 1 excludes it."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
