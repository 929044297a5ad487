"""Makers and providers as `curated/_identity.toml` declares them, and how an id is read with them."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from pydantic import BaseModel

from schema.references import ids, prefixes
from schema.references.ids import BREAK, GLUE, Form
from schema.references.vocabulary import split_vendor
from seeds.curated.loader import declared_in

NO_MAKERS = prefixes.PATHS | prefixes.LISTED_PATHS
"""Parts of a path that do not say who made the model."""


class Maker(BaseModel, extra="forbid", frozen=True):
    """Who trains models, and the signs by which their ids are recognized."""

    prefixes: tuple[str, ...] = ()
    """What others write before a slash, a dot or a dash."""
    families: tuple[str, ...] = ()
    """First words that only this maker's models begin with."""
    marks: tuple[str, ...] = ()
    """Words that show this maker wherever they stand: a Nemotron that begins with llama is NVIDIA's."""
    providers: tuple[str, ...] = ()
    """Other providers that are this maker's own: a region, a subscription."""
    company: str | None = None
    """The company, if its models are served under two provider slugs. A family decides between them."""
    endings: tuple[str, ...] = ()
    """Endings that this maker's ids have at some providers and not at others."""
    one_snapshot: bool = False
    """An undated id means the dated one if only one day is known. True only if the maker dates every id."""
    digits: str | None = None
    """What four digits at the end stand for: YYMM or MMDD."""
    days: Mapping[str, str] = {}
    """Four digits -> the day they stand for, since MMDD leaves the year open."""


class Additions(BaseModel, extra="forbid", frozen=True):
    """What one provider adds to the ids of the models it serves."""

    heads: Mapping[str, str] = {}
    """What an id begins with -> what the maker writes instead."""
    endings: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    """Whole id whose own title says which model it is -> that model."""
    apart: bool = False
    """Its models keep identities of their own."""
    reason: str = "The provider's own title of the model says so."


NOTHING = Additions()


class Same(BaseModel, extra="forbid", frozen=True):
    """Ids that mean one model although they differ in more than spelling, and how that is known."""

    of: str
    spellings: tuple[str, ...]
    reason: str


class Declared(BaseModel, extra="forbid", frozen=True):
    """The declared table of makers, providers and exceptions."""

    moving: tuple[str, ...]
    ordinary: tuple[str, ...]
    makers: Mapping[str, Maker]
    providers: Mapping[str, Additions]
    same: tuple[Same, ...] = ()


class Reading(NamedTuple):
    prefix: str | None
    """The word before the slash that can name the maker."""
    name: str
    """The id without prefix and routing, in lower case: how an identity is written."""
    form: Form
    first: str
    """The word by which a family is recognized."""


@cache
def declared() -> Declared:
    return Declared.model_validate(declared_in("_identity.toml"))


@cache
def makers_by_prefix() -> dict[str, str]:
    """What is written before a slash -> maker."""
    return {prefix: slug for slug, maker in declared().makers.items() for prefix in (slug, *maker.prefixes)}


@cache
def makers_by_word() -> dict[str, str]:
    """A family's first word -> maker."""
    return {word: slug for slug, maker in declared().makers.items() for word in maker.families}


@cache
def makers_by_mark() -> dict[str, str]:
    return {word: slug for slug, maker in declared().makers.items() for word in maker.marks}


@cache
def makers_by_provider() -> dict[str, str]:
    """A provider that is a maker's own -> maker."""
    return {provider: slug for slug, maker in declared().makers.items() for provider in maker.providers}


def company(maker: str) -> str:
    entry = declared().makers.get(maker)
    return (entry and entry.company) or maker


@cache
def _heads() -> dict[str, list[tuple[str, str]]]:
    """First word -> (prefix with a dash, maker), longest first: how ids without a slash name their maker."""
    heads: dict[str, list[tuple[str, str]]] = {}
    for prefix, maker in sorted(makers_by_prefix().items(), key=lambda pair: -len(pair[0])):
        text = BREAK.sub("-", prefix)
        heads.setdefault(text.partition("-")[0], []).append((text + "-", maker))
    return heads


def form(name: str) -> Form:
    """The form of a reading's name."""
    return ids.form(ids.even_separators(name))


def read(slug: str, provider: str = "") -> Reading:
    """An id as some provider writes it."""
    additions = declared().providers.get(provider, NOTHING)
    text = slug.lower().lstrip("~").removeprefix("hf:")
    exact = additions.names.get(text)
    vendor = split_vendor(text)
    if vendor and vendor.vendor in makers_by_prefix():
        text = f"{vendor.vendor}/{vendor.name}"
    else:
        vendor = None
    *path, name = text.split("/")
    named = [word for part in path if (word := part.removesuffix(" 2")) and word not in NO_MAKERS]
    prefix = next((word for word in named if word in makers_by_prefix()), named[-1] if named else None)
    name = ids.without_suffixes(ids.unreleased(name, dotted=vendor is not None), prefixes.SUFFIXES)
    for head, replacement in additions.heads.items():
        if name.startswith(head):
            name = replacement + name.removeprefix(head)
            break
    name = ids.without_endings(name, (*prefixes.ENDINGS, *additions.endings))
    name = exact or _without_maker(name)
    return Reading(prefix, name, form(name), first_word(name))


def first_word(name: str) -> str:
    return GLUE.sub(r"\1-", BREAK.sub("-", name)).partition("-")[0]


def _without_maker(name: str) -> str:
    """Drops a maker's name in front of one of its own families: nvidia-nemotron-…, anthropic--claude-…."""
    plain = BREAK.sub("-", name)
    for head, maker in _heads().get(plain.partition("-")[0], ()):
        if plain.startswith(head):
            rest = plain.removeprefix(head)
            owner = makers_by_word().get(first_word(rest)) or makers_by_mark().get(first_word(rest))
            if owner and company(owner) == company(maker):
                return rest
    return name
