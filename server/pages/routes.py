"""The URL of every page."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.pages.changes import atom_feed, changes
from server.pages.compare import compare
from server.pages.error_pages import page
from server.pages.home import home
from server.pages.model import model
from server.pages.provider import family, provider, providers
from server.pages.site import Site


async def asset(request: Request) -> Response:
    site: Site = request.state["site"]
    return await site.assets(request)


def routes() -> list[BaseRoute]:
    return [
        Route("/", page(home)),
        Route("/models/{provider}/{model:path}", page(model)),
        Route("/providers", page(providers)),
        Route("/providers/{provider}", page(provider)),
        Route("/families/{family}", page(family)),
        Route("/compare", page(compare)),
        Route("/changes", page(changes)),
        Route("/changes.atom", page(atom_feed)),
        Route("/static/{name}", asset),
    ]
