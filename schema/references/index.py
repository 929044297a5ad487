"""Every name of one revision, evened out: what references are read against. Built once per revision, kept in memory."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.enums import ModelStatus, ProviderKind
from schema.references import prefixes
from schema.references.ids import BEDROCK_VERSION, Form, form, spelt

KIND_ORDER = {kind: place for place, kind in enumerate(ProviderKind)}
VENDOR = re.compile(r"(?:([a-z][a-z-]{1,9})\.)?([a-z][a-z0-9]*)\.(?=[a-z])")
"""Bedrock's way: region, vendor and model with dots between them."""
RELEASE = re.compile(r"[-_\s]v\d+:\d+$")
FAMILY = re.compile(r"[a-zA-Z]{2}")
VERTEX_RELEASE = re.compile(r"-v\d+(?=@\d{8}$)|@00\d$|(?<=@\d{4})-00\d$")
"""Vertex AI numbers a release before its day, or after all."""
PLUS = re.compile(r"(?<=\w)\+")
SPACE = re.compile(r"[\s_]+")


def word(part: str) -> str:
    """A part of a reference as the tables write it."""
    return SPACE.sub("-", part.strip().lower().lstrip("~"))


class Spelling(NamedTuple):
    """A model's id without what stands before it."""

    full: Form
    plain: Form
    """Without what says how it is routed, sold or released."""
    text: str
    """Evened out as text, without its day: what slips of spelling are looked for in."""


class Entry(NamedTuple):
    """One model, as far as reading references needs it."""

    ref: str
    provider: str
    slug: str
    maker: str
    canonical: str
    version_of: str | None
    retired: bool
    own: bool
    """Whether its maker itself sells it here."""
    distance: tuple[bool, bool, int, bool, str]
    """How far its seller stands from its maker: the maker itself, its other shops, other labs, clouds, gateways."""
    region: str
    tail: str
    """The id after its last slash."""
    spelling: Spelling


def spelling(name: str, sellers: Iterable[str] = (), *, dotted: bool = False) -> Spelling:
    """The spelling of an id. With `dotted` it stood after Bedrock's vendor and may end in Bedrock's release."""
    name = PLUS.sub("-plus", name.lower().lstrip("~"))
    if "-" not in name:
        # Between digits an underscore is a point where dashes part the words: llama-3_3-70b, but gpt_4_1_mini.
        name = name.replace("_", "-")
    if dotted or RELEASE.search(name):
        name = SPACE.sub("-", name).replace("v0:", "v0.")
        name = BEDROCK_VERSION.sub(lambda part: part[1] or "", name)
    name = VERTEX_RELEASE.sub("", name)
    base, *suffixes = name.split(":")
    plain = "-".join((base, *(each for each in suffixes if each not in prefixes.SUFFIXES)))
    for ending in prefixes.ENDINGS:
        if len(plain) > len(ending):
            plain = plain.removesuffix(ending)
    for seller in sellers:
        if len(plain) > len(seller) + 1:
            plain = plain.removeprefix(f"{seller}-")
    return Spelling(form(name.replace(":", "-")), *spelt(plain))


def settled(form: Form) -> Form:
    """The form of the model itself, whichever of its versions is meant."""
    return Form(form.numbers, tuple(each for each in form.words if each != "latest"))


@dataclass(slots=True)
class Names:
    """What is known of every model's names, at one revision."""

    revision: int
    entries: list[Entry] = field(default_factory=list[Entry])
    places: dict[str, int] = field(default_factory=dict[str, int])
    """Ref -> place among the entries."""
    providers: dict[str, ProviderKind] = field(default_factory=dict[str, ProviderKind])
    prefixes: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """What stands before the last slash in some id -> the makers it stood for."""
    paths: set[str] = field(default_factory=set[str])
    """Everything that stands before some slash in some id."""
    sold: dict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    """Provider -> the makers whose models it sells."""
    full: dict[Form, list[int]] = field(default_factory=lambda: defaultdict[Form, list[int]](list))
    plain: dict[Form, list[int]] = field(default_factory=lambda: defaultdict[Form, list[int]](list))
    aliases: dict[Form, list[int]] = field(default_factory=lambda: defaultdict[Form, list[int]](list))
    titles: dict[Form, list[int]] = field(default_factory=lambda: defaultdict[Form, list[int]](list))
    canonicals: dict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))
    versions: dict[tuple[str, str], list[int]] = field(
        default_factory=lambda: defaultdict[tuple[str, str], list[int]](list)
    )
    texts: dict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))

    def sellers(self, part: str) -> tuple[str, ...] | None:
        """The providers a word in front of a reference names; None where it names no seller."""
        declared = prefixes.SELLERS.get(part)
        if part not in self.providers and declared is None:
            return None
        return tuple(each for each in dict.fromkeys((part, *(declared or ()))) if each in self.providers)

    def spelling(self, name: str, sellers: Iterable[str], *, dotted: bool = False) -> Spelling:
        """The spelling of an id at some sellers: a host may write its own name in front, a lab's is the model's."""
        hosts = (each for each in sellers if self.providers[each] is not ProviderKind.LAB)
        return spelling(name, tuple(hosts), dotted=dotted)

    def vendor(self, name: str) -> tuple[str, str, str] | None:
        """Region, vendor and the rest of an id as Bedrock writes it."""
        found = VENDOR.match(name.lower())
        if not found or found[2] not in self.prefixes:
            return None
        rest = name[found.end() :]
        # deepseek.r1 leaves out what every other seller writes.
        return found[1] or "", found[2], rest if FAMILY.match(rest) else f"{found[2]}-{rest}"


