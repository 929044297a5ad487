"""Reads what the sources say, merges it, and stores it in one transaction. No network."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.enums import SourceStatus
from seeds.catalogue import Catalogue
from seeds.curated import loader
from seeds.feeds import FEEDS
from seeds.feeds.fetch import BundledFeed, Feed
from seeds.merge.merge import Merged, merge
from seeds.overlay import loader as overlays
from seeds.store import sources
from seeds.store.sources import State
from seeds.store.store import Outcome, store

Progress = Callable[[str], None]
"""Told the name of each step as it begins."""
STEPS = (overlays.SLUG, loader.SLUG, *(feed.SLUG for feed in FEEDS), "merge", "store")


@cache
def release() -> str:
    """The release of this program."""
    try:
        return version("modelmeta")
    except PackageNotFoundError:  # run from a checkout
        return "unreleased"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read: every source's catalogue, and the registry they make."""

    catalogues: Sequence[Catalogue]
    editions: dict[str, str]
    merged: Merged
    now: datetime
    states: Mapping[str, State] = field(default_factory=dict[str, State])

    @property
    def inputs(self) -> str:
        return fingerprint(self.editions, self.now.date())


def fingerprint(editions: Mapping[str, str], today: date) -> str:
    """Names what a registry is merged from: equal inputs merge to the same registry."""
    # Prices come into force and end by date; another release of this program may read the same content otherwise.
    parts = [f"{slug}={edition}" for slug, edition in sorted(editions.items())]
    return hashlib.sha256("\n".join([*parts, today.isoformat(), release()]).encode()).hexdigest()


def moment() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def contents(kept: Mapping[str, bytes]) -> dict[str, bytes]:
    """Content of every feed there is one of: the last good one, or what comes with the program."""
    found: dict[str, bytes] = {}
    for feed in FEEDS:
        if (content := kept.get(feed.SLUG) or bundled(feed)) is not None:
            found[feed.SLUG] = content
    return found


def bundled(feed: Feed) -> bytes | None:
    """The content of a feed that comes with the program, if there is one."""
    return feed.bundled() if isinstance(feed, BundledFeed) else None


def read(
    progress: Progress = lambda _: None, overlay: Path | None = None, kept: Mapping[str, bytes] | None = None
) -> Loaded:
    """Reads and merges the sources without a network, and the operator's file, if there is one.

    `kept` is the last good content of feeds; where there is none, the bundled one is read.
    Takes seconds of computing. Raises OverlayError for a mistake in the file.
    """
    given: overlays.Overlay | None = None
    if overlay is not None:
        progress("overlay")
        given = overlays.read(overlay)
    feeds = contents(kept or {})
    # From this machine: what a feed on the network says now nobody has asked.
    states = {slug: State(SourceStatus.STALE, answered=True) for slug in feeds if slug not in (kept or {})}
    here = State(asked=True, answered=True)
    states |= {loader.SLUG: here, overlays.SLUG: here if given else State(SourceStatus.DISABLED)}
    return combine(feeds, given, moment(), states, progress)


def editions_of(feeds: Mapping[str, bytes], given: overlays.Overlay | None) -> dict[str, str]:
    """Fingerprint of what each source says."""
    editions = {slug: hashlib.sha256(content).hexdigest() for slug, content in feeds.items()}
    editions[loader.SLUG] = hashlib.sha256("".join(text for _, text in loader.texts()).encode()).hexdigest()
    if given is not None:
        editions[overlays.SLUG] = given.edition
    return editions


def combine(
    feeds: Mapping[str, bytes],
    given: overlays.Overlay | None,
    now: datetime,
    states: Mapping[str, State],
    progress: Progress = lambda _: None,
) -> Loaded:
    """Parses and merges. Raises OverlayError when the overlay doesn't fit what the other sources say."""
    progress(loader.SLUG)
    catalogues = [loader.bundled()]
    for feed in FEEDS:
        if feed.SLUG in feeds:
            progress(feed.SLUG)
            catalogues.append(feed.parse(feeds[feed.SLUG]))
    progress("merge")
    if given is not None:
        given.check(catalogues)
        catalogues.insert(0, given.catalogue)
    return Loaded(catalogues, editions_of(feeds, given), merge(catalogues, now.date()), now, states)


async def write(connection: AsyncConnection, loaded: Loaded, progress: Progress = lambda _: None) -> Outcome:
    """Stores what was read. All or nothing, by the caller's transaction."""
    progress("store")
    await sources.write(connection, loaded.now, loaded.states, described(loaded))
    outcome = await store(connection, loaded.merged, loaded.now)
    await sources.note_inputs(connection, loaded.inputs)
    if outcome.wrote:
        # Fresh statistics: without them PostgreSQL plans the first queries after a load as if tables were empty.
        await connection.execute(sa.text("ANALYZE"))
    return outcome


def described(loaded: Loaded) -> dict[str, dict[str, Any]]:
    """What the source table says of the content of each source that is in the registry."""
    return {
        each.source: {
            "model_count": loaded.merged.model_counts.get(each.source, 0),
            "quarantined_count": each.left_out,
            "edition": loaded.editions[each.source],
        }
        for each in loaded.catalogues
    }
