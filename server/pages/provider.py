"""The pages of providers and model families."""

from starlette.requests import Request
from starlette.responses import Response

from server.pages import urls
from server.pages.error_pages import missing
from server.pages.list_query import MAX_CURSOR_LENGTH, parse_list_query, parse_search
from server.pages.site import Site

GROUPS = {"labs": "Labs", "clouds": "Clouds", "gateways": "Gateways", "locals": "Local software"}
KINDS = {
    "LAB": "A lab that serves its own models.",
    "CLOUD": "A cloud that hosts other companies’ models.",
    "GATEWAY": "A gateway that routes requests to other providers.",
    "LOCAL": "Software that runs models on your own machine; there are no prices.",
}


async def providers(site: Site, request: Request) -> Response:
    parameters = request.query_params
    search = parse_search(parameters.get("q", ""))
    cursors = {f"{name}After": parameters.get(name, "")[:MAX_CURSOR_LENGTH] for name in GROUPS}
    result = await site.query("providers", search=search, **cursors)
    groups = [
        {
            "name": name,
            "heading": heading,
            "providers": (connection := result.data[name]),
            "next_link": urls.query_string({"q": search, name: connection["pageInfo"]["endCursor"]})
            if connection["pageInfo"]["hasNextPage"]
            else None,
        }
        for name, heading in GROUPS.items()
    ]
    total = sum(result.data[name]["totalCount"] for name in GROUPS)
    template = "provider_list.html" if parameters.get("part") == "list" else "providers.html"
    return site.render(request, template, result, search=search, groups=groups, total=total)


async def provider(site: Site, request: Request) -> Response:
    slug = request.path_params["provider"]
    query = parse_list_query(request.query_params)
    result = await site.query("provider", slug=slug, filter=query.model_filter, **query.variables())
    found = result.data["provider"]
    if found is None:
        return await missing(site, request, "provider", slug)
    template = "provider_models.html" if request.query_params.get("part") == "list" else "provider.html"
    return site.render(request, template, result, list_query=query, kind=KINDS[found["kind"]])


async def family(site: Site, request: Request) -> Response:
    slug = request.path_params["family"]
    query = parse_list_query(request.query_params)
    query.search = ""
    result = await site.query("family", slug=slug, filter=query.model_filter, **query.variables())
    if result.data["family"] is None:
        return await missing(site, request, "family", slug)
    return site.render(request, "family.html", result, list_query=query)
