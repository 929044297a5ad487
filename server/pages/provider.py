"""The pages of providers and families."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schema.column_types import is_object
from server.pages import addresses, listing
from server.pages.listing import LONGEST
from server.pages.problems import missing_family, missing_provider
from server.pages.site import Site

GROUPS = {"labs": "Labs", "clouds": "Clouds", "gateways": "Gateways", "locals": "On your own machine"}
KINDS = {
    "LAB": "A lab: it serves models it trained itself.",
    "CLOUD": "A cloud: it hosts models others trained.",
    "GATEWAY": "A gateway: it routes requests to other providers.",
    "LOCAL": "Software that runs models on your own machine; no price applies.",
}


async def providers(site: Site, request: Request) -> Response:
    asked = request.query_params
    search = " ".join(asked.get("q", "").replace("\x00", " ").split())[:LONGEST]
    variables: dict[str, Any] = {"search": search} if search else {}
    variables |= {f"{name}After": asked[name][:1_000] for name in GROUPS if asked.get(name)}
    answer = await site.ask("providers", variables)
    groups = [
        {
            "name": name,
            "heading": heading,
            "found": (found := answer.data[name]),
            "next": addresses.asked({"q": search, name: found["pageInfo"]["endCursor"]})
            if found["pageInfo"]["hasNextPage"]
            else None,
        }
        for name, heading in GROUPS.items()
    ]
    total = sum(answer.data[name]["totalCount"] for name in GROUPS)
    template = "provider_list.html" if asked.get("part") == "list" else "providers.html"
    return site.page(request, template, answer, q=search, groups=groups, total=total)


async def provider(site: Site, request: Request) -> Response:
    slug = request.path_params["provider"]
    state = listing.read(request.query_params)
    answer = await site.ask("provider", {"slug": slug, **narrowed(state)})
    found = answer.data["provider"]
    if not is_object(found):
        return await missing_provider(site, request, slug)
    template = "provider_models.html" if request.query_params.get("part") == "list" else "provider.html"
    return site.page(request, template, answer, listing=state, kind=KINDS[found["kind"]])


async def family(site: Site, request: Request) -> Response:
    slug = request.path_params["family"]
    state = listing.read(request.query_params)
    state.q = ""
    answer = await site.ask("family", {"slug": slug, **narrowed(state)})
    if answer.data["family"] is None:
        return await missing_family(site, request, slug)
    return site.page(request, "family.html", answer, listing=state)


def narrowed(state: listing.Listing) -> dict[str, Any]:
    """The state's variables, with its filter if there is one."""
    return state.variables() | ({"filter": state.filter} if state.filter else {})
