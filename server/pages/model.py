"""The page of a model."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from schema.pricing.cards import LINES
from server.pages import urls
from server.pages.changes import describe
from server.pages.cost_calculator import cost_estimate, parse_usage
from server.pages.error_pages import missing
from server.pages.formatting import Data, field_value
from server.pages.price_chart import price_chart, rate_periods
from server.pages.site import HEADERS, Site

EXPECTED_CARDS = ("Cached input", "Batch", "Priority", "Long context")
"""Price cards readers look for; the page says which of them are not known."""
ONE_SIDED_CARDS = frozenset(line.label for line in LINES if line.input is None or line.output is None)
"""Cards that have either an input or an output price by definition."""
UNBOUNDED_VALUES = {"ARRAY": "List", "BOOLEAN": "True or false", "OBJECT": "Object", "STRING": "Any text"}
"""Allowed values by kind of parameter, if no source narrows them. The range of a number is unknown then."""
MAX_OFFERS = 8
"""Offers shown before the rest is folded away."""

SPECIFICATIONS = (
    "status",
    "accessType",
    "license",
    "parameterSize",
    "contextWindow",
    "maxInputTokens",
    "maxOutputTokens",
    "inputModalities",
    "outputModalities",
    "knowledgeCutoffText",
    "releaseDate",
    "deprecationDate",
    "retirementDate",
)


async def model(site: Site, request: Request) -> Response:
    ref = f"{request.path_params['provider']}/{request.path_params['model']}"
    usage = parse_usage(request.query_params)
    document = "cost" if request.query_params.get("part") == "cost" else "model"
    result = await site.query(document, ref=ref, **usage.variables())
    found = result.data["model"]
    if found is None:
        return await missing(site, request, "model", ref)
    if found["ref"] != ref:
        # The URL contains another name of the model.
        return RedirectResponse(urls.root(request) + urls.model(found["ref"]), 302, headers=HEADERS)
    estimate = cost_estimate(found, usage)
    # With rates that depend on the time of day, the cost changes without a new revision.
    varies = any(card["label"].endswith("UTC") for card in found["priceCards"])
    if document == "cost":
        return site.render(request, "cost_estimate.html", result, varies_within_day=varies, estimate=estimate)
    return site.render(request, "model.html", result, varies_within_day=varies, estimate=estimate, **view(found))


def view(model: Data) -> dict[str, Any]:
    """What the template needs beyond the members of the model."""
    today = datetime.now(UTC).date()
    cards: list[Data] = model["priceCards"]
    card_labels = {card["label"] for card in cards}
    return {
        "chart": price_chart(model["priceHistory"], today),
        "rate_history": {meter: rate_periods(model["priceHistory"], meter) for meter in ("INPUT", "OUTPUT")},
        "cards": cards,
        "missing_cards": [label.lower().replace(" ", "-") for label in EXPECTED_CARDS if label not in card_labels],
        "sources": {fact["field"]: fact["source"]["name"] for fact in model["facts"]},
        "offers": model["offers"][:MAX_OFFERS],
        "more_offers": model["offers"][MAX_OFFERS:],
        "supported": [parameter for parameter in model["parameters"] if parameter["supported"]],
        "unsupported": [parameter for parameter in model["parameters"] if not parameter["supported"]],
        "one_sided_cards": ONE_SIDED_CARDS,
        "unbounded_values": UNBOUNDED_VALUES,
        "specifications": [(field, field_value(model[field], field, model["status"])) for field in SPECIFICATIONS],
        "contents": contents(model),
        "described_changes": [describe(change) for change in model["changes"]["nodes"]],
    }


def contents(model: Data) -> list[tuple[str, str]]:
    """The anchors and headings of the sections that have any content."""
    sections = (
        ("overview", "Overview", model["description"] or model["useCases"] or model["bestFor"]),
        ("pricing", "Pricing", True),
        ("cost", "Cost calculator", True),
        ("capabilities", "Capabilities", model["capabilities"] or model["endpoints"]),
        ("parameters", "Request parameters", True),
        ("specifications", "Specifications", True),
        ("offers", "Other offers", model["offers"]),
        ("versions", "Versions", len(model["versions"]) > 1),
        ("disputes", "Where sources disagree", model["disputes"]),
        ("changes", "Recent changes", True),
    )
    return [(anchor, heading) for anchor, heading, has_content in sections if has_content]
