"""Which model a reference means once spelling is evened out, and which others it may mean.

Only identity that is certain makes a match: where two models fit alike, none is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schema.enums import ResolutionKind
from schema.references.ids import Form, form
from schema.references.index import Entry, Names, settled
from schema.references.parse import Written, readings

REGIONS = {"": ("", "regional", "global"), "global": ("global", "", "regional")}
"""Bedrock's region asked for -> the ones that stand for it, best first."""
ANY_REGION = ("regional", "", "global")


@dataclass(slots=True)
class Match:
    """What a reference was found to mean."""

    place: int | None = None
    kind: ResolutionKind = ResolutionKind.NONE
    fits: list[int] = field(default_factory=list[int])
    """Other models that fit the reference."""
    named: bool = False
    """Whether the reference names the seller."""


def match(ref: str, names: Names) -> Match:
    """The model a reference means, evened out. Several that fit alike are no match."""
    for written in readings(ref, names):
        found = _Search(written, names).run()
        if found.place is not None:
            return found
        if found.fits:
            return found
    return Match()


class _Search:
    """One reading of a reference, looked for in the names."""

    def __init__(self, written: Written, names: Names) -> None:
        self.written, self.names = written, names
        self.full, self.plain = written.spelling[:2]

    def run(self) -> Match:
        if self.written.foreign or not any(self.plain[:2]):
            return Match()
        evidence = self.evidence(self.full, self.plain)
        for seller in self.written.sellers or ():
            if rows := self.at(seller, evidence):
                found = self.chosen(rows)
                found.named = True
                return found
        return self.by_maker(evidence)

    def evidence(self, full: Form, plain: Form) -> list[int]:
        """Models of that name anywhere, the best kind of evidence alone: their ids, makers' other names, titles."""
        names = self.names
        for found in (names.full.get(full), names.full.get(plain), names.plain.get(plain)):
            if rows := self.allowed(found):
                return rows
        # What a seller also takes for a model says nothing of other sellers; the maker's word does.
        if rows := [each for each in self.allowed(names.aliases.get(plain)) if names.entries[each].own]:
            return rows
        if rows := self.allowed(names.titles.get(plain)):
            return rows
        if "latest" in plain.words and (bare := settled(plain)).words:
            return self.evidence(bare, bare)
        return []

    def allowed(self, rows: Sequence[int] | None) -> list[int]:
        """Those whose maker the reference leaves possible."""
        makers = self.written.makers
        return [each for each in rows or () if makers is None or self.names.entries[each].maker in makers]

    def at(self, seller: str, evidence: Sequence[int]) -> list[int]:
        """What one seller lists under the name, by the best evidence there is."""
        names, entries = self.names, self.names.entries
        for table, key in (
            (names.full, self.full),
            (names.full, self.plain),
            (names.plain, self.plain),
            (names.aliases, self.full),
            (names.aliases, self.plain),
        ):
            if rows := [each for each in self.allowed(table.get(key)) if entries[each].provider == seller]:
                return rows
        identities = {entries[each].canonical for each in self.preferred(evidence)}
        if len(identities) == 1:
            same = names.canonicals[identities.pop()]
            if rows := [each for each in same if entries[each].provider == seller]:
                return rows
        return self.undated(seller, evidence)

    def undated(self, seller: str, evidence: Iterable[int]) -> list[int]:
        """The seller's undated model, where the dated one asked for is known to be a version of it."""
        names, entries = self.names, self.names.entries
        if not self.plain.day:
            return []
        lines = {
            entries[version].canonical
            for each in evidence
            if (base := entries[each].version_of) is not None
            for version in names.versions[entries[each].provider, base]
        }
        bare = self.plain._replace(day="")
        rows = (*names.full.get(bare, ()), *names.plain.get(bare, ()))
        return [each for each in rows if entries[each].provider == seller and entries[each].canonical in lines]

    def by_maker(self, evidence: Sequence[int]) -> Match:
        """The maker's own listing; where it has none and any seller will do, the one nearest to it."""
        names, entries = self.names, self.names.entries
        rows = self.preferred(evidence)
        identities = {entries[each].canonical for each in rows}
        if all(entries[each].own for each in rows) or len(identities) != 1:
            return self.chosen(rows)
        if self.written.makers is None and len(self.plain.numbers) + len(self.plain.words) < 2:
            # One word by itself says too little, unless its maker calls a model so.
            return Match(fits=nearest(rows, names))
        # What the maker calls it may be written otherwise there.
        same = names.canonicals[identities.pop()]
        if own := [each for each in same if entries[each].own]:
            return self.chosen(own)
        if not self.written.open:
            return Match(fits=nearest(same, names))
        return self.chosen([min(same, key=lambda each: entries[each].distance)])

    def preferred(self, rows: Sequence[int]) -> list[int]:
        """The models whose maker sells them under the name; else those with a known maker, by their own name."""
        names, entries = self.names, self.names.entries
        own = [each for each in rows if entries[each].own]
        if own:
            # Of labs that call a model alike, the one whose model others sell too.
            sold = [each for each in own if len(names.canonicals[entries[each].canonical]) > 1]
            return sold or own
        placed = [each for each in rows if entries[each].maker != entries[each].provider]
        # What nobody can place is called by its whole id: kilo-auto/small is not meant by small.
        placed = placed or [each for each in rows if "/" not in entries[each].slug or self.letters(entries[each])]
        # A seller may mean a version by the plain name; what is itself called so is meant by everybody else.
        called = [each for each in placed if form(entries[each].canonical.partition("/")[2]) in (self.full, self.plain)]
        return called or placed

    def chosen(self, rows: Sequence[int]) -> Match:
        """A match, if the models are listings of one: the one written most like the reference."""
        entries = self.names.entries
        if not rows:
            return Match()
        if len({entries[each].canonical for each in rows}) > 1:
            same = [each for each in rows if self.letters(entries[each])]
            if len({entries[each].canonical for each in same}) != 1:
                return Match(fits=nearest(rows, self.names))
            rows = same
        best = min(rows, key=self.closeness)
        dated = self.plain.day and not entries[best].spelling.plain.day
        return Match(best, ResolutionKind.SNAPSHOT if dated else ResolutionKind.NORMALISED)

    def letters(self, entry: Entry) -> bool:
        """Whether the reference is the model's id letter for letter, but for case and what names the seller."""
        whole = self.written.whole
        return entry.slug.lower() in (whole, whole.partition("/")[2])

    def closeness(self, place: int) -> tuple[object, ...]:
        entry, written = self.names.entries[place], self.written
        regions = (written.region, *REGIONS.get(written.region, ANY_REGION))
        return (
            entry.distance[:2],
            entry.spelling.full != self.full,
            regions.index(entry.region) if entry.region in regions else len(regions),
            not self.letters(entry),
            entry.tail != written.tail,
            _named_otherwise(entry),
            entry.retired,
            entry.ref,
        )


def nearest(rows: Iterable[int], names: Names) -> list[int]:
    """Of each model one listing, the nearest to its maker."""
    found: dict[str, int] = {}
    for each in sorted(set(rows), key=lambda each: names.entries[each].distance):
        found.setdefault(names.entries[each].canonical, each)
    return list(found.values())


def _named_otherwise(entry: Entry) -> bool:
    return entry.canonical.partition("/")[2] != entry.slug.lower()
