"""What else a reference may mean, with scores."""

from collections.abc import Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from schema.references.index import Names
from schema.references.match import match, nearest
from schema.references.parse import readings

MOST = 10
MOST_OFFERS = 6
"""Listings of the matched model at other sellers, where it has versions too."""
MATCH = 1.0
FITS = 0.9
"""It fits as well, but another listing is nearer to its maker, or to the seller that is named."""
VERSION = 0.8
ALIKE = 0.7
"""The id is the same and the model another one; times the share of characters that agree, for slips of spelling."""
LEAST_ALIKE = 0.6
LONGEST = 100
"""Characters of a reference that are looked through for slips of spelling; no id is longer."""


def candidates(ref: str, place: int | None, names: Names) -> list[tuple[int, float]]:
    """The models a reference may mean, best first: the one at `place` is known to be meant."""
    scores: dict[int, float] = {}
    pairs = _near_misses(ref, names) if place is None else _others(ref, place, names)
    for each, score in pairs:
        scores[each] = max(score, scores.get(each, 0.0))
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1], names.entries[pair[0]].distance))
    return ranked[:MOST]


def _others(ref: str, place: int, names: Names) -> Iterator[tuple[int, float]]:
    """The matched model, the same at other sellers, its other versions here, and others of that id."""
    entries, entry = names.entries, names.entries[place]
    yield place, MATCH
    line = names.versions.get((entry.provider, entry.version_of or ""), [])
    versions = [each for each in line if each != place]
    same = [each for each in names.canonicals[entry.canonical] if entries[each].provider != entry.provider]
    same.sort(key=lambda each: (entries[each].slug not in (ref, entry.slug), entries[each].distance))
    for each in same[: MOST_OFFERS if versions else MOST]:
        yield each, FITS
    for each in versions:
        yield each, VERSION
    for full in {entry.spelling.full, *(written.spelling.full for written in readings(ref, names))}:
        for each in nearest(names.full.get(full, ()), names):
            if entries[each].canonical != entry.canonical:
                yield each, ALIKE if full == entry.spelling.full else FITS


def _near_misses(ref: str, names: Names) -> Iterator[tuple[int, float]]:
    """Models that fit alike where that made no match; where fewer than two do, those that are spelt much like it."""
    entries = names.entries
    fits = match(ref, names).fits
    yield from ((each, FITS) for each in fits)
    if len(fits) > 1:
        return
    ways = list(readings(ref, names))
    sellers = list(dict.fromkeys(seller for written in ways for seller in written.sellers or ()))
    best: dict[str, float] = {}
    for text in dict.fromkeys(written.spelling.text[:LONGEST] for written in ways):
        for spelt, similarity in _alike(text, names):
            for each in names.texts[spelt]:
                identity = entries[each].canonical
                best[identity] = max(best.get(identity, 0.0), similarity)
    for identity, similarity in best.items():
        same = names.canonicals[identity]
        named = [each for seller in sellers for each in same if entries[each].provider == seller]
        chosen = named[0] if named else min(same, key=lambda each: entries[each].distance)
        yield chosen, round(ALIKE * similarity, 3)


def _alike(text: str, names: Names) -> Iterator[tuple[str, float]]:
    """Ids spelt like a text, or that begin or end with it or it with them, with the share of characters that agree."""
    if len(text) < 3:
        return
    close = process.extract(
        text, names.texts.keys(), scorer=OSA.normalized_similarity, score_cutoff=LEAST_ALIKE, limit=2 * MOST
    )
    yield from ((spelt, similarity) for spelt, similarity, _ in close)
    head, tail = f"{text}-", f"-{text}"
    held = [each for each in names.texts if each.startswith(head) or each.endswith(tail)]
    cuts = [place for place, character in enumerate(text) if character == "-"]
    held += [part for cut in cuts for part in (text[:cut], text[cut + 1 :]) if part in names.texts]
    for spelt in held:
        yield spelt, min(len(spelt), len(text)) / max(len(spelt), len(text))
