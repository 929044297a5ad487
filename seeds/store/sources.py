"""The table of sources: their state, and the last valid content of those that are fetched."""

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.enums import SourceStatus
from schema.tables import table
from seeds.feeds import FEEDS
from seeds.merge.claims import TRUST


class Described(NamedTuple):
    """A source as `registry { sources }` describes it."""

    name: str
    url: str | None
    license: str | None


DESCRIBED = {
    "overlay": Described("Operator's overlay", None, None),
    "curated": Described("ModelMeta's curated catalog", None, "MIT"),
    "genai-prices": Described("genai-prices", "https://github.com/pydantic/genai-prices", "MIT"),
    "models-dev": Described("models.dev", "https://models.dev", "MIT"),
    "openrouter": Described("OpenRouter", "https://openrouter.ai/models", None),
}
LIVE = frozenset(feed.SLUG for feed in FEEDS)
"""Sources that are fetched over the network."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of a source after a load or a refresh."""

    status: SourceStatus = SourceStatus.OK
    error: str | None = None
    asked: bool = False
    """True if this load or refresh tried to read it."""
    answered: bool = False
    """True if it gave usable content."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a source contributed to the registry."""

    model_count: int = 0
    quarantined_count: int = 0
    edition: str | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """The last valid content of a source."""

    content: bytes
    fingerprint: str
    etag: str | None = None
    last_modified: str | None = None


async def write(
    connection: AsyncConnection,
    now: datetime,
    states: Mapping[str, State],
    contributions: Mapping[str, Contribution] | None = None,
) -> None:
    """Writes the state of the sources and, after a merge, what each of them contributed.

    A source without a state keeps the one it had.
    """
    source = table(tables.Source)
    stored = {row.slug for row in await connection.execute(sa.select(source.c.slug))}
    for trust, slug in enumerate(TRUST):
        columns: dict[str, object] = {**DESCRIBED[slug]._asdict(), "trust": trust}
        if state := states.get(slug):
            columns |= {"status": state.status, "last_error": state.error}
            columns |= {"last_attempt_at": now} if state.asked else {}
            columns |= {"last_success_at": now} if state.answered else {}
        if contributions is not None:
            columns |= asdict(contributions.get(slug, Contribution()))
        if slug in stored:
            await connection.execute(sa.update(source).where(source.c.slug == slug).values(columns))
        else:
            # A feed that was never fetched is not switched off.
            status = SourceStatus.OK if slug in LIVE else SourceStatus.DISABLED
            unknown: dict[str, object] = {"status": status, "model_count": 0, "quarantined_count": 0}
            await connection.execute(sa.insert(source).values(unknown | columns | {"slug": slug}))


async def note_inputs(connection: AsyncConnection, inputs: str) -> None:
    """Records at the latest revision the fingerprint of the inputs it equals."""
    revision = table(tables.Revision)
    latest = sa.select(sa.func.max(revision.c.number)).scalar_subquery()
    await connection.execute(
        sa.update(revision)
        .where(revision.c.number == latest, revision.c.inputs.is_distinct_from(inputs))
        .values(inputs=inputs)
    )


async def editions(connection: AsyncConnection) -> dict[str, Edition]:
    """The last valid content of each source that was fetched."""
    edition = table(tables.Edition)
    return {
        row.source_slug: Edition(zlib.decompress(row.content), row.fingerprint, row.etag, row.last_modified)
        for row in await connection.execute(sa.select(edition))
    }


async def keep(connection: AsyncConnection, slug: str, fresh: Edition, now: datetime) -> None:
    """Replaces the content that is kept for the source."""
    edition = table(tables.Edition)
    await connection.execute(sa.delete(edition).where(edition.c.source_slug == slug))
    columns = asdict(fresh) | {"content": zlib.compress(fresh.content, 6), "source_slug": slug, "fetched_at": now}
    await connection.execute(sa.insert(edition).values(columns))


async def forget(connection: AsyncConnection, slug: str) -> None:
    edition = table(tables.Edition)
    await connection.execute(sa.delete(edition).where(edition.c.source_slug == slug))
