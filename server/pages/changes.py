"""Changes of the registry, as a page and as an Atom feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schema.enums import ChangeKind, label
from server.pages import urls
from server.pages.formatting import field_label, field_value
from server.pages.site import QueryResult, Site

PAGE_SIZE = 60
"""Changes on a page, and in the feed."""
MAX_SUBJECTS = 20
"""Models or providers in one URL."""
MAX_REF_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes a URL asks for."""

    kinds: Sequence[str]
    models: Sequence[str]
    providers: Sequence[str]
    since: str
    notes: Sequence[str]

    @property
    def change_filter(self) -> dict[str, Any]:
        values: dict[str, Any] = {"kinds": self.kinds, "models": self.models, "providers": self.providers}
        if self.since:
            values["since"] = f"{self.since}T00:00:00Z"
        return {name: value for name, value in values.items() if value}

    def link(self, **changes: str | list[str]) -> str:
        """The query string with some parameters changed."""
        parameters: dict[str, Any] = {
            "kind": [url_value(kind) for kind in self.kinds],
            "model": list(self.models),
            "provider": list(self.providers),
            "since": self.since,
        }
        return urls.query_string(parameters | changes)


@dataclass(frozen=True, slots=True)
class DescribedChange:
    """A change with its texts."""

    change: Mapping[str, Any]
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


def url_value(kind: str) -> str:
    return kind.lower().replace("_", "-")


def parse_change_query(request: Request) -> ChangeQuery:
    parameters = request.query_params
    kinds = [(text, text.strip().upper().replace("-", "_")) for text in parameters.getlist("kind") if text]
    unknown = [text for text, kind in kinds if kind not in ChangeKind.__members__]
    notes = [f"Unknown type of change “{text[:40]}” ignored." for text in unknown]
    since = parameters.get("since", "").strip()
    try:
        since = since and date.fromisoformat(since).isoformat()
    except ValueError:
        notes.append(f"“{since[:40]}” is not a date. Enter 2026-11-01, for example.")
        since = ""
    return ChangeQuery(
        [kind for _, kind in kinds if kind in ChangeKind.__members__],
        [ref[:MAX_REF_LENGTH] for ref in parameters.getlist("model") if ref][:MAX_SUBJECTS],
        [slug[:MAX_REF_LENGTH] for slug in parameters.getlist("provider") if slug][:MAX_SUBJECTS],
        since,
        notes,
    )


def describe(change: Mapping[str, Any]) -> DescribedChange:
    model, provider = change["model"], change["provider"]
    # The model or provider may have been removed from the registry since.
    subject = model["name"] if model else provider["name"] if provider else "Removed from the registry"
    field: str | None = change["field"]
    if field is None or (change["before"] is None and change["after"] is None):
        return DescribedChange(change, subject, label(change["kind"]), None, None)
    before, after = (_side(change[name], field) for name in ("before", "after"))
    return DescribedChange(change, subject, field_label(field), before, after)


def _side(value: Any, field: str) -> str:
    """The value before or after a change. A missing capability or parameter is not unknown: it was not listed."""
    if value is None and field.startswith(("capabilities.", "parameters.")):
        return "Not listed"
    return field_value(value, field)


async def changes(site: Site, request: Request) -> Response:
    query = parse_change_query(request)
    after, before = request.query_params.get("after", ""), request.query_params.get("before", "")
    page: dict[str, Any] = {"last": PAGE_SIZE, "before": before} if before else {"first": PAGE_SIZE}
    result = await _query_changes(site, query, page | ({"after": after} if after and not before else {}))
    nodes: list[Mapping[str, Any]] = result.data["changes"]["nodes"]
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
        kinds=[(url_value(kind.name), label(kind), kind.name in query.kinds) for kind in ChangeKind],
    )


async def atom_feed(site: Site, request: Request) -> Response:
    query = parse_change_query(request)
    result = await _query_changes(site, query, {"first": PAGE_SIZE})
    entries = [describe(change) for change in result.data["changes"]["nodes"]]
    # Feed readers do not resolve relative URLs, so these are absolute.
    base = str(request.base_url)
    return site.render(request, "changes.atom", result, change_query=query, entries=entries, base=base)


async def _query_changes(site: Site, query: ChangeQuery, page: Mapping[str, Any]) -> QueryResult:
    return await site.query("changes", {**page, **({"filter": query.change_filter} if query.change_filter else {})})