def build(revision: int, models: Sequence[Any], aliases: Sequence[Any], providers: Sequence[Any]) -> Names:
    names = Names(revision, providers={row.slug: row.kind for row in providers})
    makers = {row.ref: (row.canonical or row.ref).partition("/")[0] for row in models}
    sales: dict[str, Counter[str]] = defaultdict(Counter)
    prefixed: dict[str, set[str]] = defaultdict(set)
    for row in models:
        maker = makers[row.ref]
        sales[row.provider_slug][maker] += 1
        prefixed[maker].add(maker)
        named = [word(part).removeprefix("hf:") for part in row.slug.split("/")[:-1]]
        names.paths.update(named)
        before = [part for part in named if part not in prefixes.PATHS]
        if before:
            prefixed[before[-1]].add(maker)
    names.prefixes = {prefix: frozenset(found) for prefix, found in prefixed.items()}
    names.sold |= {provider: set(counted) for provider, counted in sales.items()}
    shops = {
        provider: provider if provider in counted else counted.most_common(1)[0][0]
        for provider, counted in sales.items()
        if names.providers[provider] is ProviderKind.LAB
    }
    by_id: dict[int, int] = {}
    for place, row in enumerate(models):
        maker, provider = makers[row.ref], row.provider_slug
        tail = row.slug.rpartition("/")[2]
        region, vendor, name = names.vendor(tail) or ("", "", tail)
        read = names.spelling(name, (provider,), dotted=bool(vendor))
        own = shops.get(provider) == maker
        retired = row.status is ModelStatus.RETIRED
        distance = (provider != maker, not own, KIND_ORDER[names.providers[provider]], retired, row.ref)
        names.entries.append(
            Entry(
                *(row.ref, provider, row.slug, maker, row.canonical or row.ref, row.version_of),
                *(retired, own, distance, region, tail, read),
            )
        )
        names.places[row.ref] = by_id[row.id] = place
        names.full[read.full].append(place)
        names.plain[read.plain].append(place)
        names.titles[form(PLUS.sub("-plus", row.name))].append(place)
        names.canonicals[row.canonical or row.ref].append(place)
        if row.version_of is not None:
            names.versions[provider, row.version_of].append(place)
        names.texts[read.text].append(place)
    for alias in aliases:
        place = by_id[alias.model_id]
        tail = alias.name.rpartition("/")[2]
        _, vendor, name = names.vendor(tail) or ("", "", tail)
        read = names.spelling(name, (names.entries[place].provider,), dotted=bool(vendor))
        for each in {read.full, read.plain}:
            names.aliases[each].append(place)
    return names


_kept: WeakKeyDictionary[AsyncEngine, Names] = WeakKeyDictionary()


async def names(context: Context) -> Names:
    """The names of the revision this request reads; kept until the next one."""
    return await context.load(_names, 0)


async def _names(context: Context, keys: Sequence[int]) -> list[Names]:
    """The same for every key: a request asks once."""
    revision = await context.scalar(sa.select(sa.func.max(tables.Revision.number))) or 0
    held = _kept.get(context.engine)
    if held is None or held.revision != revision:
        held = _kept[context.engine] = await _read(context, revision)
    return [held for _ in keys]


async def _read(context: Context, revision: int) -> Names:
    model, alias, provider = tables.Model, tables.Alias, tables.Provider
    columns = (
        *(model.id, model.ref, model.provider_slug, model.slug),
        *(model.name, model.canonical, model.version_of, model.status),
    )
    models = await context.tuples(sa.select(*(col(each) for each in columns)).order_by(col(model.ref)))
    aliases = await context.tuples(sa.select(col(alias.model_id), col(alias.name)))
    sellers = await context.tuples(sa.select(col(provider.slug), col(provider.kind)))
    # In a thread of its own, so that other requests are answered meanwhile.
    return await asyncio.to_thread(build, revision, models, aliases, sellers)
