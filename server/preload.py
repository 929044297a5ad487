"""Reads what most queries need of a revision before anybody asks: the first queries are as fast as later ones."""

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence

import sqlalchemy as sa
from sqlmodel import col

from schema import dataloaders, tables
from schema.cache import RevisionChangedError
from schema.context import AnyBatch, Context, Revisions
from schema.references.resolve import models_by_reference

log = logging.getLogger("modelmeta")
CHUNK = 50
"""Keys of one call: other requests wait for no more than that."""
BY_MODEL: Sequence[AnyBatch] = (
    dataloaders.rates_by_model,
    dataloaders.traits_by_model,
    dataloaders.parameters_by_model,
)
"""What is read for each model, by its id."""


async def preload_each_revision(create_context: Callable[..., Context], watch: Revisions) -> None:
    """Preloads the latest revision, and each one that follows, until it is canceled."""
    number = 0
    while True:
        number = await watch.after(number)
        reading = create_context(revision=number)
        try:
            await preload(reading)
        except RevisionChangedError:
            pass  # the next one is there already
        except Exception as error:
            # Queries read what they need by themselves.
            log.warning("the revision %d can't be preloaded: %s", number, error)
        finally:
            await reading.close()


async def preload(context: Context) -> None:
    """Reads providers, families and models, the likeliest first, for as long as there is room for them."""
    slugs = await context.tuples(sa.select(col(tables.Provider.slug)))
    await read(context, dataloaders.providers, [row.slug for row in slugs])
    slugs = await context.tuples(sa.select(col(tables.Family.slug)))
    await read(context, dataloaders.families, [row.slug for row in slugs])
    model = tables.Model
    statement = sa.select(col(model.id), col(model.ref)).order_by(col(model.search_prior).desc(), col(model.ref))
    models = await context.tuples(statement)
    for start in range(0, len(models), CHUNK):
        chunk = models[start : start + CHUNK]
        if not context.has_room:
            return
        await read(context, models_by_reference, [row.ref for row in chunk])
        for batch in BY_MODEL:
            await read(context, batch, [row.id for row in chunk])


async def read(context: Context, batch: AnyBatch, keys: Sequence[Hashable]) -> None:
    await context.read(batch, keys)
    await asyncio.sleep(0)
