"""Where every subscription begins: revisions and changes as they land.

A subscriber is a place in a feed and nothing else: what follows is read from there a chunk at a time, in transactions
that end before anything is sent, and once for all who stand at the same place of equal feeds.
"""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import strawberry
from graphql import GraphQLError
from sqlalchemy import Select
from sqlmodel import col
from strawberry import UNSET

from schema import tables
from schema.cache import Cache
from schema.context import Context, Info, Revisions, context
from schema.errors import ClientError
from schema.lists.filters import ChangeFilter, conditions, signature
from schema.lists.listings import change_listing
from schema.types.change import Change
from schema.types.revision import Revision

log = logging.getLogger("modelmeta")
CHUNK = 100
"""Rows read at once."""
PATIENCE = 10.0
"""Seconds one read may take before it is given up and tried again."""
AGAIN = 1.0
"""Seconds until a read that failed is tried again."""
CHUNKS_CACHE = 4 * 1024 * 1024
"""Bytes of rows kept for subscribers that come to the same place next."""
ROW_BYTES = 800
"""About what a row takes in memory."""


class Place(NamedTuple):
    """How far a subscriber has come: through this revision, and through this id in those after it."""

    revision: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """Rows in the order they landed."""

    name: str
    """Equal for feeds of the same rows."""
    rows: Callable[[Context, Place, int], Awaitable[Select[Any]]]
    """Asks for the rows behind a place, up to the latest revision."""
    place: Callable[[Any], Place]
    """The place behind a row."""


async def _revisions(_: Context, place: Place, latest: int) -> Select[Any]:
    number = col(tables.Revision.number)
    return sa.select(tables.Revision).where(number > place.revision, number <= latest).order_by(number)


REVISIONS = Feed("revisions", _revisions, lambda row: Place(row.number))


def changes(filter: ChangeFilter | None) -> Feed:
    """The changes that fit a filter, whatever revision it starts with."""
    if filter is not None:
        filter = dataclasses.replace(filter, since_revision=None)

    async def rows(reading: Context, place: Place, latest: int) -> Select[Any]:
        number, id = col(tables.Change.revision_number), col(tables.Change.id)
        fitting = (await change_listing(reading, filter)).conditions
        return (
            sa.select(tables.Change)
            .where(number > place.revision, number <= latest, id > place.id, *fitting)
            .order_by(number, id)
        )

    return Feed(signature("changes", filter), rows, lambda row: Place(row.revision_number - 1, row.id))


async def follow(watch: Revisions, feed: Feed, place: Place) -> AsyncGenerator[Any]:
    """What lies behind a place, then what lands there, row by row, for as long as somebody asks for more."""
    latest = watch.number
    while True:
        rows = await _chunk(watch, feed, place, latest)
        for row in rows:
            yield row
            place = feed.place(row)
        if len(rows) < CHUNK:
            place = Place(latest)
            latest = await watch.after(latest)


_chunks: WeakKeyDictionary[Revisions, Cache[Sequence[Any]]] = WeakKeyDictionary()


async def _chunk(watch: Revisions, feed: Feed, place: Place, latest: int) -> Sequence[Any]:
    async def read() -> tuple[Sequence[Any], int]:
        async with asyncio.timeout(PATIENCE), context(watch.engine) as reading:
            rows = await reading.tuples((await feed.rows(reading, place, latest)).limit(CHUNK))
            return rows, ROW_BYTES * len(rows) + len(feed.name)

    chunks = _chunks.get(watch)
    if chunks is None:
        chunks = _chunks[watch] = Cache(CHUNKS_CACHE)
    while True:
        try:
            return await chunks.load((feed.name, place, latest), read)
        except GraphQLError:
            raise
        except Exception as error:
            # A database that is away for a while costs a subscriber time, but no event.
            log.warning("a feed can't be read, trying on: %s", error)
            await asyncio.sleep(AGAIN)


def landed(row: Any) -> int:
    """What tells an event of a subscription from its others."""
    found: int = row.number if hasattr(row, "number") else row.id
    return found


async def begin(info: Info, since: int | None) -> tuple[Revisions, int]:
    """What notices revisions, and the latest one. Raises a ClientError where a subscription can't begin."""
    watch = info.context.watch
    if watch is None:
        raise ClientError("A subscription needs a server that runs: start one with `modelmeta serve`.", "NOT_SUPPORTED")
    latest = await watch.look()
    if since is not None and since > latest:
        raise ClientError(
            f"sinceRevision is {since}, but the latest revision is {latest}. Give the last one you have seen."
        )
    return watch, latest


Since = Annotated[int | None, strawberry.argument(description="Number of the last revision that is known already.")]
Which = Annotated[
    ChangeFilter | None,
    strawberry.argument(description="Which changes. With sinceRevision, first those that came after it."),
]


@strawberry.type(description="Everything that can be listened to.")
class Subscription:
    @strawberry.subscription(
        graphql_type=Revision,
        description="The current revision at once, then one event after each refresh that changed something; "
        "with sinceRevision, first those missed. A sinceRevision in the future is an error.",
    )
    @staticmethod
    async def registry_refreshed(info: Info, since_revision: Since = None) -> Any:
        watch, latest = await begin(info, since_revision)
        return follow(watch, REVISIONS, Place(latest - 1 if since_revision is None else since_revision))

    @strawberry.subscription(
        graphql_type=Change,
        description="The changes of each refresh that match the filter, one by one as they land. "
        "With a sinceRevision in the filter, first those missed; one in the future is an error.",
    )
    @staticmethod
    async def model_changed(info: Info, filter: Which = None) -> Any:
        since = None if filter is None or filter.since_revision is UNSET else filter.since_revision
        conditions(filter)  # refuses one that nobody needs
        watch, latest = await begin(info, since)
        return follow(watch, changes(filter), Place(latest if since is None else since))
