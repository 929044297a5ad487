"""Reading references: which model somebody means, and how the reference was read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.enums import ProviderKind, ResolutionKind
from schema.references import prefixes
from schema.references.index import Entry, Names, names, settled, spelling, word
from schema.references.match import match

KINDS = {
    tables.AliasKind.ALIAS: ResolutionKind.ALIAS,
    tables.AliasKind.SNAPSHOT: ResolutionKind.SNAPSHOT,
    None: ResolutionKind.EXACT,
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a reference was read."""

    ref: str
    model: tables.Model | None
    matched: ResolutionKind


def pairs(ref: str) -> list[tuple[str, str]]:
    """Every (provider, slug) a reference can mean letter for letter."""
    found: list[tuple[str, str]] = []
    for separator in ("/", ":"):
        provider, _, slug = ref.partition(separator)
        if provider and slug:
            found.append((provider, slug))
    slug, _, provider = ref.rpartition("@")
    if slug and provider:
        found.append((provider, slug))
    return found


async def models_by_reference(context: Context, refs: Sequence[str]) -> list[tables.Model | None]:
    """The model each reference means."""
    return [found.model for found in await resolutions(context, refs)]


async def resolutions(context: Context, refs: Sequence[str]) -> list[Resolution]:
    """How each reference is read: letter for letter where it can be, else evened out."""
    asked = sorted({ref for ref in refs if _storable(ref)})
    answers = await _own(context, asked)
    if rest := [ref for ref in asked if ref not in answers]:
        recorded = await _recorded(context, rest)
        chosen = {ref: (held.ref, held.kind) for ref, held in recorded.items() if held.kind is not None}
        if unread := [ref for ref in rest if ref not in chosen]:
            known = await names(context)
            for ref in unread:
                if found := _read(ref, recorded[ref].holders, known):
                    chosen[ref] = found
        model = tables.Model
        found_refs = {ref for ref, _ in chosen.values()}
        rows = await context.rows(sa.select(model).where(col(model.ref).in_(found_refs))) if found_refs else []
        by_ref = {row.ref: row for row in rows}
        answers |= {
            ref: Resolution(ref, by_ref[found], kind) for ref, (found, kind) in chosen.items() if found in by_ref
        }
    return [answers.get(ref) or Resolution(ref, None, ResolutionKind.NONE) for ref in refs]


def _storable(ref: str) -> bool:
    """Whether a database takes the text at all: no model is called anything it does not."""
    return bool(ref) and "\x00" not in ref and len(ref.encode(errors="ignore")) == len(ref.encode(errors="replace"))


