"""A refresh: fetch, guard, merge, store, report. Single feeds may fail; the registry is stored all or nothing."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from schema.enums import SourceStatus
from seeds import load
from seeds.catalogue import Catalogue
from seeds.feeds import FEEDS
from seeds.feeds.fetch import Feed, FeedError, fetch
from seeds.guard import Thresholds, objection
from seeds.load import Loaded, bundled, combine, curated, editions_of, fingerprint
from seeds.overlay import loader as overlays
from seeds.overlay.loader import OverlayError
from seeds.store import sources
from seeds.store.sources import Edition, State
from seeds.store.store import Outcome, latest_revision

log = logging.getLogger("modelmeta")
Progress = Callable[[str, str], None]
"""Called with a source or a step, and what happens to it."""


class Database(Protocol):
    """Where the registry is stored."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]: ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How to refresh, by the operator's settings."""

    urls: Mapping[str, str]
    """Feed -> the URL it is fetched from; empty if it is switched off."""
    overlay: Path | None
    timeout: float
    """Seconds one feed may take."""
    limit: int
    """Bytes one feed may have."""
    thresholds: Thresholds
    only: frozenset[str] | None = None
    """Feeds to fetch; None fetches all."""
    forced: frozenset[str] = frozenset()
    """Feeds that the guard does not check."""


@dataclass(slots=True)
class Report:
    """What a refresh did."""

    revision: int
    outcome: Outcome | None
    """What was stored; None if there was nothing to merge."""
    states: Mapping[str, State]
    loaded: Loaded | None = None

    @property
    def whole(self) -> bool:
        """True if no source failed or was held back."""
        return not any(state.status in (SourceStatus.FAILED, SourceStatus.HELD) for state in self.states.values())


@dataclass(slots=True)
class Gathered:
    """What the feeds say: the content to merge, which of it is new, and the state of each feed."""

    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    catalogues: dict[str, Catalogue] = field(default_factory=dict[str, Catalogue])
    """The contents that have been parsed."""
    fresh: dict[str, Edition] = field(default_factory=dict[str, Edition])
    states: dict[str, State] = field(default_factory=dict[str, State])


async def refresh(database: Database, plan: Plan, progress: Progress = lambda _, __: None) -> Report:
    """Fetches the feeds and updates the registry. The caller holds the refresh's lock."""
    now = load.moment()
    async with database.reading() as connection:
        kept = await sources.editions(connection)
        latest = await latest_revision(connection)
    found = await _gather(plan, kept, progress)
    found.states["curated"] = State(asked=True, answered=True)
    given = _overlay(plan, kept, found)
    inputs = fingerprint(editions_of(found.contents, given), now.date())
    loaded: Loaded | None = None
    if latest is None or latest.inputs != inputs:
        loaded = _combined(found, kept, given, now, progress)
    async with database.writing() as connection:
        for slug, edition in found.fresh.items():
            await sources.keep(connection, slug, edition, now)
        if plan.overlay is None:
            await sources.forget(connection, overlays.SLUG)
        if loaded is None:
            await sources.write(connection, now, found.states)
            return Report(latest.number if latest else 0, None, found.states)
        outcome = await load.write(connection, loaded, lambda step: progress(step, "under way"))
    return Report(outcome.revision, outcome, loaded.states, loaded)


async def _gather(plan: Plan, kept: Mapping[str, Edition], progress: Progress) -> Gathered:
    found = Gathered()
    await asyncio.gather(*(_fetch(feed, plan, kept.get(feed.SLUG), found, progress) for feed in FEEDS))
    # In the order of FEEDS, whichever answered first.
    found.contents = {feed.SLUG: found.contents[feed.SLUG] for feed in FEEDS if feed.SLUG in found.contents}
    return found


