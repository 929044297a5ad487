"""What all pages share: their documents and templates, prepared once, and the way from an answer to a response."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2s
from pathlib import Path
from typing import Any

import orjson
from graphql import OperationDefinitionNode
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from schema.columns import is_object
from schema.root import graph
from server.conditional import unchanged
from server.documents import Documents, Prepared, Recent
from server.execution import Ready, Request, Runner, encode
from server.limits import Limits
from server.pages import addresses
from server.pages.assets import Assets
from server.pages.filters import FILTERS, UNKNOWN
from server.pages.packing import best, packed
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
REVALIDATED = {"cache-control": "public, max-age=0, must-revalidate"}
NEVER_STORED = {"cache-control": "no-store"}
HTML = "text/html; charset=utf-8"


class ProblemError(Exception):
    """What keeps a page from being shown, as its reader is told."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status, self.title, self.text = status, title, text


@dataclass(frozen=True, slots=True)
class Document:
    """A page's document, parsed and checked."""

    text: str
    prepared: Prepared
    operation: OperationDefinitionNode


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page asked and got: everything it shows comes from here."""

    document: str
    variables: Mapping[str, Any]
    data: dict[str, Any]
    digest: bytes


@dataclass(slots=True)
class Rendered:
    """A page as it is sent, in the codings asked for so far."""

    tag: str
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
        # These documents are ours: an operator's lower limits are meant for others'.
        usual = {name: each.default for name, each in Settings.model_fields.items()}
        limits = Limits(usual["max_depth"], usual["max_aliases"], usual["max_cost"])
        documents = Documents(graph, limits, usual["max_tokens"])
        self.documents = {file.stem: read(documents, file) for file in sorted((HERE / "documents").glob("*.graphql"))}
        self._templates: dict[str, Template] = {}
        for name in self.templates.list_templates():
            self._templates[name] = self.templates.get_template(name)
        self._kept: Recent[Rendered] = Recent(2_000, 64_000_000)

    async def ask(self, name: str, variables: Mapping[str, Any]) -> Answer:
        """The answer to a page's document. Raises ProblemError where there is none."""
        document = self.documents[name]
        assert document.prepared.document
        request = Request(document.text, variables, None, {})
        content = encode(await self.runner.run(Ready(document.prepared.document, document.operation, request, 0)))
        answer: dict[str, Any] = orjson.loads(content)
        if errors := answer.get("errors"):
            raise refused(errors[0])
        return Answer(document.text, variables, answer["data"], blake2s(content, digest_size=16).digest())

    def page(self, http: HttpRequest, template: str, answer: Answer, status: int = 200, **more: Any) -> Response:
        """The page of an answer. It is rendered anew only when the answer, the address or the day is another."""
        address = f"{http.url.path}?{http.url.query}"
        today = datetime.now(UTC).date()
        key = f"{template} {addresses.root(http)} {today} {answer.digest.hex()} {address}"
        found = self._kept.get(key)
        if found is None:
            values = {**answer.data, **more, "today": today.isoformat()}
            values["this_query"] = addresses.graphiql(answer.document, answer.variables)
            plain = self._templates[template].render(root=addresses.root(http), **values).encode()
            found = Rendered(f'W/"{blake2s(plain, digest_size=12).hexdigest()}"', {"identity": plain})
            self._kept.put(key, found, 2 * len(plain))
        headers = {**HEADERS, **(REVALIDATED if status == 200 else NEVER_STORED), "etag": found.tag}
        if status == 200 and unchanged(http, found.tag):
            return Response(status_code=304, headers=headers)
        coding = best(http)
        if coding not in found.copies:
            found.copies[coding] = packed(found.copies["identity"], coding)
        if coding != "identity":
            headers["content-encoding"] = coding
        media = "application/atom+xml; charset=utf-8" if template.endswith(".atom") else HTML
        return Response(found.copies[coding], status, headers, media)

    def plain(self, http: HttpRequest, problem: ProblemError) -> Response:
        """An error's page that needs no answer: it can be shown when nothing can be asked."""
        text = self._templates["problem.html"].render(
            root=addresses.root(http), title=problem.title, text=problem.text, this_query=None
        )
        return Response(text, problem.status, {**HEADERS, **NEVER_STORED}, HTML)


def read(documents: Documents, file: Path) -> Document:
    text = file.read_text("utf-8").strip()
    prepared = documents.prepare(text)
    if prepared.errors:
        raise ValueError(f"{file.name}: {prepared.errors[0].message}")
    return Document(text, prepared, documents.operation(prepared, None))


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
