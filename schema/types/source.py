"""Sources, and what each source says."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import strawberry
from strawberry import auto

from schema import dataloaders, tables
from schema.context import RegistrySettings
from schema.declarations import Clock, column, edge, field, of
from schema.enums import SourceStatus
from schema.scalars import JSON, URL

MOST_SOURCES = 20
"""Maximum number of sources: the feeds, the curated files and the overlay."""
SOON = timedelta(minutes=10)
"""A source is never stale sooner than this, however short the refresh interval is."""


def standing(source: tables.Source, interval: int, now: datetime) -> SourceStatus:
    """The status of a source now, where refreshes run every `interval` seconds; 0 is never."""
    status: SourceStatus = source.status
    # A source without a URL is a local file, which is never stale.
    if status is not SourceStatus.OK or source.url is None:
        return status
    expected = max(timedelta(seconds=3 * interval), SOON) if interval else timedelta(days=2)
    reached = source.last_success_at
    return SourceStatus.STALE if reached is None or now - reached > expected else status


@of(tables.Source)
class Source:
    slug: auto
    name: auto
    license: auto
    url: URL | None = column()
    # Every refresh writes these, also one that makes no revision.
    last_attempt_at: auto = column(clock=Clock.INSTANT)
    last_success_at: auto = column(clock=Clock.INSTANT)
    last_error: auto = column(clock=Clock.INSTANT)
    model_count: auto = column(clock=Clock.INSTANT)
    quarantined_count: auto = column(clock=Clock.INSTANT)

    @field(needs=dataloaders.registry_settings, by=dataloaders.whole, clock=Clock.INSTANT)
    @staticmethod
    def status(source: tables.Source, settings: RegistrySettings, now: datetime) -> SourceStatus:
        """Result of the last refresh. A source is STALE if it has not been reached for three refresh intervals (and
        at least ten minutes), or for two days if the registry does not refresh itself."""
        return standing(source, settings.refresh_interval_seconds, now)


@of(tables.Claim, description="What one source says about a fact.")
class Claim:
    value: JSON | None = column()
    observed_at: auto
    source = edge(Source, dataloaders.sources, by="source_slug", description="The source that states it.")


@strawberry.type(description="One fact about a model: the value the registry uses, its source, and other claims.")
class Fact:
    source = edge(
        Source,
        dataloaders.sources,
        by=lambda claims: claims[0].source_slug,
        description="The source the value is taken from.",
    )

    @field(JSON | None)
    @staticmethod
    def value(claims: Sequence[tables.Claim]) -> object:
        """The value the registry uses. Amounts of money are strings."""
        return claims[0].value

    @field()
    @staticmethod
    def observed_at(claims: Sequence[tables.Claim]) -> datetime:
        """When the registry first saw the source state this value."""
        return claims[0].observed_at

    @field()
    @staticmethod
    def disputed(claims: Sequence[tables.Claim]) -> bool:
        """True if another source states a different value."""
        return any(claim.disputed for claim in claims)

    @field()
    @staticmethod
    def reason(claims: Sequence[tables.Claim]) -> str | None:
        """Why the registry uses this value, if the order of the sources did not decide."""
        return claims[0].reason

    @field(list[Claim], largest=MOST_SOURCES, sized_by="first", weight=1)
    @staticmethod
    def others(claims: Sequence[tables.Claim]) -> Sequence[tables.Claim]:
        """What the other sources say, the most trusted first."""
        return claims[1:]

    # Last, because it shadows the decorator `field`.
    @field()
    @staticmethod
    def field(claims: Sequence[tables.Claim]) -> str:
        """Field of Model that the fact belongs to; dots lead to nested fields: price.input, capabilities.VISION."""
        return claims[0].field


def facts(claims: Sequence[tables.Claim], fields: Sequence[str] | None) -> list[list[tables.Claim]]:
    """Claims by fact. A name selects the fact of that name and everything below it: price -> price.input."""
    wanted = None if fields is None else set(fields)
    found: dict[str, list[tables.Claim]] = {}
    for claim in claims:
        if wanted is None or not wanted.isdisjoint(prefixes(claim.field)):
            found.setdefault(claim.field, []).append(claim)
    return list(found.values())


def prefixes(name: str) -> list[str]:
    """prices.BATCH.INPUT -> prices, prices.BATCH, prices.BATCH.INPUT."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
