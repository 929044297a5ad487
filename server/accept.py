"""Which of our media types a client prefers."""

from functools import lru_cache

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"
MULTIPART = "multipart/mixed"
OFFERED = (JSON, GRAPHQL, EVENTS, MULTIPART)


@lru_cache(maxsize=256)
def preferred(accept: str | None, without: str | None = None) -> str | None:
    """The media type to answer in, honouring weights, then the client's order. None when nothing fits."""
    if not accept or not accept.strip():
        return JSON
    ranked: list[tuple[float, int, str]] = []
    for place, entry in enumerate(accept[:2_000].split(",")):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if weight <= 0:
            continue
        if kind in OFFERED and kind != without:
            ranked.append((-weight, place, kind))
        elif kind in ("*/*", "application/*"):
            ranked.append((-weight, place, JSON))
        elif kind == "text/*":
            ranked.append((-weight, place, EVENTS))
    return min(ranked)[2] if ranked else None
