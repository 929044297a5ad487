"""A model's page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from schema.pricing.cards import LINES
from server.pages import addresses, usage
from server.pages.changes import entry
from server.pages.chart import chart, steps
from server.pages.problems import missing_model
from server.pages.site import HEADERS, Site

CUSTOMARY = {"Cached input": "cached input", "Batch": "batch", "Priority": "priority", "Long context": "long context"}
"""Cards readers look for; of those that are not there the page says so."""
ONE_SIDED = frozenset(line.label for line in LINES if line.input is None or line.output is None)
"""Cards of one meter only: that the other side has no rate says nothing."""
ANY_VALUE = {
    "ARRAY": "A list",
    "BOOLEAN": "On or off",
    "OBJECT": "An object",
    "STRING": "Any text",
}
"""What a parameter takes whose values no source bounds; a number then has a range nobody published."""
MANY = 8
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
    asked = usage.read(request.query_params)
    part = "cost" if request.query_params.get("part") == "cost" else "model"
    answer = await site.ask(part, {"ref": ref, **asked.variables()})
    found = answer.data["model"]
    if found is None:
        return await missing_model(site, request, ref)
    if found["ref"] != ref:
        # The address held another name of the model.
        return RedirectResponse(addresses.root(request) + addresses.model(found["ref"]), 302, headers=HEADERS)
    estimate = usage.told(found, asked)
    # A rate of a time of day: the cost is another within the hour.
    passing = any(card["label"].endswith("UTC") for card in found["priceCards"])
    if part == "cost":
        return site.page(request, "cost.html", answer, passing=passing, estimate=estimate)
    return site.page(request, "model.html", answer, passing=passing, estimate=estimate, **view(found))


def view(model: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows beyond the answer's own members."""
    today = datetime.now(UTC).date()
    cards: list[Mapping[str, Any]] = model["priceCards"]
    shown = {card["label"] for card in cards}
    standard, *others = cards
    return {
        "chart": chart(model["priceHistory"], today),
        "history": {meter: steps(model["priceHistory"], meter) for meter in ("INPUT", "OUTPUT")},
        "cards": [standard, *others],
        "unpublished": [word for label, word in CUSTOMARY.items() if label not in shown],
        "sources": {fact["field"]: fact["source"]["name"] for fact in model["facts"]},
        "offers": model["offers"][:MANY],
        "further_offers": model["offers"][MANY:],
        "supported": [each for each in model["parameters"] if each["supported"]],
        "unsupported": [each for each in model["parameters"] if not each["supported"]],
        "one_sided": ONE_SIDED,
        "any_value": ANY_VALUE,
        "specifications": [(field, model[field]) for field in SPECIFICATIONS],
        "contents": contents(model),
        "moves": [entry(each) for each in model["changes"]["nodes"]],
    }


def contents(model: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """The sections: anchor, heading, and whether there is anything in it."""
    return [
        ("overview", "Overview", model["description"] or model["useCases"] or model["bestFor"]),
        ("pricing", "Pricing", True),
        ("cost", "Cost calculator", True),
        ("capabilities", "Capabilities", model["capabilities"] or model["endpoints"]),
        ("controls", "Controls", True),
        ("specifications", "Specifications", True),
        ("offers", "Other offers", model["offers"]),
        ("versions", "Versions", len(model["versions"]) > 1),
        ("disputes", "Where sources disagree", model["disputes"]),
        ("changes", "What changed", True),
    ]
