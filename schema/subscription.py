"""The subscriptions: revisions and changes as refreshes make them.

A subscriber is only a position in a stream. What follows it is read in chunks, in transactions that end before
anything is sent, and once for all subscribers at the same position of equal streams.
"""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
import strawberry
from graphql import GraphQLError
from sqlalchemy import Select
from sqlmodel import col
from strawberry import UNSET

from schema import tables
from schema.context import Context, Info, Revisions, State, context
from schema.declarations import Declaration, Kind, argument
from schema.errors import ClientError
from schema.lists.filters import ChangeFilter, conditions, signature
from schema.lists.listings import change_listing
from schema.types.change import Change
from schema.types.revision import Revision

log = logging.getLogger("modelmeta")
CHUNK = 100
"""Rows per read."""
READ_TIMEOUT = 10.0
"""Seconds after which a read is canceled and tried again."""
RETRY_DELAY = 1.0
"""Seconds before a failed read is tried again."""
ROW_BYTES = 800
"""Estimate of a row's size in memory."""


class Position(NamedTuple):
    """How far a subscriber has read: all revisions up to one, and after those all ids up to one."""

    revision: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in the order in which refreshes make them."""

    name: str
    """Equal for streams of the same rows."""
    rows: Callable[[Context, Position, int], Awaitable[Select[tables.Revision] | Select[tables.Change]]]
    """Selects the rows after a position, up to the latest revision."""
    position: Callable[[Any], Position]
    """The position after a row."""


async def _revisions(_: Context, after: Position, latest: int) -> Select[tables.Revision]:
    number = col(tables.Revision.number)
    return sa.select(tables.Revision).where(number > after.revision, number <= latest).order_by(number)


REVISIONS = Stream("revisions", _revisions, lambda row: Position(row.number))


def changes(filter: ChangeFilter | None) -> Stream:
    """The changes that match a filter, whatever revision the filter starts at."""
    if filter is not None:
        filter = dataclasses.replace(filter, since_revision=None)

    async def rows(reading: Context, after: Position, latest: int) -> Select[tables.Change]:
        number, id = col(tables.Change.revision_number), col(tables.Change.id)
        matching = (await change_listing(reading, filter)).conditions
        return (
            sa.select(tables.Change)
            .where(number > after.revision, number <= latest, id > after.id, *matching)
            .order_by(number, id)
        )

    return Stream(signature("changes", filter), rows, lambda row: Position(row.revision_number - 1, row.id))


async def follow(state: State, watch: Revisions, stream: Stream, position: Position) -> AsyncGenerator[Any]:
    """The rows after a position, then new ones as they are added, for as long as the caller asks."""
    latest = watch.number
    while True:
        rows = await _chunk(state, watch, stream, position, latest)
        for row in rows:
            yield row
            position = stream.position(row)
        if len(rows) < CHUNK:
            position = Position(latest)
            latest = await watch.after(latest)


async def _chunk(state: State, watch: Revisions, stream: Stream, after: Position, latest: int) -> Sequence[object]:
    async def read() -> tuple[Sequence[object], int]:
        async with asyncio.timeout(READ_TIMEOUT), context(watch.engine) as reading:
            rows = await reading.tuples((await stream.rows(reading, after, latest)).limit(CHUNK))
            return rows, ROW_BYTES * len(rows) + len(stream.name)

    while True:
        try:
            return await state.events.load((stream.name, after, latest), read)
        except GraphQLError:
            raise
        except Exception as error:
            # A database outage delays subscribers, but they miss no event.
            log.warning("a subscription can't be read, retrying: %s", error)
            await asyncio.sleep(RETRY_DELAY)


def event_key(row: Any) -> int:
    """What distinguishes an event of a subscription from the others."""
    key: int = row.number if hasattr(row, "number") else row.id
    return key


async def begin(info: Info, since: int | None) -> tuple[Revisions, int]:
    """The watch for revisions, and the latest revision. Raises a ClientError if a subscription can't begin."""
    watch = info.context.watch
    if watch is None:
        raise ClientError("Subscriptions need a running server: start one with `modelmeta serve`.", "NOT_SUPPORTED")
    latest = await watch.look()
    if since is not None and since > latest:
        raise ClientError(f"sinceRevision must not exceed the latest revision, {latest} (got {since}).")
    return watch, latest


Since = Annotated[int | None, argument("Number of the last revision you know.")]
Which = Annotated[
    ChangeFilter | None,
    argument("Which changes to send. With sinceRevision, first the earlier ones after that revision."),
]
DECLARED = {"declaration": Declaration(kind=Kind.ACTION)}


# Not declared like other fields: a subscription waits for revisions for as long as its client listens.
@strawberry.type(description="All subscriptions.")
class Subscription:
    @strawberry.subscription(
        graphql_type=Revision,
        description="The current revision at once, then each revision that a refresh makes; with sinceRevision, first "
        "the revisions after that one. A sinceRevision in the future is refused with BAD_USER_INPUT.",
        metadata=DECLARED,
    )
    @staticmethod
    async def registry_refreshed(info: Info, since_revision: Since = None) -> AsyncGenerator[object]:
        watch, latest = await begin(info, since_revision)
        start = Position(latest - 1 if since_revision is None else since_revision)
        return follow(info.context.state, watch, REVISIONS, start)

    @strawberry.subscription(
        graphql_type=Change,
        description="Each change that matches the filter, as refreshes make it. With a sinceRevision in the filter, "
        "first the changes after that revision; one in the future is refused with BAD_USER_INPUT.",
        metadata=DECLARED,
    )
    @staticmethod
    async def model_changed(info: Info, filter: Which = None) -> AsyncGenerator[object]:
        since = None if filter is None or filter.since_revision is UNSET else filter.since_revision
        conditions(filter)  # refuses a filter that is too large
        watch, latest = await begin(info, since)
        start = Position(latest if since is None else since)
        return follow(info.context.state, watch, changes(filter), start)
