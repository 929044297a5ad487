"""The registry as a whole: its size, its freshness and its sources."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import strawberry

from schema import dataloaders, tables
from schema.context import RegistrySettings
from schema.dataloaders import whole
from schema.declarations import Clock, edge, field
from schema.types.revision import Revision
from schema.types.source import MOST_SOURCES, Source


def refresh_due_at(attempts: Sequence[datetime | None], interval_seconds: int) -> datetime:
    """When a refresh is due: an interval after the oldest attempt of any source; at once if one was never tried."""
    tried = [attempt for attempt in attempts if attempt is not None]
    if not tried or len(tried) < len(attempts):
        return datetime.min.replace(tzinfo=UTC)
    return min(tried) + timedelta(seconds=interval_seconds)


def row_count(table: type[tables.Table], description: str) -> Any:
    """The number of rows of a table."""
    return edge(int, dataloaders.row_counts, by=lambda _: table, description=description)


@strawberry.type(description="What the registry holds, how fresh it is and where its data comes from.")
class Registry:
    model_count = row_count(tables.Model, "Number of models, including retired ones.")
    provider_count = row_count(tables.Provider, "Number of providers.")
    family_count = row_count(tables.Family, "Number of families.")
    revision = edge(
        Revision, dataloaders.latest_revision, by=whole, description="The revision that this response was read from."
    )
    sources = edge(
        list[Source],
        dataloaders.all_sources,
        by=whole,
        largest=MOST_SOURCES,
        weight=5,
        description="The sources of the data, the most trusted first.",
    )

    @field(needs=dataloaders.registry_settings, by=whole)
    @staticmethod
    def refresh_interval_seconds(_: object, settings: RegistrySettings) -> int:
        """Seconds between automatic refreshes; 0 if they are off."""
        return settings.refresh_interval_seconds

    @field(needs=(dataloaders.registry_settings, dataloaders.refresh_attempts), by=whole, clock=Clock.INSTANT)
    @staticmethod
    def next_refresh_at(
        _: object, settings: RegistrySettings, attempts: Sequence[datetime | None], now: datetime
    ) -> datetime | None:
        """When the next automatic refresh is due; null if they are off."""
        interval = settings.refresh_interval_seconds
        return max(refresh_due_at(attempts, interval), now) if interval else None
