"""The /graphiql page and its assets: GraphiQL if it was built, otherwise the minimal console."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.content import IMMUTABLE, Content, entity_tag
from server.graphiql.example import examples

HERE = Path(__file__).parent

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Monaco adds its themes as style elements
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",  # includes WebSockets to the same host and port
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

HEADERS = {
    # Also on assets: the policy of a worker is the one its script is served with.
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
ASSETS = "graphiql/assets"
"""URL of the assets, relative to the page, so that it works behind a proxy that adds a path prefix."""


class Parts(TypedDict):
    """The assets of the page, by name."""

    script: str
    style: str
    preload: list[str]


def routes() -> list[BaseRoute]:
    """The page and its assets. What there is is listed once, at startup."""
    icon = HERE / "icon.svg"
    files = {_hashed(icon): icon}
    try:
        parts: Parts = json.loads((HERE / "build/manifest.json").read_text("utf-8"))
        template = HERE / "build/page.html"
        files |= {file.name: file for file in (HERE / "build/assets").iterdir() if file.suffix in MEDIA_TYPES}
    except FileNotFoundError:
        script, style = HERE / "console/console.js", HERE / "console/console.css"
        parts = {"script": _hashed(script), "style": _hashed(style), "preload": []}
        template = HERE / "console/page.html"
        files |= {parts["script"]: script, parts["style"]: style}
    values = {
        "endpoint": "graphql",
        "assets": ASSETS,
        "icon": _hashed(icon),
        "script": parts["script"],
        "style": parts["style"],
        "preload": "\n".join(f'<link rel="modulepreload" href="{ASSETS}/{name}">' for name in parts["preload"]),
        "examples": json.dumps([example._asdict() for example in examples()]).replace("<", "\\u003c"),
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template.read_text("utf-8")).encode()
    page_content = Content("text/html; charset=utf-8", entity_tag(text, weak=True), {"identity": text})
    contents = {name: _content(name, file) for name, file in files.items()}

    async def page(request: Request) -> Response:
        return page_content.respond(request, HEADERS | {"cache-control": "no-cache"})

    async def asset(request: Request) -> Response:
        # Only names listed at startup are served, so nothing of the URL reaches the file system.
        content = contents.get(request.path_params["name"])
        if content is None:
            raise HTTPException(404, "Asset not found. Reload the page to get the current assets.")
        return content.respond(request, HEADERS | IMMUTABLE)

    return [Route("/graphiql", page), Route(f"/{ASSETS}/{{name}}", asset)]


def _content(name: str, file: Path) -> Content:
    """A file with the compressed copies that the build made of it."""
    copies = {coding: file.with_name(f"{file.name}.{suffix}") for coding, suffix in (("br", "br"), ("gzip", "gz"))}
    existing = {coding: copy for coding, copy in copies.items() if copy.exists()}
    return Content(MEDIA_TYPES[file.suffix], f'W/"{name}"', {"identity": file, **existing})


def _hashed(file: Path) -> str:
    return f"{file.stem}-{sha256(file.read_bytes()).hexdigest()[:8]}{file.suffix}"
