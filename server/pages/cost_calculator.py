"""The cost calculator: the usage in a URL, and what it costs."""

from dataclasses import dataclass, field
from decimal import Decimal

from starlette.datastructures import QueryParams

from schema.enums import ServiceTier, label
from server.pages.formatting import Data, lower_first

MAX_COUNT = 10**12


@dataclass(frozen=True, slots=True)
class CountField:
    """A number in the form."""

    name: str
    label: str
    default: int


COUNT_FIELDS = (
    CountField("input", "Input tokens per request", 3_000),
    CountField("cached", "Cached input tokens", 0),
    CountField("output", "Output tokens per request", 500),
    CountField("requests", "Requests", 1_000),
)


@dataclass(slots=True)
class Usage:
    """The usage whose cost is asked for."""

    counts: dict[str, int]
    tier: str = ServiceTier.STANDARD.name
    notes: list[str] = field(default_factory=list[str])
    """What is wrong with the input, for the reader."""
    is_given: bool = False
    """Whether the URL contains any usage."""

    def variables(self) -> dict[str, object]:
        # One request at a time: long-context rates depend on the size of each request, not of their sum.
        return {
            "usage": {
                "inputTokens": self.counts["input"],
                "cacheReadTokens": self.counts["cached"],
                "outputTokens": self.counts["output"],
            },
            "tier": self.tier,
        }

    @property
    def fields(self) -> list[tuple[CountField, int]]:
        return [(count_field, self.counts[count_field.name]) for count_field in COUNT_FIELDS]


def parse_usage(parameters: QueryParams) -> Usage:
    """The usage in a URL; invalid values get a note and keep their default."""
    usage = Usage({count_field.name: count_field.default for count_field in COUNT_FIELDS})
    for count_field in COUNT_FIELDS:
        text = parameters.get(count_field.name, "").strip().replace(",", "").replace("_", "").replace(" ", "")
        if not text:
            continue
        usage.is_given = True
        if text.isascii() and text.isdigit() and len(text) <= 13 and int(text) <= MAX_COUNT:
            usage.counts[count_field.name] = int(text)
        else:
            usage.notes.append(f"Enter {lower_first(count_field.label)} as a whole number (up to 1 trillion).")
    if usage.counts["cached"] > usage.counts["input"]:
        usage.notes.append("Cached input tokens can’t exceed the input tokens per request.")
        usage.counts["cached"] = usage.counts["input"]
    tier = parameters.get("tier", "").upper()
    if tier in ServiceTier.__members__:
        usage.tier, usage.is_given = tier, True
    return usage


def cost_estimate(model: Data, usage: Usage) -> dict[str, object]:
    """The cost for the template: per request, and for all of them."""
    cost: Data = model["cost"]
    unpriced_meters: list[str] = cost["unpricedMeters"]
    per_request = None if cost["total"] is None else Decimal(cost["total"])
    # Embedding models produce no output tokens, so the default output must not make the total unknown.
    if not usage.is_given and unpriced_meters == ["OUTPUT"] and "TEXT" not in model["outputModalities"]:
        usage.counts["output"] = 0
        unpriced_meters, per_request = [], sum((Decimal(line["amount"]) for line in cost["lines"]), Decimal(0))
    requests = usage.counts["requests"]
    return {
        "usage": usage,
        "tiers": list(dict.fromkeys(card["serviceTier"] for card in model["priceCards"])),
        "lines": [{**line, "total": f"{Decimal(line['amount']) * requests:f}"} for line in cost["lines"]],
        "unpriced": [lower_first(label(meter)) for meter in unpriced_meters],
        "per_request": None if per_request is None else f"{per_request:f}",
        "total": None if per_request is None else f"{per_request * requests:f}",
    }
