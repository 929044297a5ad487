"""How a model's id is read: its maker, its numbers, its words and its day, whoever spelt it."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from schema.references.ids import BEDROCK_VERSION, BREAK, GLUE, Form, form


class Maker(BaseModel):
    """Who trains models, and by which signs their ids are known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefixes: tuple[str, ...] = ()
    """What others write before a slash, a dot or a dash."""
    families: tuple[str, ...] = ()
    """First words that only this maker's models begin with."""
    marks: tuple[str, ...] = ()
    """Words that say it is this maker's wherever they stand: a Nemotron that begins with llama is NVIDIA's."""
    stores: tuple[str, ...] = ()
    """Other providers that are this maker's own: a region, a subscription."""
    house: str | None = None
    """The company, where its models are sold under two provider slugs. A family decides between them."""
    endings: tuple[str, ...] = ()
    """Endings every id of this maker has at some sellers and at others not."""
    one_snapshot: bool = False
    """An undated id means the dated one where only one day is known. True only where the maker dates every id."""
    digits: str | None = None
    """What four digits at the end stand for: YYMM or MMDD."""
    days: Mapping[str, str] = {}
    """Four digits -> the day they stand for, where MMDD leaves the year open."""


class Seller(BaseModel):
    """What one provider adds to the ids of the models it sells."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heads: Mapping[str, str] = {}
    """What an id begins with -> what stands there in the maker's."""
    endings: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    """Whole ids whose own title says which model they are -> that model."""
    apart: bool = False
    """Its models keep identities of their own."""
    reason: str = "The seller's own title of the model says so."


class Same(BaseModel):
    """Ids that mean one model although they differ in more than spelling, and why that is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str
    spellings: tuple[str, ...]
    reason: str


class Declared(BaseModel):
    """The declared table of makers, sellers and exceptions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: tuple[str, ...]
    endings: tuple[str, ...]
    suffixes: tuple[str, ...]
    regions: tuple[str, ...]
    moving: tuple[str, ...]
    ordinary: tuple[str, ...]
    makers: Mapping[str, Maker]
    sellers: Mapping[str, Seller]
    same: tuple[Same, ...] = ()


class Reading(NamedTuple):
    prefix: str | None
    """What stands before the slash, without what only names a path."""
    name: str
    """The id without prefix and routing, in lower case: how an identity is written."""
    form: Form
    first: str
    """The word a family is known by."""


@cache
def declared() -> Declared:
    text = (files("seeds") / "curated" / "_identity.toml").read_text(encoding="utf-8")
    return Declared.model_validate(tomllib.loads(text))


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


def house(maker: str) -> str:
    entry = declared().makers.get(maker)
    return (entry and entry.house) or maker


@cache
def _heads() -> dict[str, list[tuple[str, str]]]:
    """First word -> (prefix with a dash, maker), longest first: how ids without a slash name their maker."""
    answer: dict[str, list[tuple[str, str]]] = {}
    for prefix, maker in sorted(makers_by_prefix().items(), key=lambda pair: -len(pair[0])):
        text = BREAK.sub("-", prefix)
        answer.setdefault(text.partition("-")[0], []).append((text + "-", maker))
    return answer


@cache
def _vendor() -> re.Pattern[str]:
    """Bedrock's way: region, vendor and model with dots between them."""
    regions = "|".join(declared().regions)
    vendors = "|".join(sorted(map(re.escape, makers_by_prefix()), key=len, reverse=True))
    return re.compile(rf"(?:(?:{regions})\.)?({vendors})\.(?=[a-z])")


def read(slug: str, provider: str = "") -> Reading:
    """An id as some provider writes it."""
    table = declared()
    seller = table.sellers.get(provider)
    text = slug.lower().lstrip("~").removeprefix("hf:")
    exact = seller.names.get(text) if seller else None
    if found := _vendor().match(text):
        release = BEDROCK_VERSION.sub(lambda part: part[1] or "", text[found.end() :].replace("v0:", "v0."))
        text = f"{found[1]}/{release}"
    *path, name = text.split("/")
    named = [part for each in path if (part := each.removesuffix(" 2")) and part not in table.paths]
    prefix = next((part for part in named if part in makers_by_prefix()), named[-1] if named else None)
    name, *suffixes = name.split(":")
    name = "-".join((name, *(each for each in suffixes if each not in table.suffixes)))
    if seller:
        for head, instead in seller.heads.items():
            if name.startswith(head):
                name = instead + name.removeprefix(head)
                break
    for ending in (*table.endings, *(seller.endings if seller else ())):
        if name.endswith(ending) and len(name) > len(ending):
            name = name.removesuffix(ending)
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
            if owner and house(owner) == house(maker):
                return rest
    return name
