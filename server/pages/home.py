"""The home page: search, filters with counts, and the list of models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from schema.enums import Modality, UseCase, label
from server.pages import urls
from server.pages.formatting import Data
from server.pages.list_query import FILTERS, Filter, ListQuery, parse_list_query
from server.pages.site import Site

FIRST_PARTY_FILTER = {"providerKinds": ["LAB"]}
VISIBLE_OPTIONS = {"capability": 10, "provider": 8, "family": 6}
"""Options shown before the rest is folded away; filters not named here show all."""
MAX_FAMILIES = 40
"""Families offered at all; others are found by searching."""
CONTEXT_SIZES = (32_000, 128_000, 200_000, 1_000_000)
QUICK_FILTERS = (
    ("Cheapest with tool calling", {"capability": "function-calling", "status": "active", "sort": "input-price"}),
    ("Reasoning", {"capability": "reasoning", "status": "active"}),
    ("Coding", {"use": "coding", "status": "active"}),
    ("Image input", {"input": "image", "status": "active"}),
    ("1M-token context", {"context": "1000000", "status": "active"}),
    ("Open weights", {"access": ["open-weights", "open-source"]}),
    ("Embeddings", {"use": "embedding"}),
)


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    count: int
    is_checked: bool


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """A filter as a group of checkboxes; `folded` ones are shown on demand."""

    name: str
    label: str
    options: Sequence[Option]
    folded: Sequence[Option]


async def home(site: Site, request: Request) -> Response:
    query = parse_list_query(request.query_params)
    all_filter = query.model_filter
    first_party_filter = all_filter | FIRST_PARTY_FILTER
    result = await site.query(
        "home",
        filter=first_party_filter if query.is_first_party else all_filter,
        ofMakers=first_party_filter,
        ofAll=all_filter,
        **query.variables(),
    )
    facets: Data = result.data["models"]["facets"]
    names = {
        item.name: {facet["value"]: facet["label"] for facet in facets[item.field]}
        for item in FILTERS
        if item.has_facet and item.enum is None
    }
    groups = [filter_group(item, facets, query) for item in FILTERS if item.has_facet]
    sizes = CONTEXT_SIZES if query.min_context is None else sorted({*CONTEXT_SIZES, query.min_context})
    return site.render(
        request,
        "search_results.html" if request.query_params.get("part") == "list" else "home.html",
        result,
        list_query=query,
        groups={group.name: group for group in groups if group},
        chips=list(query.chips(names)),
        tasks=[(task.name, label(task)) for task in UseCase],
        outputs=[(modality.name, label(modality)) for modality in Modality],
        context_sizes=sizes,
        quick_filters=[(name, urls.query_string(dict(parameters))) for name, parameters in QUICK_FILTERS],
    )


def filter_group(item: Filter, facets: Data, query: ListQuery) -> FilterGroup | None:
    """The options of a filter: checked ones first, then the most frequent."""
    checked = query.filters.get(item.name, [])
    options = sorted(_options(item, facets[item.field], checked), key=lambda option: not option.is_checked)
    if item.name == "family":
        del options[max(MAX_FAMILIES, len(checked)) :]
    visible = max(VISIBLE_OPTIONS.get(item.name, len(options)), len(checked))
    # Folding away one or two options would save no space.
    visible = len(options) if len(options) <= visible + 2 else visible
    return FilterGroup(item.name, item.label, options[:visible], options[visible:]) if options else None


def _options(item: Filter, facets: Sequence[Data], checked: Sequence[str]) -> Iterator[Option]:
    for facet in facets:
        yield Option(item.url_value(facet["value"]), facet["label"], facet["count"], facet["value"] in checked)
    for value in set(checked) - {facet["value"] for facet in facets}:
        yield Option(item.url_value(value), label(value) if item.enum else value, 0, is_checked=True)
