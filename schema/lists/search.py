"""Full-text search over names, ids, families, providers and descriptions. Tolerates typos and word order.

One inverted index in an ordinary table and one ranking, so that SQLite and PostgreSQL give the same answers.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

import sqlalchemy as sa
from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.lists.tokenize import asked, folded, terms

MOST_PREFIXED = 60
"""Maximum number of terms that a prefix can stand for, the shortest first."""
MOST_MISSPELT = 12
WEIGHTIEST = 10
NUMBER_AND_WORD = re.compile(r"([0-9]+(?:\.[0-9]+)*)([a-z]{2,})", re.ASCII)
"""2.5pro -> 2.5, pro"""
SEPARATORS = str.maketrans("/:_-", "    ")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every search term of one revision, sorted."""

    terms: tuple[str, ...]
    known: frozenset[str]

    @staticmethod
    def of(terms: Iterable[str]) -> "Vocabulary":
        known = frozenset(terms)
        return Vocabulary(tuple(sorted(known)), known)


async def vocabulary(context: Context) -> Vocabulary:
    """The search terms of the revision this request reads."""
    rows = await context.tuples(sa.select(col(tables.Term.term)).distinct())
    return Vocabulary.of(row[0] for row in rows)


def apart(query: Iterable[str], known: frozenset[str]) -> Iterator[str]:
    """The query's terms. A number and a word in one are split if only the parts are known: 2.5pro -> 2.5 pro."""
    for term in query:
        parts = NUMBER_AND_WORD.fullmatch(term)
        if term not in known and parts and known.issuperset(parts.groups()):
            yield from parts.groups()
        else:
            yield term


def compounds(query: Sequence[str], known: frozenset[str]) -> list[str]:
    """The query's terms. Neighbors are joined if only the whole is known: deep seek -> deepseek, 4 1 -> 4.1."""
    query = list(dict.fromkeys(apart(query, known)))
    found: list[str] = []
    place = 0
    while place < len(query):
        pair = query[place : place + 2]
        if len(pair) == 2:
            left, right = pair
            joined = f"{left}.{right}" if left.isdigit() and right.isdigit() else left + right
            together = left.isdigit() and right.isdigit() and len(left) <= 2 and len(right) <= 2
            if joined in known and (together or (joined.isalpha() and not {left, right} <= known)):
                found.append(joined)
                place += 2
                continue
        found.append(query[place])
        place += 1
    return found


def readings(term: str, words: Vocabulary) -> dict[str, float]:
    """Terms of the vocabulary a typed term can stand for, with how close they are: 1 is the term itself."""
    found: dict[str, float] = {}
    if term in words.known:
        found[term] = 1.0
    if len(term) >= 2 or not term.isdigit():
        first = bisect_left(words.terms, term)
        begun = takewhile(lambda known: known.startswith(term), islice(words.terms, first, None))
        started = sorted((known for known in begun if known != term), key=len)
        for longer in started[:MOST_PREFIXED]:
            # 4 does not stand for 4.1: a number is itself or another number.
            if not (term[-1].isdigit() and longer[len(term)] in ".0123456789"):
                found[longer] = 0.6 + 0.3 * len(term) / len(longer)
    if term not in words.known and len(term) >= 3 and term.isalpha():
        slips = 1 if len(term) <= 5 else 2
        close = process.extract(term, words.terms, scorer=OSA.distance, score_cutoff=slips, limit=MOST_MISSPELT)
        for each, distance, _ in close:
            if each.isalpha():
                found.setdefault(each, 0.7 - 0.15 * distance)
    return found


@dataclass(slots=True)
class Match:
    """A model, and the score of its best match for each term of the query."""

    row: Any
    best: dict[int, float] = field(default_factory=dict[int, float])


@lru_cache(maxsize=1_000)
def seller_terms(provider: str) -> frozenset[str]:
    return frozenset(terms(provider))


def even(text: str) -> str:
    return folded(text).translate(SEPARATORS).strip()


def score(match: Match, query: Sequence[str], text: str) -> float:
    """How well a model fits. Terms found count most, then the whole name, then how likely the row is meant."""
    row = match.row
    best = match.best
    seller = seller_terms(row.ref.partition("/")[0])
    if seller.issubset(query):
        # A query that names a provider means its listing, not one with the word in its name.
        best = best | {place: WEIGHTIEST for place, term in enumerate(query) if term in seller}
    points: float = 100 * sum(best.values()) / (WEIGHTIEST * len(query))
    if any(len(name) == len(text) and even(name) == text for name in (row.ref, row.slug, row.name)):
        points += 20
    # Of two names with all the terms, the one with fewer other terms fits better.
    points -= 4.0 * max(0, row.search_length - len(best))
    return points + 0.8 * float(row.search_prior)


async def ranked(context: Context, text: str) -> dict[str, float]:
    """Ref -> score of the models that match a search; empty if none do."""
    words = await context.of_revision(vocabulary)
    query = compounds(asked(text), words.known)
    if not query:
        return {}
    meanings = [readings(term, words) for term in query]
    wanted = {term for meaning in meanings for term in meaning}
    if not wanted:
        return {}
    matches = await _matches(context, wanted, meanings)
    whole = [match for match in matches if len(match.best) == len(query)]
    # If no model has all the terms, those with the most terms are the result.
    most = max((len(match.best) for match in matches), default=0)
    chosen = whole or [match for match in matches if len(match.best) == most]
    plain = even(text)
    return {match.row.ref: round(score(match, query, plain), 4) for match in chosen}


async def _matches(context: Context, wanted: Iterable[str], meanings: Sequence[Mapping[str, float]]) -> list[Match]:
    term, model = tables.Term, tables.Model
    statement = (
        sa.select(
            col(term.term),
            col(term.weight),
            *(col(c) for c in (model.id, model.ref, model.slug, model.name, model.search_prior, model.search_length)),
        )
        .join(model, col(model.id) == col(term.model_id))
        .where(col(term.term).in_(sorted(wanted)))
    )
    found: dict[int, Match] = {}
    for row in await context.tuples(statement):
        match = found.get(row.id)
        if match is None:
            match = found[row.id] = Match(row)
        for place, readings_ in enumerate(meanings):
            closeness = readings_.get(row.term)
            if closeness is not None:
                match.best[place] = max(match.best.get(place, 0.0), closeness * row.weight)
    return list(found.values())


def fits(text: str, *names: str | None) -> float:
    """How well names match a search; 0 if they do not. For tables small enough to scan."""
    query = asked(text)
    own = [term for name in names for term in terms(name or "")]
    if not query or not own:
        return 0.0
    total, words = 0.0, Vocabulary.of(own)
    for term in query:
        best = max(readings(term, words).values(), default=0.0)
        if best == 0.0:
            return 0.0
        total += best
    exact = any(folded(text).strip() == folded(name or "") for name in names)
    return total / len(query) + exact - 0.01 * len(own)
