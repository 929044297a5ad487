"""The query string of a list of models: search, filters, sort order and page, and links that change one of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from starlette.datastructures import QueryParams

from schema.enums import AccessType, Capability, Modality, ModelStatus, UseCase, label
from server.pages import urls
from server.pages.formatting import compact, lower_first

PAGE_SIZE = 40
MAX_SEARCH_LENGTH = 200
MAX_FILTER_VALUES = 50
MAX_CURSOR_LENGTH = 1_000
FIRST_PARTY, ALL = "makers", "all"
"""Values of the URL parameter `sellers`: only the listings of labs, or those of all providers."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter with a list of values."""

    name: str
    """Its parameter in URLs."""
    field: str
    """Its field of ModelFilter."""
    label: str
    enum: type[Enum] | None = None
    has_facet: bool = True
    """Whether ModelFacets counts its values, in a field of the same name."""

    def parse(self, text: str) -> str | None:
        """The value a text stands for, or None if the enum has no such member."""
        if self.enum is None:
            return text
        name = text.strip().upper().replace("-", "_")
        return name if name in self.enum.__members__ else None

    def url_value(self, value: str) -> str:
        return value if self.enum is None else value.lower().replace("_", "-")


FILTERS = (
    Filter("provider", "providers", "Provider"),
    Filter("capability", "capabilities", "Capability", Capability),
    Filter("input", "inputModalities", "Input", Modality),
    Filter("output", "outputModalities", "Output", Modality, has_facet=False),
    Filter("use", "useCases", "Task", UseCase, has_facet=False),
    Filter("status", "statuses", "Status", ModelStatus),
    Filter("access", "accessTypes", "Access type", AccessType),
    Filter("family", "families", "Family"),
)


class Column(NamedTuple):
    """A column a list can be sorted by."""

    order_field: str
    descending: bool
    """The direction of the first click."""
    label: str


COLUMNS = {
    "name": Column("NAME", False, "Model"),
    "context": Column("CONTEXT_WINDOW", True, "Context"),
    "max-output": Column("MAX_OUTPUT_TOKENS", True, "Max output"),
    "input-price": Column("INPUT_PRICE", False, "Input price"),
    "output-price": Column("OUTPUT_PRICE", False, "Output price"),
    "released": Column("RELEASE_DATE", True, "Released"),
}


class Chip(NamedTuple):
    """An active filter, and the link that removes it."""

    text: str
    link: str


@dataclass(slots=True)
class ListQuery:
    """What a URL asks of a list of models. Invalid values get a note and are ignored."""

    search: str = ""
    filters: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    min_context: int | None = None
    max_price: str | None = None
    requested_scope: str = ""
    sort: str = ""
    order: str = ""
    after: str = ""
    before: str = ""
    notes: list[str] = field(default_factory=list[str])

    @property
    def columns(self) -> Mapping[str, Column]:
        return COLUMNS

    @property
    def model_filter(self) -> dict[str, object]:
        """The ModelFilter, without the scope."""
        values: dict[str, object] = {
            item.field: self.filters[item.name] for item in FILTERS if self.filters.get(item.name)
        }
        if self.min_context is not None:
            values["minContextWindow"] = self.min_context
        if self.max_price is not None:
            values["maxInputPrice"] = self.max_price
        return values

    @property
    def scope(self) -> str:
        """FIRST_PARTY or ALL; by default first-party until the reader searches or picks a provider."""
        return self.requested_scope or (ALL if self.search or self.filters.get("provider") else FIRST_PARTY)

    @property
    def is_first_party(self) -> bool:
        return self.scope == FIRST_PARTY

    @property
    def descending(self) -> bool:
        if self.order:
            return self.order == "desc"
        return COLUMNS[self.sort].descending if self.sort else not self.search

    @property
    def sorted_by(self) -> str:
        """The column the list is sorted by; empty if it is sorted by relevance."""
        return self.sort or ("" if self.search else "released")

    def variables(self) -> dict[str, object]:
        """Search, sort order and page as variables of a document."""
        direction = "DESC" if self.descending else "ASC"
        order = {"field": COLUMNS[self.sort].order_field, "direction": direction} if self.sort else None
        return {"search": self.search, "orderBy": order} | page_variables(PAGE_SIZE, self.after, self.before)

    def parameters(self) -> dict[str, list[str]]:
        """The parameters of this list's URL, without the page."""
        values = {"q": [self.search], "sellers": [self.requested_scope]}
        for item in FILTERS:
            values[item.name] = [item.url_value(value) for value in self.filters.get(item.name, [])]
        values |= {"context": [str(self.min_context or "")], "price": [self.max_price or ""]}
        values |= {"sort": [self.sort], "order": [self.order]}
        return {name: filled for name, texts in values.items() if (filled := [text for text in texts if text])}

    def link(self, **changes: str | list[str]) -> str:
        """The query string with some parameters changed. It leads to the first page unless `changes` names another."""
        return urls.query_string({**self.parameters(), **changes})

    def sort_link(self, name: str) -> str:
        """Sorts by a column, or reverses it if the list is already sorted by it."""
        first_direction = COLUMNS[name].descending
        reverse = self.sorted_by == name and self.descending == first_direction
        return self.link(sort=name, order=("asc" if first_direction else "desc") if reverse else "")

    def chips(self, names: Mapping[str, Mapping[str, str]]) -> Iterator[Chip]:
        """The active filters. `names` maps slugs of providers and families to their names, by filter."""
        parameters = self.parameters()
        for item in FILTERS:
            for value in self.filters.get(item.name, []):
                text = names.get(item.name, {}).get(value, value) if item.enum is None else label(value)
                others = [other for other in parameters[item.name] if other != item.url_value(value)]
                yield Chip(f"{item.label}: {text}", self.link(**{item.name: others}))
        if self.min_context is not None:
            yield Chip(f"Context: at least {compact(self.min_context)}", self.link(context=""))
        if self.max_price is not None:
            yield Chip(f"Input price: up to ${self.max_price}", self.link(price=""))


