"""The registry as a whole: how much it holds, how fresh it is, where it comes from."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import strawberry
from sqlmodel import SQLModel, col

from schema import tables
from schema.context import Info
from schema.enums import SourceStatus
from schema.errors import ClientError
from schema.types.revision import Revision
from schema.types.source import Source


async def _count(info: Info, table: type[SQLModel]) -> int:
    return await info.context.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@strawberry.type(description="What this registry holds, how fresh it is and where it comes from.")
class Registry:
    @strawberry.field(description="Number of models, retired ones included.")
    @staticmethod
    async def model_count(info: Info) -> int:
        return await _count(info, tables.Model)

    @strawberry.field(description="Number of providers.")
    @staticmethod
    async def provider_count(info: Info) -> int:
        return await _count(info, tables.Provider)

    @strawberry.field(description="Number of families.")
    @staticmethod
    async def family_count(info: Info) -> int:
        return await _count(info, tables.Family)

    @strawberry.field(graphql_type=Revision, description="The state of the registry this answer comes from.")
    @staticmethod
    async def revision(info: Info) -> Any:
        revision = tables.Revision
        rows = await info.context.rows(sa.select(revision).order_by(col(revision.number).desc()).limit(1))
        if not rows:
            raise ClientError("The registry is still being loaded. Ask again in a few seconds.", "NOT_READY")
        return rows[0]

    @strawberry.field(description="Seconds between refreshes; 0 when it does not refresh by itself.")
    @staticmethod
    def refresh_interval_seconds(info: Info) -> int:
        return int(info.context.settings.get("refresh_interval", 0))

    @strawberry.field(description="When the next refresh is due; null when it does not refresh by itself.")
    @staticmethod
    async def next_refresh_at(info: Info) -> datetime | None:
        interval = int(info.context.settings.get("refresh_interval", 0))
        source = tables.Source
        asked = sa.select(sa.func.min(col(source.last_attempt_at))).where(col(source.status) != SourceStatus.DISABLED)
        oldest = await info.context.scalar(asked)
        return max(oldest + timedelta(seconds=interval), info.context.now) if interval and oldest else None

    @strawberry.field(
        graphql_type=list[Source], description="Where its facts come from, the most trusted source first."
    )
    @staticmethod
    async def sources(info: Info) -> Any:
        return await info.context.rows(sa.select(tables.Source).order_by(col(tables.Source.trust)))
