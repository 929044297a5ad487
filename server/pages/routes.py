"""Which page is where."""

from starlette.routing import BaseRoute, Route

from server.pages.model import model
from server.pages.problems import page
from server.pages.site import Site


def routes(site: Site) -> list[BaseRoute]:
    return [
        Route("/models/{provider}/{model:path}", page(site, model)),
        Route("/static/{name}", site.assets.__call__),
    ]
