"""Reads the sources, merges them, and stores the result in one transaction. No network."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
from seeds.store.sources import Contribution, State
from seeds.store.store import Outcome, store

Progress = Callable[[str], None]
"""Called with the name of each step when it starts."""
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
    """Every source's catalogue, and the registry merged from them."""

    catalogues: Sequence[Catalogue]
    editions: Mapping[str, str]
    merged: Merged
    now: datetime
    states: Mapping[str, State] = field(default_factory=dict[str, State])

    @property
    def inputs(self) -> str:
        return fingerprint(self.editions, self.now.date())


def fingerprint(editions: Mapping[str, str], today: date) -> str:
    """Identifies what a registry is merged from: equal inputs make the same registry."""
    # Prices start and end by date, and another release of this program may read the same content differently.
    parts = [f"{slug}={edition}" for slug, edition in sorted(editions.items())]
    return hashlib.sha256("\n".join([*parts, today.isoformat(), release()]).encode()).hexdigest()


def moment() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def bundled(feed: Feed) -> bytes | None:
    """The content of a feed that is part of the program, if there is one."""
    return feed.bundled() if isinstance(feed, BundledFeed) else None


def read(
    progress: Progress = lambda _: None, overlay: Path | None = None, kept: Mapping[str, bytes] | None = None
) -> Loaded:
    """Reads and merges the sources without a network, and the operator's file, if there is one.

    `kept` is the last valid content of feeds; for the others the bundled content is read.
    Takes seconds of computing. Raises OverlayError for a mistake in the file.
    """
    given: overlays.Overlay | None = None
    if overlay is not None:
        progress("overlay")
        given = overlays.read(overlay)
    kept = kept or {}
    feeds = {feed: content for feed in FEEDS if (content := kept.get(feed.SLUG) or bundled(feed)) is not None}
    # Bundled content is stale: nothing was fetched.
    states = {feed.SLUG: State(SourceStatus.STALE, answered=True) for feed in feeds if feed.SLUG not in kept}
    here = State(asked=True, answered=True)
    states |= {loader.SLUG: here, overlays.SLUG: here if given else State(SourceStatus.DISABLED)}
    catalogues = [curated(progress)]
    for feed, content in feeds.items():
        progress(feed.SLUG)
        catalogues.append(feed.parse(content))
    editions = editions_of({feed.SLUG: content for feed, content in feeds.items()}, given)
    return combine(catalogues, given, editions, moment(), states, progress)


def curated(progress: Progress) -> Catalogue:
    progress(loader.SLUG)
    return loader.bundled()


def editions_of(feeds: Mapping[str, bytes], given: overlays.Overlay | None) -> dict[str, str]:
    """Fingerprint of the content of each source."""
    editions = {slug: hashlib.sha256(content).hexdigest() for slug, content in feeds.items()}
    editions[loader.SLUG] = hashlib.sha256("".join(text for _, text in loader.texts()).encode()).hexdigest()
    if given is not None:
        editions[overlays.SLUG] = given.edition
    return editions


def combine(
    catalogues: Sequence[Catalogue],
    given: overlays.Overlay | None,
    editions: Mapping[str, str],
    now: datetime,
    states: Mapping[str, State],
    progress: Progress = lambda _: None,
) -> Loaded:
    """Merges the catalogues. Raises OverlayError if the overlay does not fit them."""
    progress("merge")
    if given is not None:
        given.check(catalogues)
        catalogues = [given.catalogue, *catalogues]
    return Loaded(catalogues, editions, merge(catalogues, now.date()), now, states)


async def write(connection: AsyncConnection, loaded: Loaded, progress: Progress = lambda _: None) -> Outcome:
    """Stores what was read. The caller's transaction makes it all or nothing."""
    progress("store")
    await sources.write(connection, loaded.now, loaded.states, contributions(loaded))
    outcome = await store(connection, loaded.merged, loaded.now)
    await sources.note_inputs(connection, loaded.inputs)
    if outcome.wrote:
        # Without new statistics PostgreSQL plans the first queries after a load as if the tables were empty.
        await connection.execute(sa.text("ANALYZE"))
    return outcome


def contributions(loaded: Loaded) -> dict[str, Contribution]:
    """What each source contributed to the registry."""
    return {
        catalogue.source: Contribution(
            loaded.merged.model_counts.get(catalogue.source, 0),
            catalogue.left_out,
            loaded.editions[catalogue.source],
        )
        for catalogue in loaded.catalogues
    }
