"""A reference as somebody wrote it, taken apart: who sells the model, who made it, and the id itself."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from schema.enums import ProviderKind
from schema.references import prefixes
from schema.references.index import Names, Spelling, word

BEDROCK = "bedrock"
"""Who writes region, vendor and model with dots between them."""
ROUTER = "huggingface"
"""Who lists what it passes on to others under slugs that begin with its own."""


class Written(NamedTuple):
    """One way to take a reference apart."""

    sellers: tuple[str, ...] | None
    """The providers it names, the likeliest first. Empty: one not listed here; None: it names none."""
    open: bool
    """Whether any seller will do where those it names don't sell the model."""
    makers: frozenset[str] | None
    """Who can have made the model; None where that is left open."""
    foreign: bool
    """Whether something stands before the id that nobody here is known by: then it is somebody else's model."""
    region: str
    whole: str
    """All of it, in lower case."""
    tail: str
    """The id as it was written."""
    spelling: Spelling


def readings(ref: str, names: Names) -> Iterator[Written]:
    """Every way to take a reference apart, the plainest first."""
    parts = _parts(ref)
    if not parts:
        return
    *before, last = parts
    before = [piece for part in before for piece in part.split(":")]
    seller, at, rest = last.rpartition("@")
    if at and seller and names.sellers(word(rest)):
        yield _written([rest, *before], seller, names, sold=True)
    left, colon, right = last.partition(":")
    if colon and right and _known(word(left), names):
        yield _written([*before, left], right, names, sold=True)
    yield _written(before, last, names)
    # A maker's name in front without a separator of its own: OpenAI GPT-4o, zai-glm-4.6.
    head, dash, rest = word(last).partition("-")
    if dash and head in names.prefixes:
        yield _written([*before, head], rest.lstrip("-"), names)


def _parts(ref: str) -> list[str]:
    """The parts of a reference between slashes, whatever address it is written as."""
    text = (unquote(ref) if "%" in ref else ref).strip()
    if "://" in text or text.partition("/")[0].lower() in prefixes.HOSTS:
        text = _page(text)
    lowered = text.lower()
    if (start := lowered.find("arn:aws")) >= 0:
        service, _, resource = text[start:].partition(":")[2].partition(":")[2].partition(":")
        text = f"{service}/{resource.split(':', 2)[-1]}"
    elif (start := lowered.find(f"{prefixes.VERTEX}/")) >= 0:
        text = f"vertex-ai/{text[start:]}"
    return [part for each in text.split("/") if (part := each.strip())]


def _page(address: str) -> str:
    """The reference a web page is about; nothing for a site that is not known."""
    host, _, path = address.rpartition("://")[2].partition("/")
    prefix = prefixes.HOSTS.get(host.lower().removeprefix("www."))
    if prefix is None:
        return ""
    parts = [part for part in path.partition("?")[0].partition("#")[0].split("/") if part]
    while parts and parts[0].lower() in prefixes.PAGES:
        parts.pop(0)
    end = next((place for place, part in enumerate(parts) if part.lower() in prefixes.TAILS), len(parts))
    return "/".join((prefix, *parts[:end]))


def _known(part: str, names: Names) -> bool:
    return part in prefixes.CARRIERS or part in names.prefixes or names.sellers(part) is not None


def _written(before: list[str], tail: str, names: Names, *, sold: bool = False) -> Written:
    """With `sold` what stands before the id is a seller for certain, where a slash may also name the maker."""
    sellers: tuple[str, ...] | None = None
    makers: frozenset[str] | None = None
    carried = lab = foreign = False
    for part in map(word, before):
        named = names.sellers(part)
        if part in prefixes.PATHS or prefixes.REGION.fullmatch(part) or (named and named == sellers):
            continue
        if part in prefixes.CARRIERS:
            carried, sellers = True, sellers or named
        elif sellers == (ROUTER,) and (routed := f"{ROUTER}-{part}") in names.providers:
            sellers = (routed,)
        elif named is not None and sellers is None and makers is None:
            # A lab in front is seller and maker at once: openai/gpt-4o, deepseek/deepseek-r1.
            sellers = named
            if named and all(names.providers[each] is ProviderKind.LAB for each in named):
                lab = part in named
                makers = frozenset(maker for each in named for maker in names.sold[each])
                makers |= names.prefixes.get(part, makers)
        elif part in names.prefixes:
            makers, lab = names.prefixes[part], False
        elif named is None and part not in names.paths:
            foreign = True
    region, vendor, name = names.vendor(tail) or ("", "", tail)
    if vendor:
        sellers = (names.sellers(BEDROCK) or ()) if sellers is None else sellers
        makers, lab = names.prefixes[vendor], False
    read = names.spelling(name, sellers or (), dotted=bool(vendor) or sellers == names.sellers(BEDROCK))
    whole = "/".join((*before, tail)).lower()
    return Written(
        sellers, carried or sellers is None or (lab and not sold), makers, foreign, region, whole, tail, read
    )
