"""Which model a reference means once its spelling is normalized, and which others it may mean.

Only a certain identity makes a match: if two models fit equally well, neither is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schema.enums import ResolutionKind
from schema.references import parse
from schema.references.ids import Form, form
from schema.references.index import Index, Listing
from schema.references.parse import Parsed
from schema.tables import ReferenceKind

REGIONS = {"": ("", "regional", "global"), "global": ("global", "", "regional")}
"""Bedrock's region asked for -> the ones that stand for it, best first."""
ANY_REGION = ("regional", "", "global")


@dataclass(slots=True)
class Match:
    """What a reference was found to mean."""

    listing: Listing | None = None
    kind: ResolutionKind = ResolutionKind.NONE
    fits: list[Listing] = field(default_factory=list[Listing])
    """Other models that fit the reference."""
    named: bool = False
    """Whether the reference names the provider."""


def match(ref: str, index: Index) -> Match:
    """The model a reference means by its normalized spelling."""
    for parsed in parse.parse(parse.split(ref), index.vocabulary):
        found = _Search(parsed, index).run()
        if found.listing is not None or found.fits:
            return found
    return Match()


def nearest(listings: Iterable[Listing]) -> list[Listing]:
    """One listing of each canonical model: the nearest to its maker."""
    found: dict[str, Listing] = {}
    for listing in sorted(set(listings), key=lambda listing: listing.distance):
        found.setdefault(listing.canonical, listing)
    return list(found.values())


