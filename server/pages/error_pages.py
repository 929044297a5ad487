"""Error pages; those for missing things suggest what may have been meant."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.graphql.errors import hide
from server.pages.list_query import MAX_SEARCH_LENGTH
from server.pages.site import PageError, Site

MAX_SUGGESTIONS = 8
MAX_QUERY_STRING = 8_000
"""Characters; the forms of these pages stay far below."""


def page(view: Callable[[Site, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for a view: answers from the cache if possible, and turns errors into pages."""

    async def endpoint(request: Request) -> Response:
        site: Site = request.state["site"]
        try:
            if len(request.url.query) > MAX_QUERY_STRING:
                raise PageError(414, "The address is too long", "Use fewer or shorter filters.")
            return await site.cached(request) or await view(site, request)
        except PageError as error:
            if error.status == 400 and {"after", "before"} & request.query_params.keys():
                text = "This page link is no longer valid. Start from the first page."
                error = PageError(400, error.title, text)
            return site.render_error(request, error)
        except Exception as error:
            return site.render_error(request, PageError(500, "Something went wrong", hide(error, "a page")))

    return endpoint


async def missing_model(site: Site, request: Request, ref: str) -> Response:
    text = f"The registry has no model named “{ref[:100]}”."
    return await _missing(site, request, "Model not found", text, ref, is_model=True)


async def missing_provider(site: Site, request: Request, slug: str) -> Response:
    text = f"The registry has no provider named “{slug[:100]}”."
    return await _missing(site, request, "Provider not found", text, slug)


async def missing_family(site: Site, request: Request, slug: str) -> Response:
    text = f"The registry has no model family named “{slug[:100]}”."
    return await _missing(site, request, "Family not found", text, slug)


async def missing_page(site: Site, request: Request) -> Response:
    return await _missing(site, request, "Page not found", "There is no page at this address.", "")


def search_terms(name: str) -> str:
    """A search for a name that was not found: "openai/gpt-4.1" -> "openai gpt 4.1"."""
    return " ".join(re.findall(r"[\w.]+", name))[:MAX_SEARCH_LENGTH]


async def _missing(
    site: Site, request: Request, title: str, text: str, name: str, *, is_model: bool = False
) -> Response:
    search = search_terms(name)
    result = await site.query("missing", {"text": search} | ({"ref": name, "model": True} if is_model else {}))
    suggestions: list[dict[str, Any]] = result.data["models"]["nodes"] if search else []
    if is_model:
        # Models with a similar name are better suggestions than models whose description matches.
        candidates = [candidate["model"] for candidate in result.data["resolveModel"]["candidates"]]
        suggestions = candidates[:MAX_SUGGESTIONS] or suggestions
    return site.render(
        request,
        "error.html",
        result,
        404,
        title=title,
        text=text,
        search=search,
        suggestions=suggestions,
        suggested_providers=result.data["providers"]["nodes"] if search else [],
    )
