"""The /graphiql page and its assets: GraphiQL if it was built, otherwise the minimal console."""

import gzip
import html
import json
import posixpath
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from server.compression import accepts_coding
from server.conditional import not_modified
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
    "vary": "accept-encoding",
}
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
CODINGS = {"br": ".br", "gzip": ".gz"}  # best first


class Parts(TypedDict):
    """The assets of the page, by name."""

    script: str
    style: str
    preload: list[str]


def routes(path: str = "/graphiql", endpoint: str = "/graphql", here: Path = HERE) -> list[BaseRoute]:
    """The page at `path` and its assets below it. Files are read once, at startup."""
    files = {_hashed(here / "icon.svg"): here / "icon.svg"}
    try:
        parts: Parts = json.loads((here / "build/manifest.json").read_text("utf-8"))
        template = here / "build/page.html"
        files |= {file.name: file for file in (here / "build/assets").iterdir() if file.suffix in MEDIA_TYPES}
    except FileNotFoundError:
        script, style = here / "console/console.js", here / "console/console.css"
        parts = {"script": _hashed(script), "style": _hashed(style), "preload": []}
        template = here / "console/page.html"
        files |= {parts["script"]: script, parts["style"]: style}

    # URLs are relative to the page, so that they work behind a proxy that adds a path prefix.
    folder = posixpath.dirname(path)
    assets = posixpath.relpath(f"{path}/assets", folder)
    values = {
        "endpoint": html.escape(posixpath.relpath(endpoint, folder)),
        "assets": html.escape(assets),
        "icon": next(iter(files)),
        "script": parts["script"],
        "style": parts["style"],
        "preload": "\n".join(f'<link rel="modulepreload" href="{assets}/{name}">' for name in parts["preload"]),
        "examples": json.dumps([example._asdict() for example in examples()]).replace("<", "\\u003c"),
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template.read_text("utf-8"))
    return [Route(path, _page(text.encode())), Route(f"{path}/assets/{{name}}", _assets(files))]


def _page(plain: bytes) -> Callable[[Request], Awaitable[Response]]:
    packed = gzip.compress(plain, mtime=0)
    tag = f'W/"{sha256(plain).hexdigest()[:16]}"'

    async def page(request: Request) -> Response:
        headers = HEADERS | {"cache-control": "no-cache", "etag": tag}
        if response := not_modified(request, headers):
            return response
        if not accepts_coding(request, "gzip"):
            return Response(plain, headers=headers, media_type="text/html")
        return Response(packed, headers=headers | {"content-encoding": "gzip"}, media_type="text/html")

    return page


def _assets(files: dict[str, Path]) -> Callable[[Request], Awaitable[Response]]:
    copies = {name: _copies(file) for name, file in files.items()}

    async def asset(request: Request) -> Response:
        # Only names listed at startup are served, so nothing of the URL reaches the file system.
        name = request.path_params["name"]
        if name not in copies:
            raise HTTPException(404, "Asset not found. Reload the page to get the current assets.")
        coding = next((coding for coding in copies[name] if accepts_coding(request, coding)), "identity")
        file = copies[name].get(coding, files[name])
        headers = HEADERS | {"cache-control": "public, max-age=31536000, immutable", "etag": f'"{name}.{coding}"'}
        if coding != "identity":
            headers["content-encoding"] = coding
        return not_modified(request, headers) or FileResponse(
            file, headers=headers, media_type=MEDIA_TYPES[Path(name).suffix]
        )

    return asset


def _copies(file: Path) -> dict[str, Path]:
    packed = {coding: file.with_name(file.name + suffix) for coding, suffix in CODINGS.items()}
    return {coding: copy for coding, copy in packed.items() if copy.exists()}


def _hashed(file: Path) -> str:
    return f"{file.stem}-{sha256(file.read_bytes()).hexdigest()[:8]}{file.suffix}"
