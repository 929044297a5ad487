"""The cost calculator: a usage read from an address, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.datastructures import QueryParams

from schema.enums import ServiceTier

LARGEST = 10**12


@dataclass(frozen=True, slots=True)
class Count:
    """One number of the form."""

    name: str
    label: str
    usual: int


COUNTS = (
    Count("input", "Input tokens per request", 3_000),
    Count("cached", "of these read from the cache", 0),
    Count("output", "Output tokens per request", 500),
    Count("requests", "Requests", 1_000),
)


@dataclass(slots=True)
class Usage:
    """What somebody wants to know the cost of."""

    counts: dict[str, int]
    tier: str = ServiceTier.STANDARD.name
    notes: list[str] = field(default_factory=list[str])
    """What was asked and can't be, in words."""
    given: bool = False
    """Whether the address says anything about a usage."""

    def variables(self) -> dict[str, Any]:
        # One request at a time: what a long context reprices is each request, not their sum.
        return {
            "usage": {
                "inputTokens": self.counts["input"],
                "cacheReadTokens": self.counts["cached"],
                "outputTokens": self.counts["output"],
            },
            "tier": self.tier,
        }

    @property
    def fields(self) -> list[tuple[Count, int]]:
        return [(each, self.counts[each.name]) for each in COUNTS]


def read(asked: QueryParams) -> Usage:
    """The usage an address asks about; what can't be read is said and left at what is usual."""
    usage = Usage({each.name: each.usual for each in COUNTS})
    for each in COUNTS:
        text = asked.get(each.name, "").strip().replace(",", "").replace("_", "").replace(" ", "")
        if not text:
            continue
        usage.given = True
        if text.isascii() and text.isdigit() and len(text) <= 13 and int(text) <= LARGEST:
            usage.counts[each.name] = int(text)
        else:
            usage.notes.append(
                f"“{text[:30]}” is no number of {each.label.lower()}: write a whole number up to a trillion."
            )
    if usage.counts["cached"] > usage.counts["input"]:
        usage.notes.append("Cached tokens are part of the input tokens: there can't be more of them.")
        usage.counts["cached"] = usage.counts["input"]
    tier = asked.get("tier", "").upper()
    if tier in ServiceTier.__members__:
        usage.tier, usage.given = tier, True
    return usage


def told(model: Mapping[str, Any], usage: Usage) -> dict[str, Any]:
    """The estimate as the page shows it: for one request, and for all of them."""
    cost: Mapping[str, Any] = model["cost"]
    missing: list[str] = cost["unpricedMeters"]
    total = None if cost["total"] is None else Decimal(cost["total"])
    # An embedding model writes no tokens: the usual output is not what anybody asks about.
    if not usage.given and missing == ["OUTPUT"] and "TEXT" not in model["outputModalities"]:
        usage.counts["output"] = 0
        missing, total = [], sum((Decimal(line["amount"]) for line in cost["lines"]), Decimal(0))
    requests = usage.counts["requests"]
    return {
        "usage": usage,
        "tiers": list(dict.fromkeys(card["serviceTier"] for card in model["priceCards"])),
        "lines": [{**line, "all": f"{Decimal(line['amount']) * requests:f}"} for line in cost["lines"]],
        "missing": missing,
        "one": None if total is None else f"{total:f}",
        "all": None if total is None else f"{total * requests:f}",
    }