async def _fetch(feed: Feed, plan: Plan, kept: Edition | None, found: Gathered, progress: Progress) -> None:
    """Fetches one feed. If it can't be used, its last valid content stays."""
    slug = feed.SLUG
    known = kept.content if kept else bundled(feed)
    if known is not None:
        found.contents[slug] = known
    url = plan.urls.get(slug, "")
    if not url:
        found.states[slug] = State(SourceStatus.DISABLED)
        progress(slug, "switched off")
        return
    if plan.only is not None and slug not in plan.only:
        return
    progress(slug, "fetching")
    try:
        fetched = await fetch(
            url,
            etag=kept.etag if kept else None,
            last_modified=kept.last_modified if kept else None,
            limit=plan.limit,
            deadline=plan.timeout,
        )
        if fetched.content is None or (kept and fetched.fingerprint == kept.fingerprint):
            found.states[slug] = State(asked=True, answered=True)
            progress(slug, "unchanged")
            return
        catalogue = feed.parse(fetched.content)
        if refusal := _objection(feed, found, catalogue, plan):
            found.states[slug] = State(SourceStatus.HELD, refusal, asked=True)
            progress(slug, "held")
            return
    except FeedError as error:
        found.states[slug] = State(SourceStatus.FAILED, str(error), asked=True)
        progress(slug, "failed")
        return
    except Exception:
        # A bug in reading one feed must not keep the others from being read.
        log.exception("the answer of %s could not be read", slug)
        found.states[slug] = State(SourceStatus.FAILED, "Its answer could not be read; the log says why.", asked=True)
        progress(slug, "failed")
        return
    assert fetched.fingerprint is not None
    found.fresh[slug] = Edition(fetched.content, fetched.fingerprint, fetched.etag, fetched.last_modified)
    found.contents[slug] = fetched.content
    found.catalogues[slug] = catalogue
    found.states[slug] = State(asked=True, answered=True)
    progress(slug, "new")


def _objection(feed: Feed, found: Gathered, new: Catalogue, plan: Plan) -> str | None:
    """What the guard says against a feed's new catalogue. Parses the known content for it."""
    if feed.SLUG in plan.forced:
        return None
    known = found.contents.get(feed.SLUG)
    if known is not None:
        found.catalogues[feed.SLUG] = feed.parse(known)
    return objection(found.catalogues.get(feed.SLUG), new, plan.thresholds)


def _overlay(plan: Plan, kept: Mapping[str, Edition], found: Gathered) -> overlays.Overlay | None:
    """The operator's file; if it has a mistake, its last valid content."""
    if plan.overlay is None:
        found.states[overlays.SLUG] = State(SourceStatus.DISABLED)
        return None
    try:
        given = overlays.read(plan.overlay)
    except OverlayError as error:
        return _overlay_before(kept, found, str(error))
    found.states[overlays.SLUG] = State(asked=True, answered=True)
    if (before := kept.get(overlays.SLUG)) is None or before.fingerprint != given.edition:
        found.fresh[overlays.SLUG] = Edition(given.content, given.edition)
    return given


def _overlay_before(kept: Mapping[str, Edition], found: Gathered, reason: str) -> overlays.Overlay | None:
    found.states[overlays.SLUG] = State(SourceStatus.FAILED, reason, asked=True)
    found.fresh.pop(overlays.SLUG, None)
    before = kept.get(overlays.SLUG)
    return None if before is None else overlays.parse(before.content, "the overlay as it was")


def _combined(
    found: Gathered, kept: Mapping[str, Edition], given: overlays.Overlay | None, now: datetime, progress: Progress
) -> Loaded:
    def step(name: str) -> None:
        progress(name, "under way")

    catalogues = [curated(step)]
    for feed in FEEDS:
        if feed.SLUG in found.contents:
            step(feed.SLUG)
            # What the guard compared is already parsed.
            catalogues.append(found.catalogues.get(feed.SLUG) or feed.parse(found.contents[feed.SLUG]))

    def combined(overlay: overlays.Overlay | None) -> Loaded:
        return combine(catalogues, overlay, editions_of(found.contents, overlay), now, found.states, step)

    try:
        return combined(given)
    except OverlayError as error:
        given = _overlay_before(kept, found, str(error))
    try:
        return combined(given)
    except OverlayError:
        # Its last valid content does not fit either: what it refers to has left the other sources.
        return combined(None)
