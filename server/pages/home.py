"""The catalogue's first page: search, filters with their counts, and the table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schema.enums import Modality, UseCase
from schema.labels import label
from server.pages import addresses, listing
from server.pages.listing import CHOICES, Choice, Listing
from server.pages.site import Site

MAKERS = {"providerKinds": ["LAB"]}
SHOWN = {"capability": 10, "provider": 8, "family": 6}
"""Choices of a filter shown before the rest is folded away; of the others all are."""
MOST_FAMILIES = 40
"""Families offered at all: the others are found by searching."""
SIZES = (32_000, 128_000, 200_000, 1_000_000)
STARTS = (
    ("Cheapest with tools", {"capability": "function-calling", "status": "active", "sort": "input-price"}),
    ("Reasoning", {"capability": "reasoning", "status": "active"}),
    ("Coding", {"use": "coding", "status": "active"}),
    ("Reads images", {"input": "image", "status": "active"}),
    ("A million tokens", {"context": "1000000", "status": "active"}),
    ("Open weights", {"access": ["open-weights", "open-source"]}),
    ("Embeddings", {"use": "embedding"}),
)
"""Where people begin, as addresses."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    count: int
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A filter with its choices; those folded away come under more."""

    name: str
    heading: str
    options: Sequence[Option]
    more: Sequence[Option]


async def home(site: Site, request: Request) -> Response:
    state = listing.read(request.query_params)
    everyone = state.filter
    makers = everyone | MAKERS
    variables = state.variables() | {"ofMakers": makers}
    if shown := makers if state.scope == "makers" else everyone:
        variables["filter"] = shown
    if everyone:
        variables["ofAll"] = everyone
    answer = await site.ask("home", variables)
    facets: Mapping[str, Any] = answer.data["models"]["facets"]
    template = "found.html" if request.query_params.get("part") == "list" else "home.html"
    names = {
        each.name: {one["value"]: one["label"] for one in facets[each.field]}
        for each in CHOICES
        if each.facet and each.words is None
    }
    return site.page(
        request,
        template,
        answer,
        listing=state,
        groups={each.name: group for each in CHOICES if each.facet and (group := options(each, facets, state))},
        chips=list(state.chips(names)),
        uses=[(word.name, label(word)) for word in UseCase],
        outputs=[(word.name, label(word)) for word in Modality],
        sizes=SIZES if state.context in (None, *SIZES) else sorted({*SIZES, state.context}),
        starts=[(name, addresses.asked(dict(asked))) for name, asked in STARTS],
    )


def options(choice: Choice, facets: Mapping[str, Any], state: Listing) -> Group | None:
    """The choices of a filter: those taken first, then the most frequent."""
    taken = state.chosen.get(choice.name, [])
    counted: list[Mapping[str, Any]] = facets[choice.field]
    found = list(_options(choice, counted, taken))
    found.sort(key=lambda option: not option.checked)
    if choice.name == "family":
        del found[max(MOST_FAMILIES, len(taken)) :]
    cut = max(SHOWN.get(choice.name, len(found)), len(taken))
    # A fold for one or two is no gain.
    cut = len(found) if len(found) <= cut + 2 else cut
    return Group(choice.name, choice.heading, found[:cut], found[cut:]) if found else None


def _options(choice: Choice, counted: Sequence[Mapping[str, Any]], taken: Sequence[str]) -> Iterator[Option]:
    for each in counted:
        yield Option(choice.write(each["value"]), each["label"], each["count"], each["value"] in taken)
    for value in set(taken) - {each["value"] for each in counted}:
        yield Option(choice.write(value), label(value) if choice.words else value, 0, checked=True)
