"""Errors are pages, too: what is not there, with what may have been meant."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.graphql.errors import hide
from server.pages.site import ProblemError, Site

LONGEST_SEARCH = 200
NEAR = 8
"""Near misses a page names."""
LONGEST_QUERY = 8_000
"""Characters of an address after its question mark; the forms of these pages stay far below."""


def page(view: Callable[[Site, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A view as an endpoint that answers with a page whatever happens."""

    async def answered(request: Request) -> Response:
        site: Site = request.state["site"]
        try:
            if len(request.url.query) > LONGEST_QUERY:
                raise ProblemError(414, "The address is too long", "Ask for fewer things at once.")
            return await site.kept(request) or await view(site, request)
        except ProblemError as problem:
            if problem.status == 400 and {"after", "before"} & request.query_params.keys():
                problem = ProblemError(400, problem.title, "It names a place in a list that is not there. Begin again.")
            return site.plain(request, problem)
        except Exception as error:
            return site.plain(request, ProblemError(500, "Something went wrong", hide(error, "a page")))

    return answered


async def missing_model(site: Site, request: Request, ref: str) -> Response:
    text = f"“{ref[:100]}” is no model of this registry, under this or another recorded name."
    return await missing(site, request, "No such model", text, ref, model=True)


async def missing_provider(site: Site, request: Request, slug: str) -> Response:
    text = f"“{slug[:100]}” is no provider of this registry."
    return await missing(site, request, "No such provider", text, slug)


async def missing_family(site: Site, request: Request, slug: str) -> Response:
    text = f"“{slug[:100]}” is no family of models of this registry."
    return await missing(site, request, "No such family", text, slug)


async def missing_page(site: Site, request: Request) -> Response:
    return await missing(site, request, "There is nothing here", "No page has this address.", "")


def words(sought: str) -> str:
    """What to search for when nothing is called so."""
    return " ".join(re.findall(r"[\w.]+", sought))[:LONGEST_SEARCH]


async def missing(site: Site, request: Request, title: str, text: str, sought: str, *, model: bool = False) -> Response:
    looked_for = words(sought)
    answer = await site.ask("missing", {"text": looked_for} | ({"ref": sought, "model": True} if model else {}))
    found: list[dict[str, Any]] = answer.data["models"]["nodes"] if looked_for else []
    if model:
        # Names that come near say more than texts that hold the words.
        found = [each["model"] for each in answer.data["resolveModel"]["candidates"]][:NEAR] or found
    return site.page(
        request,
        "problem.html",
        answer,
        404,
        title=title,
        text=text,
        sought=looked_for,
        near=found,
        near_providers=answer.data["providers"]["nodes"] if looked_for else [],
    )
