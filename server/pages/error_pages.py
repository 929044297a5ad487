"""Error pages; those for missing things suggest what may have been meant."""

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from server.graphql.errors import hide
from server.pages.formatting import Data
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


def search_terms(name: str) -> str:
    """A search for a name that was not found: "openai/gpt-4.1" -> "openai gpt 4.1"."""
    return " ".join(re.findall(r"[\w.]+", name))[:MAX_SEARCH_LENGTH]


async def missing(site: Site, request: Request, kind: str, name: str = "") -> Response:
    """No model, provider or family has this name; or, without a name, there is no page."""
    noun = "model family" if kind == "family" else kind
    text = f"The registry has no {noun} named “{name[:100]}”." if name else "There is no page at this address."
    search = search_terms(name)
    is_model = kind == "model"
    result = await site.query("missing", text=search, ref=name if is_model else "", model=is_model)
    suggestions: list[Data] = result.data["models"]["nodes"] if search else []
    if is_model:
        # Models with a similar name are better suggestions than models whose description matches.
        candidates = [candidate["model"] for candidate in result.data["resolveModel"]["candidates"]]
        suggestions = candidates[:MAX_SUGGESTIONS] or suggestions
    return site.render(
        request,
        "error.html",
        result,
        404,
        title=f"{kind.capitalize()} not found",
        text=text,
        search=search,
        suggestions=suggestions,
        suggested_providers=result.data["providers"]["nodes"] if search else [],
    )
