"""A refresh: fetch, guard, merge, store, report. It can fail in parts, and never leaves half of anything."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.enums import SourceStatus
from seeds import load
from seeds.feeds import FEEDS
from seeds.feeds.fetch import Feed, FeedError, fetch
from seeds.guard import Thresholds, objection
from seeds.load import Loaded, bundled, combine, editions_of, fingerprint
from seeds.overlay import loader as overlays
from seeds.overlay.loader import OverlayError
from seeds.store import sources
from seeds.store.sources import Edition, State
from seeds.store.store import Outcome, table

log = logging.getLogger("modelmeta")
Progress = Callable[[str, str], None]
"""Told the source, or the step, and what becomes of it."""


class Database(Protocol):
    """Where the registry is kept."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]: ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator's settings ask of a refresh."""

    urls: Mapping[str, str]
    """Feed -> where it is fetched from; empty is switched off."""
    overlay: Path | None
    timeout: float
    """Seconds one feed may take."""
    limit: int
    """Bytes one feed may have."""
    thresholds: Thresholds
    only: frozenset[str] | None = None
    """Feeds to ask; None asks all."""
    forced: frozenset[str] = frozenset()
    """Feeds the guard lets through."""


@dataclass(slots=True)
class Report:
    """What a refresh did."""

    revision: int
    outcome: Outcome | None
    """What was stored; None when there was nothing to merge."""
    states: Mapping[str, State]
    loaded: Loaded | None = None

    @property
    def whole(self) -> bool:
        """Whether every source that was asked gave something usable."""
        return not any(state.status in (SourceStatus.FAILED, SourceStatus.HELD) for state in self.states.values())


@dataclass(slots=True)
class Gathered:
    """What the feeds say: the content to merge, what is new of it, and how each feed stands."""

    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    fresh: dict[str, Edition] = field(default_factory=dict[str, Edition])
    states: dict[str, State] = field(default_factory=dict[str, State])


async def refresh(database: Database, plan: Plan, progress: Progress = lambda _, __: None) -> Report:
    """Asks the feeds, and brings the registry to what they say. Whoever calls holds the refresh's lock."""
    now = load.moment()
    async with database.reading() as connection:
        held = await sources.editions(connection)
        latest = await _latest(connection)
    found = await _gather(plan, held, progress)
    found.states["curated"] = State(asked=True, answered=True)
    given = _overlay(plan, held, found)
    inputs = fingerprint(editions_of(found.contents, given), now.date())
    loaded: Loaded | None = None
    if latest is None or latest.inputs != inputs:
        loaded = _combined(found, held, given, now, progress)
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


async def _latest(connection: AsyncConnection) -> Any:
    revision = table(tables.Revision)
    return (await connection.execute(sa.select(revision).order_by(revision.c.number.desc()).limit(1))).first()


async def _gather(plan: Plan, held: Mapping[str, Edition], progress: Progress) -> Gathered:
    found = Gathered()
    # Results are written as they come; of one feed nothing depends on another's.
    await asyncio.gather(*(_ask(feed, plan, held.get(feed.SLUG), found, progress) for feed in FEEDS))
    # In the feeds' own order, whichever answered first.
    found.contents = {feed.SLUG: found.contents[feed.SLUG] for feed in FEEDS if feed.SLUG in found.contents}
    return found


async def _ask(feed: Feed, plan: Plan, held: Edition | None, found: Gathered, progress: Progress) -> None:
    """Asks one feed, and falls back on what is known of it."""
    slug = feed.SLUG
    known = held.content if held else bundled(feed)
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
        got = await fetch(
            url,
            etag=held.etag if held else None,
            last_modified=held.last_modified if held else None,
            limit=plan.limit,
            deadline=plan.timeout,
        )
        if got.content is None or (held and got.fingerprint == held.fingerprint):
            found.states[slug] = State(asked=True, answered=True)
            progress(slug, "unchanged")
            return
        refusal = _judged(feed, known, got.content, plan)
    except FeedError as error:
        found.states[slug] = State(SourceStatus.FAILED, str(error), asked=True)
        progress(slug, "failed")
        return
    except Exception:
        # A mistake of ours in reading one feed must not keep the others from being read.
        log.exception("the answer of %s could not be read", slug)
        found.states[slug] = State(SourceStatus.FAILED, "Its answer could not be read; the log says why.", asked=True)
        progress(slug, "failed")
        return
    if refusal:
        found.states[slug] = State(SourceStatus.HELD, refusal, asked=True)
        progress(slug, "held")
        return
    assert got.fingerprint is not None
    found.fresh[slug] = Edition(got.content, got.fingerprint, got.etag, got.last_modified)
    found.contents[slug] = got.content
    found.states[slug] = State(asked=True, answered=True)
    progress(slug, "new")


def _judged(feed: Feed, known: bytes | None, content: bytes, plan: Plan) -> str | None:
    """What the guard says against the new content. Raises FeedError when it can't be read at all."""
    after = feed.parse(content)
    if feed.SLUG in plan.forced:
        return None
    return objection(None if known is None else feed.parse(known), after, plan.thresholds)


def _overlay(plan: Plan, held: Mapping[str, Edition], found: Gathered) -> overlays.Overlay | None:
    """The operator's file; with a mistake in it, as it was when it last had none."""
    if plan.overlay is None:
        found.states[overlays.SLUG] = State(SourceStatus.DISABLED)
        return None
    try:
        given = overlays.read(plan.overlay)
    except OverlayError as error:
        return _overlay_before(held, found, str(error))
    found.states[overlays.SLUG] = State(asked=True, answered=True)
    if (before := held.get(overlays.SLUG)) is None or before.fingerprint != given.edition:
        found.fresh[overlays.SLUG] = Edition(given.content, given.edition)
    return given


def _overlay_before(held: Mapping[str, Edition], found: Gathered, reason: str) -> overlays.Overlay | None:
    found.states[overlays.SLUG] = State(SourceStatus.FAILED, reason, asked=True)
    found.fresh.pop(overlays.SLUG, None)
    before = held.get(overlays.SLUG)
    return None if before is None else overlays.parse(before.content, "the overlay as it was")


def _combined(
    found: Gathered, held: Mapping[str, Edition], given: overlays.Overlay | None, now: datetime, progress: Progress
) -> Loaded:
    def step(name: str) -> None:
        progress(name, "under way")

    try:
        return combine(found.contents, given, now, found.states, step)
    except OverlayError as error:
        given = _overlay_before(held, found, str(error))
    try:
        return combine(found.contents, given, now, found.states, step)
    except OverlayError:
        # Not even as it was: what it introduced has left the other sources.
        return combine(found.contents, None, now, found.states, step)
