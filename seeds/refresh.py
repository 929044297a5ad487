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
from seeds.curated import loader
from seeds.feeds import FEEDS
from seeds.feeds.fetch import Feed, FeedError, fetch
from seeds.guard import Thresholds, objection
from seeds.load import Loaded, editions_of, fingerprint
from seeds.overlay import loader as overlays
from seeds.overlay.loader import Overlay, OverlayError
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
    found.states[loader.SLUG] = State(asked=True, answered=True)
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
    known = kept.content if kept else feed.bundled()
    if known is not None:
        found.contents[slug] = known
    url = plan.urls.get(slug, "")
    if url and plan.only is not None and slug not in plan.only:
        return
    if not url:
        state, what = State(SourceStatus.DISABLED), "switched off"
    else:
        progress(slug, "fetching")
        try:
            state, what = await _ask(feed, url, plan, kept, found)
        except FeedError as error:
            state, what = State(SourceStatus.FAILED, str(error), asked=True), "failed"
        except Exception:
            # A bug in reading one feed must not keep the others from being read.
            log.exception("the response of %s could not be parsed", slug)
            reason = "Its response could not be parsed; see the log."
            state, what = State(SourceStatus.FAILED, reason, asked=True), "failed"
    found.states[slug] = state
    progress(slug, what)


async def _ask(feed: Feed, url: str, plan: Plan, kept: Edition | None, found: Gathered) -> tuple[State, str]:
    """Fetches a feed, and notes its content if that is new and the guard does not hold it. Raises FeedError."""
    slug = feed.SLUG
    fetched = await fetch(
        url,
        etag=kept.etag if kept else None,
        last_modified=kept.last_modified if kept else None,
        limit=plan.limit,
        deadline=plan.timeout,
    )
    answered = State(asked=True, answered=True)
    if fetched.content is None or fetched.fingerprint is None or (kept and fetched.fingerprint == kept.fingerprint):
        return answered, "unchanged"
    catalogue = feed.parse(fetched.content)
    if slug not in plan.forced:
        known = found.contents.get(slug)
        if known is not None:
            found.catalogues[slug] = feed.parse(known)
        if refusal := objection(found.catalogues.get(slug), catalogue, plan.thresholds):
            return State(SourceStatus.HELD, refusal, asked=True), "held"
    found.fresh[slug] = Edition(fetched.content, fetched.fingerprint, fetched.etag, fetched.last_modified)
    found.contents[slug] = fetched.content
    found.catalogues[slug] = catalogue
    return answered, "new"


def _overlay(plan: Plan, kept: Mapping[str, Edition], found: Gathered) -> Overlay | None:
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


def _overlay_before(kept: Mapping[str, Edition], found: Gathered, reason: str) -> Overlay | None:
    found.states[overlays.SLUG] = State(SourceStatus.FAILED, reason, asked=True)
    found.fresh.pop(overlays.SLUG, None)
    before = kept.get(overlays.SLUG)
    return None if before is None else overlays.parse(before.content, "the previous overlay")


def _combined(
    found: Gathered, kept: Mapping[str, Edition], given: Overlay | None, now: datetime, progress: Progress
) -> Loaded:
    def step(name: str) -> None:
        progress(name, "under way")

    # What the guard compared is already parsed.
    catalogues = load.parse_catalogues(found.contents, found.catalogues, step)

    def combined(overlay: Overlay | None) -> Loaded:
        return load.combine(catalogues, overlay, found.contents, now, found.states, step)

    try:
        return combined(given)
    except OverlayError as error:
        given = _overlay_before(kept, found, str(error))
    try:
        return combined(given)
    except OverlayError:
        # Its last valid content does not fit either: the other sources no longer have what it refers to.
        return combined(None)
