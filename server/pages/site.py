"""What all pages share: documents and templates prepared at startup, queries, rendering and the cache of pages."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import blake2s
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlmodel import col
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from schema import tables
from schema.cache import Cache
from schema.column_types import is_object
from schema.errors import ModelMetaError
from server.content import REVALIDATE, Content, entity_tag
from server.graphql.execution import Runner, encode
from server.graphql.operations import PreparedOperation, Request
from server.pages import formatting, urls
from server.pages.assets import Assets
from server.pages.formatting import Data
from server.settings import Settings

FOLDER = Path(__file__).parent
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
}
NEVER_STORED = {"cache-control": "no-store"}
HTML_TYPE = "text/html; charset=utf-8"
ATOM_TYPE = "application/atom+xml; charset=utf-8"
LIMITS = ("max_depth", "max_aliases", "max_cost", "max_tokens")


class PageError(ModelMetaError):
    """Why a page cannot be shown, in the reader's words."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status, self.title, self.text = status, title, text


State: TypeAlias = tuple[int | None, datetime | None, date]
"""The revision, the last refresh attempt and the day. While these are equal, only rates by time of day can change."""
CURRENT_STATE = sa.select(
    sa.select(sa.func.max(col(tables.Revision.number))).scalar_subquery(),
    sa.select(sa.func.max(col(tables.Source.last_attempt_at))).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The document of a page and its result: the page shows nothing else."""

    document: str
    variables: Mapping[str, object]
    data: Data
    digest: bytes
    state: State
    """The state of the registry before the query ran."""


@dataclass(slots=True)
class CachedPage:
    """A rendered page."""

    content: Content
    digest: bytes
    """Of the query result it shows."""
    state: State
    varies_within_day: bool
    """Whether it can change while the state stays the same."""


def unknown_if_none(value: object) -> object:
    """Keeps "None" out of pages: what Jinja prints for a value."""
    return formatting.UNKNOWN if value is None else value


class Templates(Environment):
    """Jinja, strict about names. `result.items` is always the entry of a result, never the method of dict."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            loader=FileSystemLoader(folder),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=unknown_if_none,
        )
        self.filters |= dict(inspect.getmembers(formatting, inspect.isfunction))
        self.globals |= {"urls": urls}

    def getattr(self, obj: object, attribute: str) -> Any:
        if is_object(obj):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


class Site:
    """The documents, templates and static files of the pages, and how they are queried and rendered."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.assets = Assets()
        self.templates = Templates(FOLDER / "templates")
        self.templates.globals |= {"asset": self.assets.url}
        # Lower limits set by the operator apply to clients' documents, not to those of the pages.
        default_limits = {name: Settings.model_fields[name].default for name in LIMITS}
        self._checker = Runner(runner.engine, runner.settings.model_copy(update=default_limits))
        self._documents: dict[str, PreparedOperation] = {}
        self._cache: Cache[CachedPage] = Cache(24_000_000)

    def warm(self) -> None:
        """Loads all documents and templates, so that the first readers do not wait for it."""
        for name in self.templates.list_templates():
            self.templates.get_template(name)
        for file in (FOLDER / "documents").glob("*.graphql"):
            self._document(file.stem)

    def _document(self, name: str) -> PreparedOperation:
        """A document, parsed and validated."""
        document = self._documents.get(name)
        if document is None:
            text = (FOLDER / "documents" / f"{name}.graphql").read_text("utf-8").strip()
            document = self._documents[name] = self._checker.prepare(Request(text, {}, None, {}))
        return document

    async def _state(self) -> State:
        async with self.runner.engine.connect() as connection:
            revision, last_attempt = (await connection.execute(CURRENT_STATE)).one()
        return revision, last_attempt, datetime.now(UTC).date()

    async def query(self, name: str, **variables: object) -> QueryResult:
        """Runs a document with those of the variables that are not empty. Raises PageError if that fails."""
        variables = {name: value for name, value in variables.items() if value}
        state = await self._state()
        document = self._document(name)
        text = document.request.query or ""
        ready = replace(document, request=Request(text, variables, None, {}))
        content = encode(await self.runner.run(ready))
        result: Data = orjson.loads(content)
        if errors := result.get("errors"):
            raise page_error(errors[0])
        return QueryResult(text, variables, result["data"], blake2s(content, digest_size=16).digest(), state)

    async def cached(self, http: HttpRequest) -> Response | None:
        """The page of this URL from the cache, if nothing can have changed since."""
        page = self._cache.get(cache_key(http))
        if page is None or page.varies_within_day or page.state != await self._state():
            return None
        return page.content.respond(http, {**HEADERS, **REVALIDATE})

    def render(
        self,
        http: HttpRequest,
        template: str,
        result: QueryResult,
        status: int = 200,
        *,
        varies_within_day: bool = False,
        **values: object,
    ) -> Response:
        """The page of a result. It is only rendered if the result or the day differs from the cached page."""
        page = self._cache.get(cache_key(http)) if status == 200 else None
        if page is None or (page.digest, page.state[-1]) != (result.digest, result.state[-1]):
            values = {**result.data, **values, "today": result.state[-1].isoformat()}
            values["page_query"] = urls.graphiql(result.document, result.variables)
            text = self.templates.get_template(template).render(root=urls.root(http), **values).encode()
            media_type = ATOM_TYPE if template.endswith(".atom") else HTML_TYPE
            content = Content(media_type, entity_tag(text, weak=True), {"identity": text})
            page = CachedPage(content, result.digest, result.state, varies_within_day)
            if status == 200:
                self._cache.put(cache_key(http), page, 2 * len(text) + len(cache_key(http)))
        page.state = result.state
        return page.content.respond(http, {**HEADERS, **(REVALIDATE if status == 200 else NEVER_STORED)}, status)

    def render_error(self, http: HttpRequest, error: PageError) -> Response:
        """An error page that needs no query, so it works when the database does not."""
        text = self.templates.get_template("error.html").render(
            root=urls.root(http), title=error.title, text=error.text, page_query=None
        )
        return Response(text, error.status, {**HEADERS, **NEVER_STORED}, HTML_TYPE)


def cache_key(http: HttpRequest) -> str:
    return f"{urls.root(http)} {http.url}"


def page_error(error: Data) -> PageError:
    """An error of the API as an error of the page."""
    code = error.get("extensions", {}).get("code")
    if code == "TIMEOUT":
        return PageError(
            503, "Request timed out", "The registry did not answer in time. Try again or narrow the search."
        )
    if code == "INTERNAL_SERVER_ERROR":
        return PageError(500, "Something went wrong", error["message"])
    return PageError(400, "Invalid request", error["message"])
