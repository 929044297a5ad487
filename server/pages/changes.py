"""Changes of the registry, as a page and as an Atom feed."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from schema.enums import ChangeKind, label
from server.pages import urls
from server.pages.formatting import Data, field_label, field_value
from server.pages.list_query import Filter, page_variables
from server.pages.site import Site

PAGE_SIZE = 60
"""Changes on a page, and in the feed."""
MAX_SUBJECTS = 20
"""Models or providers in one URL."""
MAX_REF_LENGTH = 200
KIND = Filter("kind", "kinds", "Type of change", ChangeKind)


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes a URL asks for."""

    kinds: list[str]
    models: list[str]
    providers: list[str]
    since: str
    notes: list[str]

    @property
    def change_filter(self) -> dict[str, object]:
        since = f"{self.since}T00:00:00Z" if self.since else None
        values = {"kinds": self.kinds, "models": self.models, "providers": self.providers, "since": since}
        return {name: value for name, value in values.items() if value}

    def link(self, **changes: str | list[str]) -> str:
        """The query string with some parameters changed."""
        kinds = [KIND.url_value(kind) for kind in self.kinds]
        parameters: dict[str, str | list[str]] = {
            "kind": kinds,
            "model": self.models,
            "provider": self.providers,
            "since": self.since,
        }
        return urls.query_string({**parameters, **changes})


@dataclass(frozen=True, slots=True)
class DescribedChange:
    """A change with its texts."""

    change: Data
    subject: str
    """The model or provider that changed."""
    what: str
    before: str | None
    after: str | None

    @property
    def sentence(self) -> str:
        """The change as plain text, for feeds."""
        if self.before is None and self.after is None:
            return f"{self.subject}: {self.what}"
        return f"{self.subject}: {self.what}, {self.before} → {self.after}"

    @property
    def key(self) -> str:
        """A permanent id: a change happens once, in one revision."""
        change = self.change
        model, provider = change["model"], change["provider"]
        subject = model["ref"] if model else provider["slug"] if provider else "-"
        return f"{change['revision']['number']}:{change['kind'].lower()}:{subject}:{change['field'] or '-'}"


def parse_change_query(request: Request) -> ChangeQuery:
    parameters = request.query_params
    kinds = [(text, KIND.parse(text)) for text in parameters.getlist("kind") if text]
    notes = [f"Unknown type of change “{text[:40]}” ignored." for text, kind in kinds if kind is None]
    since = parameters.get("since", "").strip()
    try:
        since = since and date.fromisoformat(since).isoformat()
    except ValueError:
        notes.append(f"“{since[:40]}” is not a date. Enter 2026-11-01, for example.")
        since = ""
    return ChangeQuery(
        [kind for _, kind in kinds if kind is not None],
        [ref[:MAX_REF_LENGTH] for ref in parameters.getlist("model") if ref][:MAX_SUBJECTS],
        [slug[:MAX_REF_LENGTH] for slug in parameters.getlist("provider") if slug][:MAX_SUBJECTS],
        since,
        notes,
    )


def describe(change: Data) -> DescribedChange:
    model, provider = change["model"], change["provider"]
    # The model or provider may have been removed from the registry since.
    subject = model["name"] if model else provider["name"] if provider else "Removed from the registry"
    field: str | None = change["field"]
    if field is None or (change["before"] is None and change["after"] is None):
        return DescribedChange(change, subject, label(change["kind"]), None, None)
    before, after = (_side(change[name], field) for name in ("before", "after"))
    return DescribedChange(change, subject, field_label(field), before, after)


def _side(value: object, field: str) -> str:
    """The value before or after a change. A missing capability or parameter is not unknown: it was not listed."""
    if value is None and field.startswith(("capabilities.", "parameters.")):
        return "Not listed"
    return field_value(value, field)


async def changes(site: Site, request: Request) -> Response:
    query = parse_change_query(request)
    after, before = request.query_params.get("after", ""), request.query_params.get("before", "")
    page = page_variables(PAGE_SIZE, after, before)
    result = await site.query("changes", filter=query.change_filter, **page)
    nodes: list[Data] = result.data["changes"]["nodes"]
    revisions = [
        (number, group[0]["revision"]["createdAt"], [describe(change) for change in group])
        for number, grouped in groupby(nodes, key=lambda change: change["revision"]["number"])
        if (group := list(grouped))
    ]
    return site.render(
        request,
        "changes.html",
        result,
        change_query=query,
        revisions=revisions,
        kinds=[(KIND.url_value(kind.name), label(kind), kind.name in query.kinds) for kind in ChangeKind],
    )


async def atom_feed(site: Site, request: Request) -> Response:
    query = parse_change_query(request)
    result = await site.query("changes", filter=query.change_filter, first=PAGE_SIZE)
    entries = [describe(change) for change in result.data["changes"]["nodes"]]
    # Feed readers do not resolve relative URLs, so these are absolute.
    base = str(request.base_url)
    return site.render(request, "changes.atom", result, change_query=query, entries=entries, base=base)
