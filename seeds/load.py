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
from seeds.merge.merge import Merged, merge
from seeds.overlay import loader as overlays
from seeds.overlay.loader import Overlay
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


def read(
    progress: Progress = lambda _: None, overlay: Path | None = None, kept: Mapping[str, bytes] | None = None
) -> Loaded:
    """Reads and merges the sources without a network, and the operator's file, if there is one.

    `kept` is the last valid content of feeds; for the others the bundled content is read.
    Takes several seconds of CPU time. Raises OverlayError for a mistake in the file.
    """
    given: Overlay | None = None
    if overlay is not None:
        progress(overlays.SLUG)
        given = overlays.read(overlay)
    kept = kept or {}
    contents = {feed.SLUG: content for feed in FEEDS if (content := kept.get(feed.SLUG) or feed.bundled()) is not None}
    # Bundled content is stale: nothing was fetched.
    states = {slug: State(SourceStatus.STALE, answered=True) for slug in contents if slug not in kept}
    here = State(asked=True, answered=True)
    states |= {loader.SLUG: here, overlays.SLUG: here if given else State(SourceStatus.DISABLED)}
    return combine(parse_catalogues(contents, {}, progress), given, contents, moment(), states, progress)


def parse_catalogues(
    contents: Mapping[str, bytes], parsed: Mapping[str, Catalogue], progress: Progress
) -> list[Catalogue]:
    """The curated catalogue and those of the feeds, in order of trust; `parsed` are those parsed before."""
    progress(loader.SLUG)
    catalogues = [loader.bundled()]
    for feed in FEEDS:
        if feed.SLUG in contents:
            progress(feed.SLUG)
            catalogues.append(parsed.get(feed.SLUG) or feed.parse(contents[feed.SLUG]))
    return catalogues


def editions_of(contents: Mapping[str, bytes], given: Overlay | None) -> dict[str, str]:
    """Fingerprint of the content of each source."""
    editions = {slug: hashlib.sha256(content).hexdigest() for slug, content in contents.items()}
    editions[loader.SLUG] = hashlib.sha256("".join(text for _, text in loader.texts()).encode()).hexdigest()
    if given is not None:
        editions[overlays.SLUG] = given.edition
    return editions


def combine(
    catalogues: Sequence[Catalogue],
    given: Overlay | None,
    contents: Mapping[str, bytes],
    now: datetime,
    states: Mapping[str, State],
    progress: Progress,
) -> Loaded:
    """Merges the catalogues. Raises OverlayError if the overlay does not fit them."""
    progress("merge")
    if given is not None:
        given.check(catalogues)
        catalogues = [given.catalogue, *catalogues]
    return Loaded(catalogues, editions_of(contents, given), merge(catalogues, now.date()), now, states)


async def write(connection: AsyncConnection, loaded: Loaded, progress: Progress = lambda _: None) -> Outcome:
    """Stores what was read. The caller's transaction makes it all or nothing."""
    progress("store")
    counts = loaded.merged.model_counts
    contributions = {
        catalogue.source: Contribution(
            counts.get(catalogue.source, 0), catalogue.left_out, loaded.editions[catalogue.source]
        )
        for catalogue in loaded.catalogues
    }
    await sources.write(connection, loaded.now, loaded.states, contributions)
    outcome = await store(connection, loaded.merged, loaded.now)
    await sources.note_inputs(connection, loaded.inputs)
    if outcome.wrote:
        # Without new statistics PostgreSQL plans the first queries after a load as if the tables were empty.
        await connection.execute(sa.text("ANALYZE"))
    return outcome
