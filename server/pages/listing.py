"""Lists of models as addresses say them: search, filters, order and page, and the links that change one of these."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams

from schema.enums import AccessType, Capability, Modality, ModelStatus, UseCase
from schema.labels import label
from server.pages import addresses
from server.pages.filters import short

SIZE = 40
"""Models on a page."""
LONGEST = 200
"""Characters of a search."""
MOST = 50
"""Values of one filter."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter: its name in addresses, the field of ModelFilter, its heading, and the closed set it takes words of."""

    name: str
    field: str
    heading: str
    words: type[Enum] | None = None
    facet: bool = True
    """Whether ModelFacets counts it; it does so under the same name."""

    def read(self, text: str) -> str | None:
        """The value a text means; None for a word of no closed set."""
        if self.words is None:
            return text
        name = text.strip().upper().replace("-", "_")
        return name if name in self.words.__members__ else None

    def write(self, value: str) -> str:
        return value if self.words is None else value.lower().replace("_", "-")


CHOICES = (
    Choice("provider", "providers", "Provider"),
    Choice("capability", "capabilities", "Capability", Capability),
    Choice("input", "inputModalities", "Reads", Modality),
    Choice("output", "outputModalities", "Writes", Modality, facet=False),
    Choice("use", "useCases", "Good for", UseCase, facet=False),
    Choice("status", "statuses", "Status", ModelStatus),
    Choice("access", "accessTypes", "Access", AccessType),
    Choice("family", "families", "Family"),
)


class Sort(NamedTuple):
    field: str
    descending: bool
    """Which way people mean when they do not say."""
    heading: str


SORTS = {
    "name": Sort("NAME", False, "Model"),
    "context": Sort("CONTEXT_WINDOW", True, "Context"),
    "max-output": Sort("MAX_OUTPUT_TOKENS", True, "Max output"),
    "input-price": Sort("INPUT_PRICE", False, "Input"),
    "output-price": Sort("OUTPUT_PRICE", False, "Output"),
    "released": Sort("RELEASE_DATE", True, "Released"),
}


class Chip(NamedTuple):
    """A filter in force, and where it is not."""

    text: str
    link: str


@dataclass(slots=True)
class Listing:
    """What an address asks of a list of models. Nothing in it can fail: what can't be read is told, and left out."""

    q: str = ""
    chosen: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    context: int | None = None
    price: str | None = None
    sellers: str = ""
    sort: str = ""
    order: str = ""
    after: str = ""
    before: str = ""
    notes: list[str] = field(default_factory=list[str])

    @property
    def sorts(self) -> Mapping[str, Sort]:
        return SORTS

    @property
    def filter(self) -> dict[str, Any]:
        """The filter without regard to who sells."""
        found: dict[str, Any] = {each.field: self.chosen[each.name] for each in CHOICES if self.chosen.get(each.name)}
        if self.context is not None:
            found["minContextWindow"] = self.context
        if self.price is not None:
            found["maxInputPrice"] = self.price
        return found

    @property
    def scope(self) -> str:
        """Whose listings are shown: unless it is said, the makers' own until somebody searches or names a seller."""
        return self.sellers or ("all" if self.q or self.chosen.get("provider") else "makers")

    @property
    def descending(self) -> bool:
        if self.order:
            return self.order == "desc"
        return SORTS[self.sort].descending if self.sort else not self.q

    @property
    def sorted_by(self) -> str:
        """The column the table is in the order of; none when it is by relevance."""
        return self.sort or ("" if self.q else "released")

    def variables(self) -> dict[str, Any]:
        """Search, order and page, as variables; what is not asked for is left out."""
        found: dict[str, Any] = {}
        if self.q:
            found["search"] = self.q
        if self.sort:
            found["orderBy"] = {"field": SORTS[self.sort].field, "direction": "DESC" if self.descending else "ASC"}
        if self.before:
            return found | {"last": SIZE, "before": self.before}
        return found | {"first": SIZE} | ({"after": self.after} if self.after else {})

    def state(self) -> dict[str, list[str]]:
        """The address's parameters, without the page."""
        found = {"q": [self.q], "sellers": [self.sellers]}
        found |= {each.name: [each.write(value) for value in self.chosen.get(each.name, [])] for each in CHOICES}
        found |= {"context": [str(self.context or "")], "price": [self.price or ""]}
        found |= {"sort": [self.sort], "order": [self.order]}
        return {name: kept for name, values in found.items() if (kept := [value for value in values if value])}

    def link(self, **changes: str | list[str]) -> str:
        """The address with some parameters changed; another page of it only when that is among them."""
        state = self.state() | {name: [each] if isinstance(each, str) else each for name, each in changes.items()}
        return addresses.asked(state)

    def sort_link(self, name: str) -> str:
        """Sorts by a column; a second time, the other way round."""
        usual = SORTS[name].descending
        turned = self.sorted_by == name and self.descending == usual
        return self.link(sort=name, order=("asc" if usual else "desc") if turned else "")

    def chips(self, labels: Mapping[str, Mapping[str, str]]) -> Iterator[Chip]:
        """The filters in force. Labels name providers and families."""
        state = self.state()
        for each in CHOICES:
            values = self.chosen.get(each.name, [])
            for value in values:
                text = labels.get(each.name, {}).get(value, value) if each.words is None else label(value)
                rest = [one for one in state[each.name] if one != each.write(value)]
                yield Chip(f"{each.heading}: {text}", self.link(**{each.name: rest}))
        if self.context is not None:
            yield Chip(f"Context: {short(self.context)} or more", self.link(context=""))
        if self.price is not None:
            yield Chip(f"Input: ${self.price} or less", self.link(price=""))


