"""Where facts come from, and what each source says."""

from datetime import datetime, timedelta
from typing import Any

import strawberry
from strawberry import Parent, auto

from schema import dataloaders, tables
from schema.context import Info
from schema.declarations import of
from schema.enums import SourceStatus
from schema.scalars import JSON, URL
from schema.tables import Claim as ClaimRow

SOON = timedelta(minutes=10)
"""No source is out of date sooner, however often it is asked."""


def standing(source: Any, interval: int, now: datetime) -> SourceStatus:
    """How a source's row stands now, where refreshes come every so many seconds; 0 is never by themselves."""
    status: SourceStatus = source.status
    # What has no address is a file of this machine's: never out of date.
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
    last_attempt_at: auto
    last_success_at: auto
    last_error: auto
    model_count: auto
    quarantined_count: auto

    @strawberry.field(
        description="How the source stands with the registry. It is STALE when it was not reached for three refresh "
        "intervals and ten minutes at least, or for two days where the registry does not refresh by itself."
    )
    @staticmethod
    def status(source: Parent[tables.Source], info: Info) -> SourceStatus:
        return standing(source, int(info.context.settings.get("refresh_interval", 0)), info.context.now)

    @strawberry.field(description="Where the source is described or fetched from.")
    @staticmethod
    def url(source: Parent[tables.Source]) -> URL | None:
        return None if source.url is None else URL(source.url)


@strawberry.type(description="What one source says of a fact.")
class Claim:
    @strawberry.field(description="The value it states. Amounts of money are strings.")
    @staticmethod
    def value(claim: Parent[ClaimRow]) -> JSON | None:
        return JSON(claim.value)

    @strawberry.field(graphql_type=Source, description="The source that states it.")
    @staticmethod
    async def source(claim: Parent[ClaimRow], info: Info) -> Any:
        return await info.context.load(dataloaders.sources, claim.source_slug)

    @strawberry.field(description="When the registry first saw the source state this value.")
    @staticmethod
    def observed_at(claim: Parent[ClaimRow]) -> datetime:
        return claim.observed_at


@strawberry.type(description="One fact of a model: the value believed, its source, and what other sources say.")
class Fact:
    @strawberry.field(
        description="Field of Model it belongs to; a dot leads to what lies below: price.input, capabilities.VISION."
    )
    @staticmethod
    def field(claims: Parent[list[ClaimRow]]) -> str:
        return claims[0].field

    @strawberry.field(description="The value believed. Amounts of money are strings.")
    @staticmethod
    def value(claims: Parent[list[ClaimRow]]) -> JSON | None:
        return JSON(claims[0].value)

    @strawberry.field(graphql_type=Source, description="The source it was taken from.")
    @staticmethod
    async def source(claims: Parent[list[ClaimRow]], info: Info) -> Any:
        return await info.context.load(dataloaders.sources, claims[0].source_slug)

    @strawberry.field(description="When the registry first saw that source state this value.")
    @staticmethod
    def observed_at(claims: Parent[list[ClaimRow]]) -> datetime:
        return claims[0].observed_at

    @strawberry.field(description="Whether another source states a different value.")
    @staticmethod
    def disputed(claims: Parent[list[ClaimRow]]) -> bool:
        return any(claim.disputed for claim in claims)

    @strawberry.field(description="Why this value is believed, where it was decided by more than the order of trust.")
    @staticmethod
    def reason(claims: Parent[list[ClaimRow]]) -> str | None:
        return claims[0].reason

    @strawberry.field(graphql_type=list[Claim], description="What the other sources say, in order of trust.")
    @staticmethod
    def others(claims: Parent[list[ClaimRow]]) -> list[ClaimRow]:
        return claims[1:]


def facts(claims: list[ClaimRow], fields: list[str] | None) -> list[list[ClaimRow]]:
    """Claims by fact; a name given selects that fact and all that lies below it."""
    found: dict[str, list[ClaimRow]] = {}
    for claim in claims:
        if fields is None or any(claim.field == name or claim.field.startswith(f"{name}.") for name in fields):
            found.setdefault(claim.field, []).append(claim)
    return list(found.values())
