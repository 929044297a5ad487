"""Splits a reference into provider, maker and model id. Pure: no database.

There are several ways to split a reference, and which of them hold depends on words the registry knows. So parsing has
two steps: `split` finds every way, so that `words` and `forms` can list all that must be looked up; `parse` then reads
the reference with the vocabulary that was found.
"""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import unquote

from schema.enums import ProviderKind
from schema.references import prefixes
from schema.references.ids import (
    Form,
    NormalizedId,
    form,
    lower,
    normalize_word,
    unreleased,
    unrouted,
    without_provider,
)
from schema.references.vocabulary import Vocabulary, split_vendor

BEDROCK = "bedrock"
"""The prefix of Amazon Bedrock, whose ids separate region, vendor and model by dots."""
ROUTER = "huggingface"
"""Hugging Face: it routes to other providers, and the slug of each route begins with its own."""


class Separator(Enum):
    """What separates the id from the word that says who serves or made it."""

    SLASH = auto()
    AT = auto()
    COLON = auto()
    DASH = auto()


class Split(NamedTuple):
    """One way to split a reference."""

    separator: Separator
    word: str
    """The word the separator sets apart, which has to be known for this split to hold; "" after a slash."""
    before: tuple[str, ...]
    """The parts in front of the id."""
    tail: str
    """The id as it was written."""

    @property
    def whole(self) -> str:
        return "/".join((*self.before, self.tail)).lower()


class Parsed(NamedTuple):
    """One reading of a reference."""

    providers: tuple[str, ...] | None
    """The providers it names, the likeliest first. Empty: one that is not listed here; None: it names none."""
    open: bool
    """Whether any provider will do if those it names do not serve the model."""
    makers: frozenset[str] | None
    """Who can have made the model; None if that is left open."""
    foreign: bool
    """True if an unknown word stands before the id, so that it is another model."""
    region: str
    split: Split
    id: NormalizedId


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


def split(ref: str) -> list[Split]:
    """Every way to split a reference, in the order in which they are tried."""
    parts = _parts(ref)
    if not parts:
        return []
    *path, last = parts
    before = [piece for part in path for piece in part.split(":")]
    found: list[Split] = []
    name, at, provider = last.rpartition("@")
    if at and name:
        found.append(Split(Separator.AT, normalize_word(provider), (provider, *before), name))
    provider, colon, name = last.partition(":")
    if colon and name:
        found.append(Split(Separator.COLON, normalize_word(provider), (*before, provider), name))
    found.append(Split(Separator.SLASH, "", tuple(before), last))
    # A maker's name in front without a separator of its own: OpenAI GPT-4o, zai-glm-4.6.
    maker, dash, name = normalize_word(last).partition("-")
    if dash:
        found.append(Split(Separator.DASH, maker, (*before, maker), name.lstrip("-")))
    return found


def words(splits: Iterable[Split]) -> set[str]:
    """Every word whose meaning decides how these splits are read."""
    found: set[str] = {BEDROCK, *prefixes.PROVIDERS[BEDROCK]}
    for split in splits:
        for word in {split.word, *map(normalize_word, split.before)}:
            found |= {word, f"{ROUTER}-{word}", *prefixes.PROVIDERS.get(word, ())}
        if vendor := split_vendor(split.tail):
            found.add(vendor.vendor)
    return found


def forms(splits: Iterable[Split]) -> set[Form]:
    """Every form under which the models that these splits can mean are looked up."""
    texts: set[str] = set()
    for split in splits:
        vendor = split_vendor(split.tail)
        names = {unreleased(lower(split.tail)), unreleased(lower(split.tail), dotted=True)}
        names |= {unreleased(lower(vendor.name), dotted=True)} if vendor else set()
        for name in names:
            texts |= {name.replace(":", "-"), *_without_providers(unrouted(name), split.before)}
    found = set(map(form, texts))
    return found | {known.settled for known in found} | {known.undated for known in found}


