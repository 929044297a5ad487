"""Which of our media types a client prefers."""

from functools import lru_cache

from starlette.requests import Request

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
    weights: dict[str, tuple[float, int]] = {}
    for place, entry in enumerate(accept[:2_000].split(",")):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        weights.setdefault(kind, (weight, place))
    ranked: list[tuple[float, int, int, str]] = []
    for rank, kind in enumerate(OFFERED):
        # The most exact entry that covers a type speaks for it, also when it rules the type out.
        covering = (kind, f"{kind.partition('/')[0]}/*", "*/*")
        found = next((weights[each] for each in covering if each in weights), None)
        if found and found[0] > 0 and kind != without:
            ranked.append((-found[0], found[1], rank, kind))
    return min(ranked)[3] if ranked else None


def _weight(text: str) -> float:
    """The weight of an entry; what is no weight between 0 and 1 rules it out."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client holds what this tag marks."""
    known = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in {tag.removeprefix("W/"), "*"} for each in known)
