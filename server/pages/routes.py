"""The URL of every page."""

from starlette.routing import BaseRoute, Route

from server.pages.changes import atom_feed, changes
from server.pages.compare import compare
from server.pages.error_pages import page
from server.pages.home import home
from server.pages.model import model
from server.pages.provider import family, provider, providers
from server.pages.site import Site


def routes(site: Site) -> list[BaseRoute]:
    return [
        Route("/", page(site, home)),
        Route("/models/{provider}/{model:path}", page(site, model)),
        Route("/providers", page(site, providers)),
        Route("/providers/{provider}", page(site, provider)),
        Route("/families/{family}", page(site, family)),
        Route("/compare", page(site, compare)),
        Route("/changes", page(site, changes)),
        Route("/changes.atom", page(site, atom_feed)),
        Route("/static/{name}", site.assets.__call__),
    ]