def _without_providers(name: str, before: Iterable[str]) -> set[str]:
    """The id as it is, and without the names of the providers that each of these parts may name."""
    found = {name}
    for word in {BEDROCK, *map(normalize_word, before)}:
        found |= {without_provider(name, f"{ROUTER}-{word}")}
        names = {name}
        for slug in (word, *prefixes.PROVIDERS.get(word, ())):
            names |= {without_provider(shorter, slug) for shorter in names}
        found |= names
    return found


def parse(splits: Iterable[Split], vocabulary: Vocabulary) -> Iterator[Parsed]:
    """Every reading of a reference, the likeliest first."""
    return (_parsed(split, vocabulary) for split in splits if _holds(split, vocabulary))


def _holds(each: Split, vocabulary: Vocabulary) -> bool:
    match each.separator:
        case Separator.SLASH:
            return True
        case Separator.AT:
            return bool(vocabulary.providers_named(each.word))
        case Separator.COLON:
            return vocabulary.knows(each.word)
        case Separator.DASH:
            return each.word in vocabulary.makers


def _parsed(each: Split, vocabulary: Vocabulary) -> Parsed:
    providers: tuple[str, ...] | None = None
    makers: frozenset[str] | None = None
    carried = lab = foreign = False
    for word in map(normalize_word, each.before):
        named = vocabulary.providers_named(word)
        if word in prefixes.PATHS or prefixes.REGION.fullmatch(word) or (named and named == providers):
            continue
        if word in prefixes.CARRIERS:
            carried, providers = True, providers or named
        elif providers == (ROUTER,) and (routed := f"{ROUTER}-{word}") in vocabulary.providers:
            providers = (routed,)
        elif named is not None and providers is None and makers is None:
            # A lab in front both serves and made the model: openai/gpt-4o, deepseek/deepseek-r1.
            providers = named
            if named and all(vocabulary.providers[slug] is ProviderKind.LAB for slug in named):
                lab = word in named
                makers = frozenset(maker for slug in named for maker in vocabulary.served.get(slug, ()))
                makers |= vocabulary.makers.get(word, makers)
        elif word in vocabulary.makers:
            makers, lab = vocabulary.makers[word], False
        elif named is None and word not in vocabulary.paths:
            foreign = True
    vendor = vocabulary.split_vendor(each.tail)
    bedrock = vocabulary.providers_named(BEDROCK)
    if vendor:
        providers = (bedrock or ()) if providers is None else providers
        makers, lab = vocabulary.makers[vendor.vendor], False
    name = vendor.name if vendor else each.tail
    normalized = vocabulary.normalize_id(name, providers or (), dotted=bool(vendor) or providers == bedrock)
    # After a slash a lab may stand as the maker alone; after a colon or an @ it is named as the provider.
    served = each.separator in (Separator.AT, Separator.COLON)
    is_open = carried or providers is None or (lab and not served)
    return Parsed(providers, is_open, makers, foreign, vendor.region if vendor else "", each, normalized)


def _parts(ref: str) -> list[str]:
    """The parts of a reference between slashes; a URL or an ARN is converted to a reference first."""
    text = (unquote(ref) if "%" in ref else ref).strip()
    if "://" in text or text.partition("/")[0].lower() in prefixes.HOSTS:
        text = _page(text)
    lowered = text.lower()
    if (start := lowered.find("arn:aws")) >= 0:
        # arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0
        service, _, resource = text[start:].partition(":")[2].partition(":")[2].partition(":")
        text = f"{service}/{resource.split(':', 2)[-1]}"
    elif (start := lowered.find(f"{prefixes.VERTEX}/")) >= 0:
        text = f"vertex-ai/{text[start:]}"
    return [stripped for part in text.split("/") if (stripped := part.strip())]


def _page(address: str) -> str:
    """The reference in the URL of a model's web page; empty for an unknown site."""
    host, _, path = address.rpartition("://")[2].partition("/")
    prefix = prefixes.HOSTS.get(host.lower().removeprefix("www."))
    if prefix is None:
        return ""
    parts = [part for part in path.partition("?")[0].partition("#")[0].split("/") if part]
    while parts and parts[0].lower() in prefixes.PAGES:
        parts.pop(0)
    end = next((index for index, part in enumerate(parts) if part.lower() in prefixes.TAILS), len(parts))
    return "/".join((prefix, *parts[:end]))
