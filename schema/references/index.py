"""The reference index: the keys under which each model is found. The store writes it, and queries read it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, SQLColumnExpression

from schema import tables
from schema.column_types import dump_json
from schema.context import NAMES, Context, among
from schema.enums import ModelStatus, ProviderKind
from schema.references import parse
from schema.references.ids import Form, NormalizedId, title_form
from schema.references.vocabulary import ModelNames, PrefixRow, VendorSplit, Vocabulary, maker_of
from schema.tables import AliasKind, PrefixKind, ReferenceKind, table

KIND_ORDER = {kind: place for place, kind in enumerate(ProviderKind)}
FORMS = (ReferenceKind.FULL, ReferenceKind.PLAIN, ReferenceKind.ALIAS, ReferenceKind.TITLE)
"""The kinds whose keys are forms. The key of TEXT is a text."""
OWN_KEYS = (ReferenceKind.FULL, ReferenceKind.PLAIN)
"""The kinds of which every model has exactly one key."""


# ---- what the store writes ----


class ReferenceRow(NamedTuple):
    """A row of the table `reference`, without its model."""

    kind: ReferenceKind
    key: str
    region: str = ""


def reference_rows(model: ModelNames, aliases: Iterable[str], vocabulary: Vocabulary) -> set[ReferenceRow]:
    """Every key under which a model is found."""
    vendor, own = _normalize(model.slug, model.provider_slug, vocabulary)
    rows = {
        ReferenceRow(ReferenceKind.FULL, own.full.key, vendor.region if vendor else ""),
        ReferenceRow(ReferenceKind.PLAIN, own.plain.key),
        ReferenceRow(ReferenceKind.TEXT, own.text),
        ReferenceRow(ReferenceKind.TITLE, title_form(model.name).key),
    }
    for alias in aliases:
        _, other = _normalize(alias, model.provider_slug, vocabulary)
        rows |= {ReferenceRow(ReferenceKind.ALIAS, form.key) for form in (other.full, other.plain)}
    return rows


def _normalize(slug: str, provider: str, vocabulary: Vocabulary) -> tuple[VendorSplit | None, NormalizedId]:
    tail = slug.rpartition("/")[2]
    vendor = vocabulary.split_vendor(tail)
    name = vendor.name if vendor else tail
    return vendor, vocabulary.normalize_id(name, (provider,), dotted=bool(vendor))


# ---- what a reference is looked up in ----


class Listing:
    """A model, with what ranking needs."""

    def __init__(self, row: Any) -> None:
        self.model: tables.Model = row
        self.ref: str = row.ref
        self.slug: str = row.slug
        self.provider: str = row.provider_slug
        self.canonical: str = row.canonical or row.ref
        self.maker = maker_of(row.ref, row.canonical)
        self.own: bool = row.found_own == self.maker
        """Whether its maker itself serves it here."""
        self.retired: bool = row.status is ModelStatus.RETIRED
        # An imported snapshot may lack keys.
        self.full: str = row.found_full or ""
        self.plain: str = row.found_plain or ""
        self.dated = not self.plain.endswith("/")
        self.region: str = row.found_region or ""
        self.provider_kind: ProviderKind = row.found_provider_kind
        order = KIND_ORDER[self.provider_kind]
        self.distance = (self.provider != self.maker, not self.own, order, self.retired, self.ref)
        """How far its provider is from its maker: the maker, the maker's other providers, labs, clouds, gateways.

        GPT-4o at OpenAI -> (False, False, 0, False, "openai/gpt-4o")
        GPT-4o at Azure -> (True, True, 1, False, "azure/gpt-4o")
        """


class Index:
    """What the database knows about some references: a part of the reference index, and the models it leads to."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.listings: dict[int, Listing] = {}
        """By model id."""
        self.found: defaultdict[tuple[ReferenceKind, str], list[Listing]] = defaultdict(list)
        self.named: defaultdict[str, list[tuple[Listing, AliasKind | None]]] = defaultdict(list)
        """Slug or alias -> the models that have it, letter for letter; None for a slug."""
        self.canonicals: defaultdict[str, list[Listing]] = defaultdict(list)
        self.versions: defaultdict[tuple[str, str], list[Listing]] = defaultdict(list)

    def find(self, kind: ReferenceKind, form: Form) -> Sequence[Listing]:
        return self.found.get((kind, form.key), ())


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to look up."""

    refs: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """Normalized texts, letter for letter."""
    versions_of: int | None = None
    """A model whose other versions are wanted."""


def is_storable(text: str) -> bool:
    """Whether a database can store the text; one that it can't store names no model."""
    return "\x00" not in text and len(text.encode(errors="ignore")) == len(text.encode(errors="replace"))


