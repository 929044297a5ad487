"""Reading references: which model somebody means."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.vocabulary import ProviderKind


def readings(ref: str) -> list[tuple[str, str]]:
    """Every (provider, slug) a qualified reference can mean, the plainest first."""
    found: list[tuple[str, str]] = []
    for separator in ("/", ":"):
        provider, _, slug = ref.partition(separator)
        if provider and slug:
            found.append((provider.lower(), slug))
    slug, _, provider = ref.rpartition("@")
    if slug and provider:
        found.append((provider.lower(), slug))
    return found


async def models_by_reference(context: Context, refs: Sequence[str]) -> list[tables.Model | None]:
    """The model each reference means: qualified in any spelling, a bare id, a dated snapshot or an alias."""
    wanted = {ref: readings(ref) for ref in refs if ref and "\x00" not in ref}
    slugs = {slug for pairs in wanted.values() for _, slug in pairs} | set(wanted)
    exact = {f"{provider}/{slug}" for pairs in wanted.values() for provider, slug in pairs}
    model, alias = tables.Model, tables.Alias
    named = sa.select(col(alias.model_id)).where(col(alias.name).in_(slugs))
    rows = await context.rows(
        sa.select(model).where(
            sa.or_(col(model.ref).in_(exact), col(model.slug).in_(set(wanted)), col(model.id).in_(named))
        )
    )
    ids = [row.id for row in rows]
    names: dict[tuple[str, str], tables.Model] = {}
    by_alias: dict[str, list[tables.Model]] = {}
    by_id = {row.id: row for row in rows}
    for name in await context.rows(sa.select(alias).where(col(alias.model_id).in_(ids), col(alias.name).in_(slugs))):
        owner = by_id[name.model_id]
        names[owner.provider_slug, name.name] = owner
        by_alias.setdefault(name.name, []).append(owner)
    by_ref = {row.ref: row for row in rows}
    kinds = {
        row.slug: row.kind
        for row in await context.tuples(sa.select(col(tables.Provider.slug), col(tables.Provider.kind)))
    }

    def read(ref: str) -> tables.Model | None:
        pairs = wanted.get(ref, [])
        for provider, slug in pairs:
            if found := by_ref.get(f"{provider}/{slug}") or names.get((provider, slug)):
                return found
        holders = [row for row in rows if row.slug == ref] or by_alias.get(ref, [])
        return min(holders, key=lambda row: _distance(row, kinds), default=None)

    return [read(ref) for ref in refs]


KIND_ORDER = {kind: place for place, kind in enumerate(ProviderKind)}


def _distance(row: tables.Model, kinds: dict[str, ProviderKind]) -> tuple[bool, int, str]:
    """How far a seller stands from the maker: the maker itself, other labs, clouds, gateways."""
    maker = (row.canonical or "").partition("/")[0]
    return row.provider_slug != maker, KIND_ORDER[kinds[row.provider_slug]], row.ref
