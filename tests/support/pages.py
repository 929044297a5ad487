"""The pages under test, a client for them, and what readers see."""

from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import Meter, ModelStatus, ParameterKind, ServiceTier
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, RateClaim
from tests.support.html import parse_page
from tests.support.registry import settings_for, tiny
from tests.support.servers import in_process

HTML = {"accept": "text/html,application/xhtml+xml"}
PAGES = [
    "/",
    "/?q=gpt&capability=vision&context=128k&sort=input-price",
    "/models/openai/gpt-4.1-mini",
    "/providers",
    "/providers/openai",
    "/families/gpt-4.1",
    "/compare",
    "/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1",
    "/changes",
]


def page_client(engine: AsyncEngine, **settings: Any) -> httpx.AsyncClient:
    """A browser-like client of the application over this database."""
    url = engine.url.render_as_string(hide_password=False)
    return in_process(settings_for(url, **settings), engine, headers=HTML)


def visible_text(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "text/html; charset=utf-8", response.text[:200]
    return parse_page(response.text).text


def listed_refs(response: httpx.Response) -> list[str]:
    """The refs of the models in the table, in order."""
    elements = parse_page(response.text).elements
    return [
        attributes["value"] for _, attributes in elements if attributes.get("form") == "pick" and "value" in attributes
    ]


def next_day() -> list[Catalogue]:
    """The tiny registry a day later: a price, a limit, a capability and a status changed, a model was added."""
    curated, priced, listed = tiny()
    large, small, resold = listed.models
    large.facts["context_window"] = priced.models[0].facts["context_window"] = 300_000
    priced.models[0].rates[0] = RateClaim(Meter.INPUT, Decimal("2.2"))
    priced.models[0].rates[3] = RateClaim(Meter.INPUT, Decimal("1.1"), service_tier=ServiceTier.BATCH)
    large.capabilities["VISION"] = True
    large.parameters["top_p"] = ParameterClaim("top_p", True, "Top P", ParameterKind.NUMBER)
    small.facts["status"] = ModelStatus.RETIRED
    resold.facts["name"] = "Tiny <b>Small</b> & co"
    listed.models.append(ModelClaims("openai", "tiny-next", facts={"name": "Tiny Next"}))
    return [curated, priced, listed]
