"""The sources as the registry introduces them: how each stands, and the last good content of those that are fetched."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.enums import SourceStatus
from seeds.feeds import FEEDS
from seeds.merge.claims import TRUST
from seeds.store.store import table


class Described(NamedTuple):
    """A source as `registry { sources }` introduces it."""

    name: str
    url: str | None
    license: str | None


DESCRIBED = {
    "overlay": Described("Operator's overlay", None, None),
    "curated": Described("ModelMeta's curated catalogue", None, "MIT"),
    "genai-prices": Described("genai-prices", "https://github.com/pydantic/genai-prices", "MIT"),
    "models-dev": Described("models.dev", "https://models.dev", "MIT"),
    "openrouter": Described("OpenRouter", "https://openrouter.ai/models", None),
}
LIVE = frozenset(feed.SLUG for feed in FEEDS)
"""Sources that are fetched over the network."""


@dataclass(frozen=True, slots=True)
class State:
    """How a source stands after it was asked, or was not."""

    status: SourceStatus = SourceStatus.OK
    error: str | None = None
    asked: bool = False
    """Whether it was tried now."""
    answered: bool = False
    """Whether it gave something usable now."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The last good content of a source."""

    content: bytes
    fingerprint: str
    etag: str | None = None
    last_modified: str | None = None


async def write(
    connection: AsyncConnection,
    now: datetime,
    states: Mapping[str, State],
    described: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Writes how the sources stand, and, after a merge, what of each is in the registry.

    A source that no state is given for stays as it was.
    """
    source = table(tables.Source)
    held = {row.slug for row in await connection.execute(sa.select(source.c.slug))}
    for trust, slug in enumerate(TRUST):
        columns: dict[str, Any] = {**DESCRIBED[slug]._asdict(), "trust": trust}
        if state := states.get(slug):
            columns |= {"status": state.status, "last_error": state.error}
            columns |= {"last_attempt_at": now} if state.asked else {}
            columns |= {"last_success_at": now} if state.answered else {}
        if described is not None:
            columns |= described.get(slug, {"model_count": 0, "quarantined_count": 0, "edition": None})
        if slug in held:
            await connection.execute(sa.update(source).where(source.c.slug == slug).values(columns))
        else:
            # Never asked is not switched off: a feed nobody has reached yet is out of date.
            status = SourceStatus.OK if slug in LIVE else SourceStatus.DISABLED
            unknown = {"status": status, "model_count": 0, "quarantined_count": 0}
            await connection.execute(sa.insert(source).values(unknown | columns | {"slug": slug}))


async def note_inputs(connection: AsyncConnection, inputs: str) -> None:
    """Notes at the latest revision what it was merged from, or is known to be the same as."""
    revision = table(tables.Revision)
    latest = sa.select(sa.func.max(revision.c.number)).scalar_subquery()
    await connection.execute(
        sa.update(revision)
        .where(revision.c.number == latest, revision.c.inputs.is_distinct_from(inputs))
        .values(inputs=inputs)
    )


async def editions(connection: AsyncConnection) -> dict[str, Edition]:
    """The last good content of each source that has been fetched."""
    edition = table(tables.Edition)
    return {
        row.source_slug: Edition(zlib.decompress(row.content), row.fingerprint, row.etag, row.last_modified)
        for row in await connection.execute(sa.select(edition))
    }


async def keep(connection: AsyncConnection, slug: str, fresh: Edition, now: datetime) -> None:
    """Keeps the content in place of the one before."""
    edition = table(tables.Edition)
    await connection.execute(sa.delete(edition).where(edition.c.source_slug == slug))
    await connection.execute(
        sa.insert(edition).values(
            source_slug=slug,
            content=zlib.compress(fresh.content, 6),
            fingerprint=fresh.fingerprint,
            etag=fresh.etag,
            last_modified=fresh.last_modified,
            fetched_at=now,
        )
    )


async def forget(connection: AsyncConnection, slug: str) -> None:
    edition = table(tables.Edition)
    await connection.execute(sa.delete(edition).where(edition.c.source_slug == slug))
