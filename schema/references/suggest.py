"""What else a reference may mean, with scores."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.references import parse
from schema.references.index import Index, Listing, Lookup, indexes
from schema.references.match import match, nearest
from schema.references.resolve import Resolution
from schema.tables import ReferenceKind

MOST = 10
MOST_OFFERS = 6
"""Listings of the matched model at other providers, if it has other versions too."""
MATCH = 1.0
FITS = 0.9
"""It fits as well, but another listing is nearer to its maker or to the provider that is named."""
VERSION = 0.8
ALIKE = 0.7
"""The id is the same but the model is another one; for near misses, times the share of characters that agree."""
LEAST_ALIKE = 0.6
LONGEST = 100
"""Characters of a reference that are compared for near misses; no id is longer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that a reference may mean."""

    model: tables.Model
    score: float


async def candidates(context: Context, resolutions: Sequence[Resolution]) -> list[list[Candidate]]:
    """The models that each reference may mean, best first: the one it was found to mean, or near misses."""
    return await asyncio.gather(*(_candidates(context, resolution) for resolution in resolutions))


async def _candidates(context: Context, resolution: Resolution) -> list[Candidate]:
    if resolution.model is None:
        pairs = await _near_misses(context, resolution)
    else:
        lookup = Lookup((resolution.ref, resolution.model.ref), versions_of=resolution.model.id)
        pairs = list(_others(resolution.ref, resolution.model, await context.load(indexes, lookup)))
    best: dict[str, tuple[Listing, float]] = {}
    for listing, score in pairs:
        if listing.ref not in best or score > best[listing.ref][1]:
            best[listing.ref] = listing, score
    # The best score first; of equal ones the nearest to its maker.
    ranked = sorted(best.values(), key=lambda pair: (-pair[1], pair[0].distance))
    return [Candidate(listing.model, score) for listing, score in ranked[:MOST]]


def _others(ref: str, model: tables.Model, index: Index) -> Iterator[tuple[Listing, float]]:
    """The matched model, the same at other providers, its other versions here, and others of that id."""
    matched = index.listings[model.id or 0]
    yield matched, MATCH
    versions = [listing for listing in index.versions[matched.provider, model.version_of or ""] if listing != matched]
    same = [listing for listing in index.canonicals[matched.canonical] if listing.provider != matched.provider]
    # First the listings whose slug is written alike: together-ai/gpt-oss-20b before groq/openai/gpt-oss-20b.
    same.sort(key=lambda listing: (listing.slug not in (ref, matched.slug), listing.distance))
    for listing in same[: MOST_OFFERS if versions else MOST]:
        yield listing, FITS
    for listing in versions:
        yield listing, VERSION
    readings = parse.parse(parse.split(ref), index.vocabulary)
    for key in {matched.full, *(parsed.id.full.key for parsed in readings)}:
        for listing in nearest(index.found.get((ReferenceKind.FULL, key), ())):
            if listing.canonical != matched.canonical:
                yield listing, ALIKE if key == matched.full else FITS


async def _near_misses(context: Context, resolution: Resolution) -> list[tuple[Listing, float]]:
    """Models that fit equally well, so that none was matched. If fewer than two do, also those spelled much like it."""
    index = resolution.index
    if index is None:
        index = await context.load(indexes, Lookup((resolution.ref,)))
    fits = match(resolution.ref, index).fits
    found = [(listing, FITS) for listing in fits]
    if len(fits) > 1:
        return found
    readings = list(parse.parse(parse.split(resolution.ref), index.vocabulary))
    if not readings:
        return found
    known = await context.load(texts, 0)
    similarities: dict[str, float] = {}
    for text in dict.fromkeys(parsed.id.text[:LONGEST] for parsed in readings):
        for near, similarity in _alike(text, known):
            similarities[near] = max(similarity, similarities.get(near, 0.0))
    if not similarities:
        return found
    spelled = await context.load(indexes, Lookup(texts=tuple(similarities)))
    best: dict[str, float] = {}
    for near, similarity in similarities.items():
        for listing in spelled.found.get((ReferenceKind.TEXT, near), ()):
            best[listing.canonical] = max(similarity, best.get(listing.canonical, 0.0))
    providers = list(dict.fromkeys(slug for parsed in readings for slug in parsed.providers or ()))
    for canonical, similarity in best.items():
        same = spelled.canonicals[canonical]
        named = [listing for slug in providers for listing in same if listing.provider == slug]
        chosen = named[0] if named else min(same, key=lambda listing: listing.distance)
        found.append((chosen, round(ALIKE * similarity, 3)))
    return found


async def texts(context: Context, keys: Sequence[int]) -> list[dict[str, None]]:
    """Every model's id as normalized text, in the order of references. The same for every key."""
    reference, model = tables.Reference, tables.Model
    statement = (
        sa.select(col(reference.key), sa.func.min(col(model.ref)).label("first"))
        .join(model, col(model.id) == col(reference.model_id))
        .where(col(reference.kind) == ReferenceKind.TEXT)
        .group_by(col(reference.key))
    )
    rows = await context.tuples(statement)
    ordered = dict.fromkeys(row.key for row in sorted(rows, key=lambda row: str(row.first)))
    return [ordered for _ in keys]


def _alike(text: str, known: dict[str, None]) -> Iterator[tuple[str, float]]:
    """Ids spelled like a text, longer by some words or shorter, with the share of characters that agree."""
    if len(text) < 3:
        return
    close = process.extract(
        text, known.keys(), scorer=OSA.normalized_similarity, score_cutoff=LEAST_ALIKE, limit=2 * MOST
    )
    yield from ((near, similarity) for near, similarity, _ in close)
    for near in {*_longer(text, known), *_shorter(text, known)}:
        yield near, min(len(near), len(text)) / max(len(near), len(text))


def _longer(text: str, known: Iterable[str]) -> list[str]:
    head, tail = f"{text}-", f"-{text}"
    return [near for near in known if near.startswith(head) or near.endswith(tail)]


def _shorter(text: str, known: dict[str, None]) -> list[str]:
    cuts = [index for index, character in enumerate(text) if character == "-"]
    return [part for cut in cuts for part in (text[:cut], text[cut + 1 :]) if part in known]
