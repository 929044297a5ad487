"""What all pages share: their documents and templates, prepared once, and the way from an answer to a response."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from server.compression import best_coding, compress
from server.conditional import REVALIDATE, entity_tag, not_modified
from server.graphql.execution import PreparedOperation, Request, Runner, encode
from server.pages import addresses
from server.pages.assets import Assets
from server.pages.filters import FILTERS, UNKNOWN
from server.settings import Settings

HERE = Path(__file__).parent
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
    "vary": "accept-encoding",
}
NEVER_STORED = {"cache-control": "no-store"}
HTML = "text/html; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
LIMITS = ("max_depth", "max_aliases", "max_cost", "max_tokens")


class ProblemError(Exception):
    """What keeps a page from being shown, as its reader is told."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status, self.title, self.text = status, title, text


Moment: TypeAlias = tuple[int | None, datetime | None, date]
"""A revision, the latest look at a source, and a day: within one moment nothing moves but rates of a time of day."""
NOW = sa.select(
    sa.select(sa.func.max(col(tables.Revision.number))).scalar_subquery(),
    sa.select(sa.func.max(col(tables.Source.last_attempt_at))).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page asked and got: everything it shows comes from here."""

    document: str
    variables: Mapping[str, Any]
    data: dict[str, Any]
    digest: bytes
    moment: Moment
    """When it was asked."""


@dataclass(slots=True)
class Rendered:
    """A page as it is sent, in the codings asked for so far."""

    tag: str
    media: str
    digest: bytes
    """Of the answer it shows."""
    moment: Moment
    passing: bool
    """Whether it may read otherwise within one moment."""
    copies: dict[str, bytes] = field(default_factory=dict[str, bytes])


def shown(value: Any) -> Any:
    """What a template writes for a value; nothing is written as Python would."""
    return UNKNOWN if value is None else value


class Templates(Environment):
    """Jinja, strict about names. A member of an answer is always its entry, also when dicts have a method so called."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            loader=FileSystemLoader(folder),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=shown,
        )
        self.filters |= FILTERS
        self.globals |= {"address": addresses}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if is_object(obj):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


class Site:
    """The pages' documents, templates and files, over one runner."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.assets = Assets()
        self.templates = Templates(HERE / "templates")
        self.templates.globals |= {"asset": self.assets.address}
        # The pages' documents are ours: an operator's lower limits are meant for others'.
        usual = {name: Settings.model_fields[name].default for name in LIMITS}
        self._checker = Runner(runner.engine, runner.settings.model_copy(update=usual))
        self._documents: dict[str, PreparedOperation] = {}
        self._kept: Cache[Rendered] = Cache(24_000_000)

    def warm(self) -> None:
        """Prepares all documents and templates, so that no reader waits for it."""
        for name in self.templates.list_templates():
            self.templates.get_template(name)
        for file in (HERE / "documents").glob("*.graphql"):
            self.document(file.stem)

    def document(self, name: str) -> PreparedOperation:
        """A page's document, parsed and checked."""
        found = self._documents.get(name)
        if found is None:
            text = (HERE / "documents" / f"{name}.graphql").read_text("utf-8").strip()
            found = self._documents[name] = self._checker.prepare(Request(text, {}, None, {}))
        return found

    async def moment(self) -> Moment:
        async with self.runner.engine.connect() as connection:
            revision, looked = (await connection.execute(NOW)).one()
        return revision, looked, datetime.now(UTC).date()

    async def ask(self, name: str, variables: Mapping[str, Any]) -> Answer:
        """The answer to a page's document. Raises ProblemError where there is none."""
        moment = await self.moment()
        ready = self.document(name)
        text = ready.request.query or ""
        asked = replace(ready, request=Request(text, variables, None, {}))
        content = encode(await self.runner.run(asked))
        answer: dict[str, Any] = orjson.loads(content)
        if errors := answer.get("errors"):
            raise refused(errors[0])
        return Answer(text, variables, answer["data"], blake2s(content, digest_size=16).digest(), moment)

    async def kept(self, http: HttpRequest) -> Response | None:
        """The page of this address, if it was sent before and nothing can have changed since."""
        found = self._kept.get(key(http))
        if found is None or found.passing or found.moment != await self.moment():
            return None
        return sent(http, found)

    def page(
        self, http: HttpRequest, template: str, answer: Answer, status: int = 200, *, passing: bool = False, **more: Any
    ) -> Response:
        """The page of an answer. It is rendered anew only when the answer, or the day, is another than before."""
        found = self._kept.get(key(http)) if status == 200 else None
        if found is None or (found.digest, found.moment[-1]) != (answer.digest, answer.moment[-1]):
            values = {**answer.data, **more, "today": answer.moment[-1].isoformat()}
            values["this_query"] = addresses.graphiql(answer.document, answer.variables)
            plain = self.templates.get_template(template).render(root=addresses.root(http), **values).encode()
            tag = entity_tag(plain, weak=True)
            media = ATOM if template.endswith(".atom") else HTML
            found = Rendered(tag, media, answer.digest, answer.moment, passing, {"identity": plain})
            if status == 200:
                self._kept.put(key(http), found, 2 * len(plain) + len(key(http)))
        found.moment = answer.moment
        return sent(http, found, status)

    def plain(self, http: HttpRequest, problem: ProblemError) -> Response:
        """An error's page that needs no answer: it can be shown when nothing can be asked."""
        text = self.templates.get_template("problem.html").render(
            root=addresses.root(http), title=problem.title, text=problem.text, this_query=None
        )
        return Response(text, problem.status, {**HEADERS, **NEVER_STORED}, HTML)


def key(http: HttpRequest) -> str:
    return f"{addresses.root(http)} {http.url}"


def sent(http: HttpRequest, page: Rendered, status: int = 200) -> Response:
    """A page as the client takes it; only its tag where the client holds it."""
    headers = {**HEADERS, **(REVALIDATE if status == 200 else NEVER_STORED), "etag": page.tag}
    if status == 200 and (response := not_modified(http, headers)):
        return response
    coding = best_coding(http)
    if coding not in page.copies:
        page.copies[coding] = compress(page.copies["identity"], coding)
    if coding != "identity":
        headers["content-encoding"] = coding
    return Response(page.copies[coding], status, headers, page.media)


def refused(error: Mapping[str, Any]) -> ProblemError:
    """An error of the graph as a page's reader is told."""
    code = error.get("extensions", {}).get("code")
    if code == "TIMEOUT":
        return ProblemError(
            503, "This takes too long", "The registry did not answer in time. Try again, or ask for less."
        )
    if code == "INTERNAL_SERVER_ERROR":
        return ProblemError(500, "Something went wrong", error["message"])
    return ProblemError(400, "This can’t be read", error["message"])
