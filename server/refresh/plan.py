"""What a refresh needs from settings and database, when it is due, and its summary for programs."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from schema.dataloaders import select_attempts
from schema.types.registry import refresh_due_at
from seeds.guard import Thresholds
from seeds.refresh import Plan, Report
from server import database
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class RefreshDatabase:
    """The database as `seeds.refresh` uses it."""

    engine: AsyncEngine

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return database.reading(self.engine)

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return database.writing(self.engine)


def refresh_plan(settings: Settings, only: frozenset[str] | None = None, forced: frozenset[str] = frozenset()) -> Plan:
    urls = {
        "genai-prices": settings.genai_prices_url,
        "models-dev": settings.models_dev_url,
        "openrouter": settings.openrouter_url,
    }
    return Plan(
        urls=urls,
        overlay=settings.overlay,
        timeout=settings.fetch_timeout,
        limit=settings.max_feed_bytes,
        thresholds=Thresholds(settings.guard_invalid, settings.guard_retired, settings.guard_moved),
        only=only,
        forced=forced,
    )


async def due_at(engine: AsyncEngine, interval: int) -> datetime:
    """When the next refresh is due, by the same rule as `nextRefreshAt`."""
    async with database.reading(engine) as connection:
        return refresh_due_at([row[0] for row in await connection.execute(select_attempts())], interval)


async def is_due(engine: AsyncEngine, interval: int) -> bool:
    return await due_at(engine, interval) <= datetime.now(UTC)


def summary(report: Report | None) -> dict[str, object]:
    """The summary of a refresh, for programs."""
    if report is None:
        return {"refreshed": False}
    outcome = report.outcome
    return {
        "refreshed": True,
        "revision": report.revision,
        "changeCount": len(outcome.changes) if outcome else 0,
        "added": outcome.added if outcome else 0,
        "changed": outcome.changed if outcome else 0,
        "retired": outcome.retired if outcome else 0,
        "sources": {
            slug: {"status": state.status.name, "error": state.error, "asked": state.asked}
            for slug, state in sorted(report.states.items())
        },
    }
