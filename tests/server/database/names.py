"""The names of the tiny registry's models before and after a change, and how to read them."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from schema import tables
from schema.context import Context
from seeds.catalogue import Catalogue
from tests.support.registry import tiny

NAMES = sa.select(col(tables.Model.ref), col(tables.Model.name)).order_by(col(tables.Model.ref))
ORIGINAL_NAMES = {
    "azure/tiny-small": "Tiny Small (Azure)",
    "openai/tiny-large": "Tiny Large",
    "openai/tiny-small": "Tiny Small",
}
CHANGED_NAMES = {**ORIGINAL_NAMES, "openai/tiny-large": "Larger"}


def renamed() -> list[Catalogue]:
    """The tiny registry with one model renamed."""
    catalogues = tiny()
    for model in catalogues[2].models:
        if model.slug == "tiny-large":
            model.facts["name"] = "Larger"
    return catalogues


async def model_names(reader: AsyncConnection | Context) -> dict[str, str]:
    rows = await (reader.tuples(NAMES) if isinstance(reader, Context) else reader.execute(NAMES))
    return {row.ref: row.name for row in rows}


async def newest_revision(reader: AsyncConnection) -> int | None:
    return await reader.scalar(sa.select(sa.func.max(col(tables.Revision.number))))
