"""Resolves references: which model each one means, and how it was matched."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import col

from schema import tables
from schema.cache import by_revision
from schema.context import Context
from schema.enums import ProviderKind, ResolutionKind
from schema.references import prefixes
from schema.references.ids import Form, normalize_id, normalize_word
from schema.references.index import Index, Listing, Lookup, indexes, is_storable
from schema.references.match import match
from schema.references.parse import pairs
from schema.tables import AliasKind

KINDS = {
    AliasKind.ALIAS: ResolutionKind.ALIAS,
    AliasKind.SNAPSHOT: ResolutionKind.SNAPSHOT,
    None: ResolutionKind.EXACT,
}

Found = tuple[Listing, ResolutionKind]


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a reference was read."""

    ref: str
    model: tables.Model | None
    matched: ResolutionKind
    index: Index | None = field(default=None, repr=False, compare=False)
    """The index it was looked up in; None if the reference is a model's own."""


@by_revision
async def models_by_reference(context: Context, refs: Sequence[str]) -> list[tables.Model | None]:
    """The model each reference means."""
    return [found.model for found in await resolutions(context, refs)]


async def resolutions(context: Context, refs: Sequence[str]) -> list[Resolution]:
    """How each reference is read: letter for letter if possible, else normalized. Two statements at most."""
    asked = sorted({ref for ref in refs if ref and is_storable(ref)})
    answers = await _exact(context, asked)
    if rest := [ref for ref in asked if ref not in answers]:
        (index,) = await indexes(context, [Lookup(tuple(rest))])
        answers |= {ref: _resolve(ref, index) for ref in rest}
    return [answers.get(ref) or Resolution(ref, None, ResolutionKind.NONE) for ref in refs]


async def _exact(context: Context, refs: Sequence[str]) -> dict[str, Resolution]:
    """The references that name provider and slug letter for letter."""
    wanted = {ref: [f"{provider}/{slug}" for provider, slug in pairs(ref)] for ref in refs}
    own = {own for found in wanted.values() for own in found}
    if not own:
        return {}
    model = tables.Model
    rows = {row.ref: row for row in await context.rows(sa.select(model).where(col(model.ref).in_(own)))}
    return {
        ref: Resolution(ref, next(rows[own] for own in found if own in rows), ResolutionKind.EXACT)
        for ref, found in wanted.items()
        if any(own in rows for own in found)
    }


def _resolve(ref: str, index: Index) -> Resolution:
    found, holders = _recorded(ref, index)
    found = found or _normalized(ref, holders, index)
    if found is None:
        return Resolution(ref, None, ResolutionKind.NONE, index)
    listing, kind = found
    return Resolution(ref, listing.model, kind, index)


def _recorded(ref: str, index: Index) -> tuple[Found | None, list[Listing]]:
    """The model recorded under exactly this reference, or the listings that share it as their slug.

    Those are returned if several models have it, none of them is the maker's, and all are the same canonical model.
    """
    for provider, slug in pairs(ref):
        for listing, kind in index.named.get(slug, ()):
            if kind is not None and listing.provider == provider:
                return (listing, KINDS[kind]), []
    named = index.named.get(ref, [])
    slugs = [(listing, kind) for listing, kind in named if kind is None]
    holders = slugs or named
    canonicals = {listing.canonical for listing, _ in holders}
    own = [
        (listing, kind)
        for listing, kind in named
        if listing.maker == listing.provider and listing.provider_kind is ProviderKind.LAB
    ]
    # The maker's alias may be an id at other providers, of the same model or of one without a known maker.
    unplaced = all(listing.maker == listing.provider for listing, _ in slugs)
    own = [(listing, kind) for listing, kind in own if kind is None or not slugs] or [
        (listing, kind) for listing, kind in own if unplaced or canonicals == {listing.canonical}
    ]
    only = own if len(own) == 1 else holders if len(holders) == 1 and not _renames_provider(ref) else []
    if only:
        listing, kind = only[0]
        return (listing, KINDS[kind]), []
    return None, [listing for listing, _ in slugs] if len(canonicals) == 1 else []


def _renames_provider(ref: str) -> bool:
    """Whether it begins with a gateway's word for a provider, whose own listing is the best answer: together_ai/…"""
    word = normalize_word(ref.partition("/")[0].partition(":")[0])
    providers = prefixes.PROVIDERS.get(word, ())
    return bool(providers) and word not in providers


def _normalized(ref: str, holders: Sequence[Listing], index: Index) -> Found | None:
    """The model a reference means by its normalized spelling. `holders` have it as their slug."""
    found = match(ref, index)
    listing, kind = found.listing, found.kind
    if holders:
        # It is the holders' model, from its maker or from the provider that is named.
        same = index.canonicals[holders[0].canonical]
        if listing is None or listing.canonical != holders[0].canonical or not (listing.own or found.named):
            own = [other for other in same if other.own]
            listing = min(own or holders, key=lambda other: other.distance)
            kind = ResolutionKind.NORMALISED
        elif listing.own and "/" not in ref and not _is_makers_name(ref, listing):
            listing = min(holders, key=lambda other: other.distance)
    if listing is None:
        return None
    return listing, ResolutionKind.EXACT if listing.slug == ref else kind


def _is_makers_name(ref: str, listing: Listing) -> bool:
    """True if the maker itself uses this name, ignoring a date. Only resellers add words such as "versatile"."""
    return normalize_id(ref).plain.settled == Form.read(listing.plain).settled
