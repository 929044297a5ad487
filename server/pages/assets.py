"""The stylesheet, scripts and icon of the pages: compressed once at startup, named by content hash, cached for good."""

from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.content import CODINGS, IMMUTABLE, Content, compress, entity_tag

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
HEADERS = {**IMMUTABLE, "cross-origin-resource-policy": "same-origin"}


class Assets:
    """The static files as they were at startup."""

    def __init__(self) -> None:
        self._contents: dict[str, Content] = {}
        self._hashed_names: dict[str, str] = {}
        for file in FOLDER.iterdir():
            plain = file.read_bytes()
            name = f"{file.stem}-{sha256(plain).hexdigest()[:10]}{file.suffix}"
            encodings = {"identity": plain} | {coding: compress(plain, coding, smallest=True) for coding in CODINGS}
            self._contents[name] = Content(MEDIA_TYPES[file.suffix], entity_tag(plain, weak=True), {**encodings})
            self._hashed_names[file.name] = name

    def url(self, file_name: str) -> str:
        """Where a file is served, relative to the root of the site."""
        return f"static/{self._hashed_names[file_name]}"

    async def __call__(self, request: Request) -> Response:
        # Only names listed at startup are served, so nothing of the URL reaches the file system.
        content = self._contents.get(request.path_params["name"])
        if content is None:
            raise HTTPException(404)
        return content.respond(request, HEADERS)