async def _own(context: Context, refs: Sequence[str]) -> dict[str, Resolution]:
    """The references that name provider and slug letter for letter: one statement."""
    wanted = {ref: [f"{provider}/{slug}" for provider, slug in pairs(ref)] for ref in refs}
    own = {each for found in wanted.values() for each in found}
    if not own:
        return {}
    model = tables.Model
    rows = {row.ref: row for row in await context.rows(sa.select(model).where(col(model.ref).in_(own)))}
    return {
        ref: Resolution(ref, next(rows[each] for each in found if each in rows), ResolutionKind.EXACT)
        for ref, found in wanted.items()
        if any(each in rows for each in found)
    }


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded under a reference, letter for letter."""

    ref: str = ""
    kind: ResolutionKind | None = None
    """None where several hold it, and none of them is the maker: that needs everything that is known."""
    holders: Sequence[str] = ()
    """Who holds it as a slug, where several of one identity do."""


async def _recorded(context: Context, refs: Sequence[str]) -> dict[str, Recorded]:
    """What holds each reference as a bare slug or an alias letter for letter: one statement."""
    model, alias, provider = tables.Model, tables.Alias, tables.Provider
    wanted = {ref: pairs(ref) for ref in refs}
    named = {*refs, *(slug for found in wanted.values() for _, slug in found)}
    held: tuple[Any, ...] = (model.ref, model.provider_slug, model.canonical, model.slug, alias.name, alias.kind)
    ref_, seller, canonical, slug, name, kind = map(col, held)
    sold_by: Any = sa.select(col(provider.kind)).where(col(provider.slug) == seller).scalar_subquery()
    columns: tuple[Any, ...] = (ref_, seller, canonical, sold_by.label("seller"))
    no_kind: Any = sa.type_coerce(sa.null(), tables.word(tables.AliasKind))
    statement: Any = sa.union_all(
        sa.select(*columns, slug.label("name"), no_kind.label("kind")).where(slug.in_(refs)),
        sa.select(*columns, name, kind).where(col(alias.model_id) == col(model.id), name.in_(named)),
    )
    rows = await context.tuples(statement)
    by_name: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_name[row.name].append(row)
    return {ref: _held(ref, found, by_name) for ref, found in wanted.items()}


def _held(ref: str, named: Sequence[tuple[str, str]], by_name: Mapping[str, Sequence[Any]]) -> Recorded:
    for provider, slug in named:
        for row in by_name.get(slug, ()):
            if row.kind is not None and row.provider_slug == provider:
                return Recorded(row.ref, KINDS[row.kind])
    rows = by_name.get(ref, ())
    slugs = [row for row in rows if row.kind is None]
    identities = {row.canonical for row in slugs or rows}
    own = [row for row in rows if row.seller is ProviderKind.LAB and _maker(row) == row.provider_slug]
    # The maker may record as another name what sellers carry as an id, of the same model or of one nobody can place.
    unplaced = all(_maker(row) == row.provider_slug for row in slugs)
    own = [row for row in own if row.kind is None or not slugs] or [
        row for row in own if unplaced or identities == {row.canonical}
    ]
    holders = slugs or rows
    if one := own if len(own) == 1 else holders if len(holders) == 1 and not _renamed(ref) else []:
        return Recorded(one[0].ref, KINDS[one[0].kind])
    return Recorded(holders=[row.ref for row in slugs] if len(identities) == 1 else ())


def _maker(row: Any) -> str:
    identity: str = row.canonical or row.ref
    return identity.partition("/")[0]


def _renamed(ref: str) -> bool:
    """Whether what stands in front is a gateway's word for a seller, which that seller's own listing answers best."""
    front = word(ref.partition("/")[0].partition(":")[0])
    sellers = prefixes.SELLERS.get(front, ())
    return bool(sellers) and front not in sellers


def _read(ref: str, holders: Sequence[str], known: Names) -> tuple[str, ResolutionKind] | None:
    """The model a reference means and how that is known."""
    found = match(ref, known)
    entry, kind = None if found.place is None else known.entries[found.place], found.kind
    if holders:
        # Sellers hold it letter for letter: it is their model, from its maker or from the seller that is named.
        identity = known.entries[known.places[holders[0]]].canonical
        if entry is None or entry.canonical != identity or not (entry.own or found.named):
            entry = _nearest(known, identity, holders)
            kind = ResolutionKind.NORMALISED
        elif entry.own and "/" not in ref and not _called(ref, entry):
            entry = _nearest(known, identity, holders, own=False)
    if entry is None:
        return None
    return entry.ref, ResolutionKind.EXACT if entry.slug == ref else kind


def _nearest(known: Names, identity: str, holders: Sequence[str], *, own: bool = True) -> Entry:
    """The maker's own listing of a model; where it has none, the holder nearest to it."""
    same = [known.entries[each] for each in known.canonicals[identity]]
    made = [each for each in same if each.own] if own else []
    return min(made or [each for each in same if each.ref in holders], key=lambda each: each.distance)


def _called(ref: str, entry: Entry) -> bool:
    """Whether the maker calls its model that, but for a day: what it does not is a seller's word, as versatile is."""
    return settled(spelling(ref).plain) == settled(entry.spelling.plain)
