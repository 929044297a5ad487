"""The pages' style, scripts and icon: packed once at the start, named by what they hold, kept by browsers for good."""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.compression import CODINGS, best_coding, compress
from server.conditional import not_modified

HERE = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
KEPT = {
    "cache-control": "public, max-age=31536000, immutable",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}


class Asset(NamedTuple):
    name: str
    media: str
    copies: dict[str, bytes]
    """By coding; "identity" is the file itself."""


class Assets:
    """Files as they were at the start."""

    def __init__(self, folder: Path = HERE) -> None:
        self._by_name: dict[str, Asset] = {}
        self._names: dict[str, str] = {}
        for file in sorted(folder.iterdir()):
            if file.suffix in MEDIA_TYPES:
                content = file.read_bytes()
                name = f"{file.stem}-{sha256(content).hexdigest()[:10]}{file.suffix}"
                self._names[file.name] = name
                copies = {"identity": content} | {
                    coding: compress(content, coding, smallest=True) for coding in CODINGS
                }
                self._by_name[name] = Asset(name, MEDIA_TYPES[file.suffix], copies)

    def address(self, file: str) -> str:
        """Where a file is served, below the root."""
        return f"static/{self._names[file]}"

    async def __call__(self, request: Request) -> Response:
        # Only names listed at the start are known: nothing of the address reaches the file system.
        asset = self._by_name.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        coding = best_coding(request)
        headers = KEPT | {"etag": f'"{asset.name}.{coding}"'}
        if coding != "identity":
            headers["content-encoding"] = coding
        return not_modified(request, headers) or Response(asset.copies[coding], headers=headers, media_type=asset.media)