async def indexes(context: Context, lookups: Sequence[Lookup]) -> list[Index]:
    """The part of the reference index that each lookup needs. They share one, which is read in one statement."""
    refs = {ref for lookup in lookups for ref in lookup.refs}
    names = refs | {slug for ref in refs for _, slug in parse.pairs(ref)}
    keys: set[str] = set()
    dated: set[str] = set()
    words: set[str] = set()
    for ref in refs:
        splits = parse.split(ref)
        words |= parse.words(splits)
        forms = parse.forms(splits)
        found = {form.key for form in forms}
        keys |= found
        if any(form.day for form in forms):
            dated |= found
    texts = {text for lookup in lookups for text in lookup.texts}
    lists = {"refs": refs, "names": names, "keys": keys, "dated": dated, "words": words, "texts": texts}
    parameters: dict[str, object] = {}
    for name, values in lists.items():
        storable = sorted(filter(is_storable, values))
        parameters[name] = storable if context.postgresql else dump_json(storable)
    parameters["models"] = [lookup.versions_of for lookup in lookups if lookup.versions_of is not None]
    index = _index(await context.tuples(_statement(context.postgresql), parameters))
    return [index for _ in lookups]


@cache
def _statement(postgresql: bool) -> sa.Select[*tuple[Any, ...]]:
    """Everything in one statement: the words, the keys that match, and the models they lead to.

    Those are the models that match, the other listings of the same canonical models, and the other versions of models
    that a dated reference matches.
    """
    model, alias, provider = table(tables.Model), table(tables.Alias), table(tables.Provider)
    reference, prefix = table(tables.Reference), table(tables.Prefix)

    def one_of(column: SQLColumnExpression[str], name: str) -> ColumnElement[bool]:
        """True where the column holds one of a parameter's values."""
        return among(column, sa.bindparam(name, type_=NAMES if postgresql else sa.Text()), postgresql)

    def text(column: ColumnElement[Any]) -> ColumnElement[str]:
        return sa.type_coerce(column, sa.Text)

    hit = sa.union_all(
        sa.select(reference).where(reference.c.kind.in_(FORMS), one_of(reference.c.key, "keys")),
        sa.select(reference).where(reference.c.kind == ReferenceKind.TEXT, one_of(reference.c.key, "texts")),
    ).cte("hit")
    named = sa.union_all(
        sa.select(model.c.slug.label("name"), sa.literal("").label("kind"), model.c.id.label("model_id")).where(
            one_of(model.c.slug, "refs")
        ),
        sa.select(alias.c.name, text(alias.c.kind), alias.c.model_id).where(one_of(alias.c.name, "names")),
    ).cte("named")
    seen = sa.union(sa.select(hit.c.model_id), sa.select(named.c.model_id)).cte("seen")
    canonicals = sa.select(model.c.canonical).where(model.c.id.in_(sa.select(seen.c.model_id)))
    base, version = model.alias("base"), model.alias("version")
    dated = sa.select(hit.c.model_id).where(one_of(hit.c.key, "dated"))
    versions = (
        sa.select(version.c.id)
        .join(base, sa.and_(version.c.provider_slug == base.c.provider_slug, version.c.version_of == base.c.version_of))
        .where(base.c.id.in_(dated) | base.c.id.in_(sa.bindparam("models", expanding=True)))
    )
    listing = sa.union(
        sa.select(seen.c.model_id), sa.select(model.c.id).where(model.c.canonical.in_(canonicals)), versions
    ).cte("listing")

    def part(
        name: str,
        kind: ColumnElement[str],
        key: ColumnElement[str],
        value: ColumnElement[str],
        model_id: ColumnElement[int],
        listing_id: ColumnElement[int],
    ) -> sa.Select[*tuple[Any, ...]]:
        columns: dict[str, ColumnElement[Any]] = {"part": sa.literal(name), "kind": kind, "key": key, "value": value}
        columns |= {"model_id": model_id, "listing_id": listing_id}
        return sa.select(*(column.label(f"found_{label}") for label, column in columns.items()))

    empty = sa.literal("")
    none = sa.cast(sa.null(), sa.Integer)
    of_providers = part("provider", text(provider.c.kind), provider.c.slug, empty, none, none)
    of_prefixes = part("prefix", text(prefix.c.kind), prefix.c.text, prefix.c.maker, none, none)
    found = sa.union_all(
        of_providers.where(one_of(provider.c.slug, "words")),
        of_prefixes.where(one_of(prefix.c.text, "words")),
        # A listing brings its own full and plain keys along.
        part("hit", text(hit.c.kind), hit.c.key, empty, hit.c.model_id, none).where(hit.c.kind.not_in(OWN_KEYS)),
        part("named", named.c.kind, named.c.name, empty, named.c.model_id, none),
        part("listing", empty, empty, empty, listing.c.model_id, listing.c.model_id),
    ).cte("found")
    served_by, own = provider.alias("served_by"), prefix.alias("own")
    full, plain = reference.alias("full_key"), reference.alias("plain_key")
    listed = found.c.found_listing_id
    return (
        sa.select(
            *model.c,
            *found.c,
            served_by.c.kind.label("found_provider_kind"),
            own.c.maker.label("found_own"),
            full.c.key.label("found_full"),
            full.c.region.label("found_region"),
            plain.c.key.label("found_plain"),
        )
        .select_from(found)
        .outerjoin(model, model.c.id == listed)
        .outerjoin(served_by, served_by.c.slug == model.c.provider_slug)
        .outerjoin(own, sa.and_(own.c.text == model.c.provider_slug, own.c.kind == PrefixKind.OWN))
        .outerjoin(full, sa.and_(full.c.model_id == listed, full.c.kind == ReferenceKind.FULL))
        .outerjoin(plain, sa.and_(plain.c.model_id == listed, plain.c.kind == ReferenceKind.PLAIN))
    )


def _index(rows: Sequence[Any]) -> Index:
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        parts[row.found_part].append(row)
    providers = {row.found_key: ProviderKind[row.found_kind] for row in parts["provider"]}
    words = [PrefixRow(row.found_key, PrefixKind[row.found_kind], row.found_value) for row in parts["prefix"]]
    index = Index(Vocabulary.read(providers, words))
    for row in sorted(parts["listing"], key=lambda row: str(row.ref)):
        listing = index.listings[row.id] = Listing(row)
        index.found[ReferenceKind.FULL, listing.full].append(listing)
        index.found[ReferenceKind.PLAIN, listing.plain].append(listing)
        index.canonicals[listing.canonical].append(listing)
        if row.version_of is not None:
            index.versions[listing.provider, row.version_of].append(listing)
    for row in parts["hit"]:
        index.found[ReferenceKind[row.found_kind], row.found_key].append(index.listings[row.found_model_id])
    for row in parts["named"]:
        kind = AliasKind[row.found_kind] if row.found_kind else None
        index.named[row.found_key].append((index.listings[row.found_model_id], kind))
    return index