class _Search:
    """Looks up one reading of a reference."""

    def __init__(self, parsed: Parsed, index: Index) -> None:
        self.parsed, self.index = parsed, index
        self.full, self.plain = parsed.id.full, parsed.id.plain

    def run(self) -> Match:
        if self.parsed.foreign or not self.plain.size:
            return Match()
        evidence = self.evidence(self.full, self.plain)
        for provider in self.parsed.providers or ():
            if listings := self.at(provider, evidence):
                found = self.choose(listings)
                found.named = True
                return found
        return self.by_maker(evidence)

    def evidence(self, full: Form, plain: Form) -> list[Listing]:
        """Models of that name at any provider, by the best kind of evidence: their ids, makers' other names, titles."""
        find = self.index.find
        for kind, key in ((ReferenceKind.FULL, full), (ReferenceKind.FULL, plain), (ReferenceKind.PLAIN, plain)):
            if listings := self.allowed(find(kind, key)):
                return listings
        # An alias that a reseller accepts says nothing about other providers; the maker's does.
        if listings := [listing for listing in self.allowed(find(ReferenceKind.ALIAS, plain)) if listing.own]:
            return listings
        if listings := self.allowed(find(ReferenceKind.TITLE, plain)):
            return listings
        if "latest" in plain.words and plain.settled.words:
            return self.evidence(plain.settled, plain.settled)
        return []

    def allowed(self, listings: Sequence[Listing]) -> list[Listing]:
        """The listings whose maker does not contradict the reference."""
        makers = self.parsed.makers
        return [listing for listing in listings if makers is None or listing.maker in makers]

    def at(self, provider: str, evidence: Sequence[Listing]) -> list[Listing]:
        """What one provider lists under the name, by the best evidence there is."""
        for kind, key in (
            (ReferenceKind.FULL, self.full),
            (ReferenceKind.FULL, self.plain),
            (ReferenceKind.PLAIN, self.plain),
            (ReferenceKind.ALIAS, self.full),
            (ReferenceKind.ALIAS, self.plain),
        ):
            if listings := _of(provider, self.allowed(self.index.find(kind, key))):
                return listings
        canonicals = {listing.canonical for listing in self.preferred(evidence)}
        if len(canonicals) == 1 and (listings := _of(provider, self.index.canonicals[canonicals.pop()])):
            return listings
        return self.undated(provider, evidence)

    def undated(self, provider: str, evidence: Iterable[Listing]) -> list[Listing]:
        """The provider's undated model, if the dated one asked for is known to be a version of it."""
        if not self.plain.day:
            return []
        canonicals = {
            version.canonical
            for listing in evidence
            if (base := listing.model.version_of) is not None
            for version in self.index.versions[listing.provider, base]
        }
        find, undated = self.index.find, self.plain.undated
        listings = (*find(ReferenceKind.FULL, undated), *find(ReferenceKind.PLAIN, undated))
        return [listing for listing in _of(provider, listings) if listing.canonical in canonicals]

    def by_maker(self, evidence: Sequence[Listing]) -> Match:
        """The maker's own listing. If it has none and any provider will do, the one nearest to it."""
        listings = self.preferred(evidence)
        canonicals = {listing.canonical for listing in listings}
        if all(listing.own for listing in listings) or len(canonicals) != 1:
            return self.choose(listings)
        if self.parsed.makers is None and self.plain.size < 2:
            # One word by itself is too vague, unless the maker uses it as the model's name.
            return Match(fits=nearest(listings))
        # The maker may write the model's name in another way.
        same = self.index.canonicals[canonicals.pop()]
        if own := [listing for listing in same if listing.own]:
            return self.choose(own)
        if not self.parsed.open:
            return Match(fits=nearest(same))
        return self.choose([min(same, key=lambda listing: listing.distance)])

    def preferred(self, listings: Sequence[Listing]) -> list[Listing]:
        """The models whose maker serves them under the name; else those with a known maker, by their own name."""
        if own := [listing for listing in listings if listing.own]:
            # Of labs that use the same name, the one whose model others serve too.
            shared = [listing for listing in own if len(self.index.canonicals[listing.canonical]) > 1]
            return shared or own
        placed = [listing for listing in listings if listing.maker != listing.provider]
        # A model without a known maker needs its whole id: kilo-auto/small is not meant by small.
        placed = placed or [listing for listing in listings if "/" not in listing.slug or self.letters(listing)]
        # A provider may use the plain name for one version. Everybody else means the model of exactly that name.
        exact = [listing for listing in placed if form(_name(listing)) in (self.full, self.plain)]
        return exact or placed

    def choose(self, listings: Sequence[Listing]) -> Match:
        """A match, if all are listings of one model: the one written most like the reference."""
        if not listings:
            return Match()
        if len({listing.canonical for listing in listings}) > 1:
            same = [listing for listing in listings if self.letters(listing)]
            if len({listing.canonical for listing in same}) != 1:
                return Match(fits=nearest(listings))
            listings = same
        best = min(listings, key=self.closeness)
        is_snapshot = self.plain.day and not best.dated
        return Match(best, ResolutionKind.SNAPSHOT if is_snapshot else ResolutionKind.NORMALISED)

    def letters(self, listing: Listing) -> bool:
        """Whether the reference is the model's id letter for letter, except for case and the provider in front."""
        whole = self.parsed.split.whole
        return listing.slug.lower() in (whole, whole.partition("/")[2])

    def closeness(self, listing: Listing) -> tuple[object, ...]:
        """Sort key: how much the reference looks like a listing, the closest first.

        gpt-4o for OpenAI's own listing -> ((False, False), False, 0, False, False, False, False, "openai/gpt-4o")
        """
        region = self.parsed.region
        regions = (region, *REGIONS.get(region, ANY_REGION))
        return (
            listing.distance[:2],
            listing.full != self.full.key,
            regions.index(listing.region) if listing.region in regions else len(regions),
            not self.letters(listing),
            listing.slug.rpartition("/")[2] != self.parsed.split.tail,
            _name(listing) != listing.slug.lower(),
            listing.retired,
            listing.ref,
        )


def _of(provider: str, listings: Iterable[Listing]) -> list[Listing]:
    return [listing for listing in listings if listing.provider == provider]


def _name(listing: Listing) -> str:
    """The name of the canonical model, without its maker."""
    return listing.canonical.partition("/")[2]
