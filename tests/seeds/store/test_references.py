"""The promise: after every refresh the reference index matches the stored models."""

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables
from schema.enums import ProviderKind
from schema.tables import ReferenceKind
from schema.tables import table as stored
from seeds.catalogue import Catalogue, ModelClaims, ProviderClaims
from seeds.store.references import write_references
from server import database
from tests.support.registry import NOW, put, tiny


async def keys(engine: AsyncEngine, ref: str) -> set[tuple[str, str, str]]:
    """Kind, key and region of every row of a model."""
    model, reference = tables.Model, tables.Reference
    columns = (col(reference.kind), col(reference.key), col(reference.region))
    statement = sa.select(*columns).join(model, col(model.id) == col(reference.model_id)).where(col(model.ref) == ref)
    async with database.reading(engine) as reader:
        return {(row.kind.name, row.key, row.region) for row in await reader.execute(statement)}


async def words(engine: AsyncEngine) -> set[tuple[str, str, str]]:
    async with database.reading(engine) as reader:
        return {(row.text, row.kind.name, row.maker) for row in await reader.execute(sa.select(stored(tables.Prefix)))}


def with_bedrock(*slugs: str) -> list[Catalogue]:
    catalogues = tiny()
    catalogues[0].providers["amazon-bedrock"] = ProviderClaims("Bedrock", ProviderKind.CLOUD)
    catalogues[2].models += [ModelClaims("amazon-bedrock", slug, facts={"name": "Tiny"}) for slug in slugs]
    return catalogues


async def test_a_model_is_found_under_its_id_and_its_title(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    assert await keys(engine, "openai/tiny-small") == {
        ("FULL", "small-tiny//", ""),
        ("PLAIN", "small-tiny//", ""),
        ("TEXT", "tiny-small", ""),
        ("TITLE", "small-tiny//", ""),
    }


async def test_words_in_front_of_ids_lead_to_makers(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    assert {("openai", "MAKER", "openai"), ("openai", "SERVES", "openai"), ("openai", "OWN", "openai")} <= await words(
        engine
    )


async def test_a_renamed_model_has_new_keys_only(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    renamed = tiny()
    renamed[2].models[0].facts["name"] = "Tiny Enormous"
    await put(engine, renamed, NOW.replace(hour=13))
    titles = {key for kind, key, _ in await keys(engine, "openai/tiny-large") if kind == ReferenceKind.TITLE.name}
    assert titles == {"enormous-tiny//"}


async def test_a_new_maker_is_a_vendor_in_the_ids_of_others(engine: AsyncEngine) -> None:
    slug = "us.wanderers.tiny-9-v1:0"
    await put(engine, with_bedrock(slug))
    assert ("FULL", "tiny-us-wanderers/9/", "") in await keys(engine, f"amazon-bedrock/{slug}")
    # The model does not change, but another provider now lists a model of that maker.
    await put(engine, with_bedrock(slug, "wanderers/tiny-8"), NOW.replace(hour=13))
    assert ("FULL", "tiny/9/", "us") in await keys(engine, f"amazon-bedrock/{slug}")


async def test_a_correct_index_is_not_rewritten(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    writes: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("INSERT", "DELETE", "UPDATE")):
            writes.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    async with database.writing(engine) as writer:
        await write_references(writer)
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    assert writes == []


@pytest.mark.parametrize("table", [tables.Reference, tables.Prefix])
async def test_missing_rows_are_written_again(engine: AsyncEngine, table: type[tables.Table]) -> None:
    await put(engine, tiny())
    before = await keys(engine, "openai/tiny-large"), await words(engine)
    async with database.writing(engine) as writer:
        await writer.execute(sa.delete(stored(table)))
        await write_references(writer)
    assert (await keys(engine, "openai/tiny-large"), await words(engine)) == before
