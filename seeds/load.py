"""Loads the registry from the sources that come with the program: no network, one transaction."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.vocabulary import SourceStatus
from seeds.catalogue import Catalogue
from seeds.claims import TRUST
from seeds.feeds import curated, genai_prices, models_dev
from seeds.feeds import overlay as overlays
from seeds.merge import Merged, merge
from seeds.store import Outcome, store, table

Progress = Callable[[str], None]
"""Told the name of each step as it begins."""


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
STEPS = ("overlay", "curated", "genai-prices", "models-dev", "merge", "store")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load read and wrote."""

    catalogues: Sequence[Catalogue]
    editions: dict[str, str]
    merged: Merged
    now: datetime


def read(progress: Progress = lambda _: None, overlay: Path | None = None) -> Loaded:
    """Reads and merges the bundled sources and the operator's file, if there is one.

    Takes seconds of computing: run it in a thread. Raises OverlayError for a mistake in the file.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    editions: dict[str, str] = {}
    given: overlays.Overlay | None = None
    if overlay is not None:
        progress("overlay")
        given = overlays.read(overlay)
        editions[overlays.SLUG] = given.edition
    progress("curated")
    catalogues = [curated.bundled()]
    editions["curated"] = hashlib.sha256("".join(text for _, text in curated.texts()).encode()).hexdigest()
    for feed in (genai_prices, models_dev):
        progress(feed.SLUG)
        content = feed.bundled()
        editions[feed.SLUG] = hashlib.sha256(content).hexdigest()
        catalogues.append(feed.parse(content))
    progress("merge")
    if given is not None:
        given.check(catalogues)
        catalogues.insert(0, given.catalogue)
    merged = merge(catalogues, now.date())
    if given is not None:
        introduce(merged, given.catalogue)
    return Loaded(catalogues, editions, merged, now)


def introduce(merged: Merged, overlay: Catalogue) -> None:
    """Lets the operator's word on providers stand over the declared table's."""
    for slug, columns in overlay.providers.items():
        merged.providers[slug] |= columns
    merged.unknown_providers = [slug for slug in merged.unknown_providers if slug not in overlay.providers]


async def write(connection: AsyncConnection, loaded: Loaded, progress: Progress = lambda _: None) -> Outcome:
    """Stores what was read. All or nothing, by the caller's transaction."""
    progress("store")
    await _store_sources(connection, loaded)
    outcome = await store(connection, loaded.merged, loaded.now)
    if outcome.wrote:
        # Fresh statistics: without them PostgreSQL plans the first queries after a load as if tables were empty.
        await connection.execute(sa.text("ANALYZE"))
    return outcome


async def _store_sources(connection: AsyncConnection, loaded: Loaded) -> None:
    source = table(tables.Source)
    held = {row.slug for row in await connection.execute(sa.select(source.c.slug))}
    by_slug = {catalogue.source: catalogue for catalogue in loaded.catalogues}
    for trust, (slug, described) in enumerate((slug, DESCRIBED[slug]) for slug in TRUST):
        columns: dict[str, Any] = {
            "name": described.name,
            "url": described.url,
            "license": described.license,
            "trust": trust,
        }
        if catalogue := by_slug.get(slug):
            columns |= {
                "status": SourceStatus.OK,
                "last_attempt_at": loaded.now,
                "last_success_at": loaded.now,
                "last_error": None,
                "model_count": loaded.merged.model_counts.get(slug, 0),
                "quarantined_count": catalogue.left_out,
                "edition": loaded.editions[slug],
            }
        elif slug == overlays.SLUG:
            # The file was taken away, and what it said with it.
            columns |= {
                "status": SourceStatus.DISABLED,
                "last_error": None,
                "model_count": 0,
                "quarantined_count": 0,
                "edition": None,
            }
        if slug in held:
            await connection.execute(sa.update(source).where(source.c.slug == slug).values(columns))
        else:
            await connection.execute(
                sa.insert(source).values(
                    {"status": SourceStatus.DISABLED, "model_count": 0, "quarantined_count": 0}
                    | columns
                    | {"slug": slug}
                )
            )