COUNT = re.compile(r"(\d{1,9})(?:\.(\d))?([km]?)", re.IGNORECASE)


def count(text: str) -> int | None:
    """A number of tokens as people type it: 128000, 128,000, 128k, 1m."""
    found = COUNT.fullmatch(text.replace(",", "").replace("_", "").replace(" ", ""))
    if not found:
        return None
    value = Decimal(f"{found[1]}.{found[2] or 0}") * {"": 1, "k": 1_000, "m": 1_000_000}[found[3].lower()]
    return int(value) if value <= 2_000_000_000 else None


def read(asked: QueryParams) -> Listing:
    """The list an address asks for."""
    found = Listing(q=" ".join(asked.get("q", "").replace("\x00", " ").split())[:LONGEST])
    if len(asked.get("q", "")) > LONGEST:
        found.notes.append(f"Only the first {LONGEST} characters of the search were read.")
    for each in CHOICES:
        texts = [text for text in dict.fromkeys(asked.getlist(each.name)) if text]
        values = [(text, each.read(text)) for text in texts[:MOST]]
        found.chosen[each.name] = [value for _, value in values if value is not None]
        unknown = [f"“{text[:40]}”" for text, value in values if value is None]
        if unknown:
            found.notes.append(f"{each.heading}: {', '.join(unknown[:5])} left out; there is no such choice.")
        if len(texts) > MOST:
            found.notes.append(f"{each.heading}: only the first {MOST} choices were read.")
    if text := asked.get("context", "").strip():
        found.context = count(text)
        if found.context is None:
            found.notes.append(f"“{text[:40]}” is no number of tokens: write 128000 or 128k.")
    if text := asked.get("price", "").strip().removeprefix("$"):
        if re.fullmatch(r"\d{1,7}(\.\d{1,9})?", text):
            found.price = text
        else:
            found.notes.append(f"“{text[:40]}” is no price: write dollars per 1M tokens, such as 0.5.")
    found.sort = sort if (sort := asked.get("sort", "")) in SORTS else ""
    found.order = order if (order := asked.get("order", "")) in ("asc", "desc") and found.sort else ""
    found.sellers = sellers if (sellers := asked.get("sellers", "")) in ("makers", "all") else ""
    found.after, found.before = asked.get("after", "")[:1_000], asked.get("before", "")[:1_000]
    return found
