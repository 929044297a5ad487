"""What changed, as a page and as an Atom feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schema.enums import ChangeKind
from schema.labels import label
from server.pages import addresses
from server.pages.filters import heading, told
from server.pages.site import Answer, Site

SIZE = 60
"""Changes on a page, and in the feed."""
MOST = 20
"""Models or providers one address may ask about."""
LONGEST_REF = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """Which changes an address asks for."""

    kinds: Sequence[str]
    models: Sequence[str]
    providers: Sequence[str]
    since: str
    notes: Sequence[str]

    @property
    def filter(self) -> dict[str, Any]:
        found = {"kinds": self.kinds, "models": self.models, "providers": self.providers}
        if self.since:
            found["since"] = f"{self.since}T00:00:00Z"
        return {name: value for name, value in found.items() if value}

    def link(self, **changes: str | list[str]) -> str:
        """The address's parameters with some of them changed."""
        state: dict[str, Any] = {
            "kind": [write(kind) for kind in self.kinds],
            "model": list(self.models),
            "provider": list(self.providers),
            "since": self.since,
        }
        return addresses.asked(state | changes)


@dataclass(frozen=True, slots=True)
class Entry:
    """A change, as it reads."""

    change: Mapping[str, Any]
    about: str
    """What it is about: the model, or the provider."""
    what: str
    before: str | None
    after: str | None

    @property
    def sentence(self) -> str:
        """The change without markup, for feeds."""
        if self.before is None and self.after is None:
            return f"{self.about}: {self.what}"
        return f"{self.about}: {self.what}, {self.before or 'nothing'} → {self.after or 'nothing'}"

    @property
    def name(self) -> str:
        """Names the change for good: it happened once, in one revision."""
        each = self.change
        model, provider = each["model"], each["provider"]
        subject = model["ref"] if model else provider["slug"] if provider else "-"
        return f"{each['revision']['number']}:{each['kind'].lower()}:{subject}:{each['field'] or '-'}"


def write(kind: str) -> str:
    return kind.lower().replace("_", "-")


def read(request: Request) -> Asked:
    asked = request.query_params
    kinds = [(text, text.strip().upper().replace("-", "_")) for text in asked.getlist("kind") if text]
    notes = [f"“{text[:40]}” is no kind of change." for text, kind in kinds if kind not in ChangeKind.__members__]
    since = asked.get("since", "").strip()
    try:
        since = since and date.fromisoformat(since).isoformat()
    except ValueError:
        notes.append(f"“{since[:40]}” is no day: write 2026-11-01.")
        since = ""
    return Asked(
        [kind for _, kind in kinds if kind in ChangeKind.__members__],
        [ref[:LONGEST_REF] for ref in asked.getlist("model") if ref][:MOST],
        [slug[:LONGEST_REF] for slug in asked.getlist("provider") if slug][:MOST],
        since,
        notes,
    )


def entry(change: Mapping[str, Any]) -> Entry:
    model, provider = change["model"], change["provider"]
    # What a change is about may have left the registry since.
    about = model["name"] if model else provider["name"] if provider else "Something since withdrawn"
    field: str | None = change["field"]
    if field is None or (change["before"] is None and change["after"] is None):
        return Entry(change, about, label(change["kind"]), None, None)
    return Entry(change, about, heading(field), said(change["before"], field), said(change["after"], field))


def said(value: Any, field: str) -> str:
    """One side of a change; a capability or parameter that was not there was not listed."""
    if value is None and field.startswith(("capabilities.", "parameters.")):
        return "Not listed"
    return told(value, field)


async def changes(site: Site, request: Request) -> Response:
    asked = read(request)
    after, before = request.query_params.get("after", ""), request.query_params.get("before", "")
    place: dict[str, Any] = {"last": SIZE, "before": before} if before else {"first": SIZE}
    answer = await answered(site, asked, place | ({"after": after} if after and not before else {}))
    found: list[Mapping[str, Any]] = answer.data["changes"]["nodes"]
    revisions = [
        (number, some[0]["revision"]["createdAt"], [entry(each) for each in some])
        for number, group in groupby(found, key=lambda change: change["revision"]["number"])
        if (some := list(group))
    ]
    return site.page(
        request,
        "changes.html",
        answer,
        asked=asked,
        revisions=revisions,
        kinds=[(write(kind.name), label(kind), kind.name in asked.kinds) for kind in ChangeKind],
    )


async def feed(site: Site, request: Request) -> Response:
    asked = read(request)
    answer = await answered(site, asked, {"first": SIZE})
    entries = [entry(each) for each in answer.data["changes"]["nodes"]]
    # Readers of feeds resolve nothing: addresses are whole here.
    return site.page(request, "changes.atom", answer, asked=asked, entries=entries, base=str(request.base_url))


async def answered(site: Site, asked: Asked, place: Mapping[str, Any]) -> Answer:
    return await site.ask("changes", {**place, **({"filter": asked.filter} if asked.filter else {})})