TOKEN_COUNT = re.compile(r"(\d{1,9})(?:\.(\d))?([km]?)", re.IGNORECASE)


def parse_token_count(text: str) -> int | None:
    """A number of tokens as people type it: 128000, 128,000, 128k, 1.5m."""
    match = TOKEN_COUNT.fullmatch(text.replace(",", "").replace("_", "").replace(" ", ""))
    if not match:
        return None
    value = Decimal(f"{match[1]}.{match[2] or 0}") * {"": 1, "k": 1_000, "m": 1_000_000}[match[3].lower()]
    return int(value) if value <= 2_000_000_000 else None


def page_variables(size: int, after: str, before: str) -> dict[str, object]:
    """The page after one cursor or before another; without any, the first page."""
    return {"last": size, "before": before} if before else {"first": size, "after": after}


def parse_search(text: str) -> str:
    """A search with single spaces, cut to the longest allowed."""
    return " ".join(text.replace("\x00", " ").split())[:MAX_SEARCH_LENGTH]


def parse_list_query(parameters: QueryParams) -> ListQuery:
    query = ListQuery(search=parse_search(parameters.get("q", "")))
    if len(parameters.get("q", "")) > MAX_SEARCH_LENGTH:
        query.notes.append(f"Only the first {MAX_SEARCH_LENGTH} characters of the search were used.")
    for item in FILTERS:
        texts = [text for text in dict.fromkeys(parameters.getlist(item.name)) if text]
        values = [(text, item.parse(text)) for text in texts[:MAX_FILTER_VALUES]]
        query.filters[item.name] = [value for _, value in values if value is not None]
        unknown = [f"“{text[:40]}”" for text, value in values if value is None]
        if unknown:
            query.notes.append(f"Unknown {lower_first(item.label)} {', '.join(unknown[:5])} ignored.")
        if len(texts) > MAX_FILTER_VALUES:
            query.notes.append(f"{item.label}: only the first {MAX_FILTER_VALUES} values were used.")
    if text := parameters.get("context", "").strip():
        query.min_context = parse_token_count(text)
        if query.min_context is None:
            query.notes.append(f"“{text[:40]}” is not a number of tokens. Enter 128000 or 128k, for example.")
    if text := parameters.get("price", "").strip().removeprefix("$"):
        if re.fullmatch(r"\d{1,7}(\.\d{1,9})?", text):
            query.max_price = text
        else:
            query.notes.append(f"“{text[:40]}” is not a price. Enter dollars per 1M tokens, for example 0.5.")
    query.sort = sort if (sort := parameters.get("sort", "")) in COLUMNS else ""
    query.order = order if (order := parameters.get("order", "")) in ("asc", "desc") and query.sort else ""
    query.requested_scope = scope if (scope := parameters.get("sellers", "")) in (FIRST_PARTY, ALL) else ""
    query.after, query.before = (parameters.get(name, "")[:MAX_CURSOR_LENGTH] for name in ("after", "before"))
    return query
