"""The stylesheet, scripts and icon of the pages: compressed once at startup, named by content hash, cached for good."""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.compression import CODINGS, best_coding, compress
from server.conditional import not_modified

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
IMMUTABLE = {
    "cache-control": "public, max-age=31536000, immutable",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}


class Asset(NamedTuple):
    name: str
    media_type: str
    encodings: dict[str, bytes]
    """Content by content coding; "identity" is the file itself."""


class Assets:
    """The static files as they were at startup."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._assets: dict[str, Asset] = {}
        self._hashed_names: dict[str, str] = {}
        for file in sorted(folder.iterdir()):
            if file.suffix in MEDIA_TYPES:
                content = file.read_bytes()
                name = f"{file.stem}-{sha256(content).hexdigest()[:10]}{file.suffix}"
                self._hashed_names[file.name] = name
                encodings = {"identity": content} | {
                    coding: compress(content, coding, smallest=True) for coding in CODINGS
                }
                self._assets[name] = Asset(name, MEDIA_TYPES[file.suffix], encodings)

    def url(self, file_name: str) -> str:
        """Where a file is served, relative to the root of the site."""
        return f"static/{self._hashed_names[file_name]}"

    async def __call__(self, request: Request) -> Response:
        # Only names listed at startup are served, so nothing of the URL reaches the file system.
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        coding = best_coding(request)
        headers = IMMUTABLE | {"etag": f'"{asset.name}.{coding}"'}
        if coding != "identity":
            headers["content-encoding"] = coding
        return not_modified(request, headers) or Response(
            asset.encodings[coding], headers=headers, media_type=asset.media_type
        )
