"""The promise: storing writes exactly the differences, all or nothing, and loses nothing."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.enums import Meter, ServiceTier
from schema.tables import table
from seeds.catalogue import Catalogue, RateClaim
from seeds.merge.merge import merge
from seeds.store import store as storing
from server import database
from tests.support.registry import NOW, Ask, asker, put, tiny

LATER = NOW + timedelta(days=1)


async def changes(engine: AsyncEngine, revision: int) -> list[dict[str, Any]]:
    async with database.reading(engine) as connection:
        statement = sa.select(tables.Change).where(table(tables.Change).c.revision_number == revision)
        rows = (await connection.execute(statement.order_by(table(tables.Change).c.id))).all()
    return [
        {"kind": row.kind.name, "model": row.model_ref, "field": row.field, "before": row.before, "after": row.after}
        for row in rows
    ]


def without(slug: str) -> list[Catalogue]:
    catalogues = tiny()
    for catalogue in catalogues:
        catalogue.models = [model for model in catalogue.models if model.slug != slug]
    return catalogues


async def test_the_first_load_lists_no_changes(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    query = "{ registry { modelCount providerCount revision { number changeCount } } }"
    assert await asker(engine)(query) == {
        "registry": {"modelCount": 3, "providerCount": 2, "revision": {"number": 1, "changeCount": 0}}
    }


async def test_storing_the_same_again_makes_no_revision_and_changes_no_row(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    ask = asker(engine)
    query = "{ registry { revision { number } } models { nodes { ref updatedAt facts { field observedAt } } } }"
    before = await ask(query)
    outcome = await put(engine, tiny(), LATER)
    assert not outcome.wrote
    assert await ask(query) == before


async def test_changes_are_listed_with_before_and_after(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    moved = tiny()
    large = moved[2].models[0]
    large.facts |= {"context_window": 400_000, "max_output_tokens": 65_536}
    large.capabilities["FINE_TUNING"] = True
    moved[1].models[0].rates[0] = RateClaim(Meter.INPUT, Decimal("2.75"))
    await put(engine, moved, LATER)
    model = "openai/tiny-large"
    assert await changes(engine, 2) == [
        {"kind": kind, "model": model, "field": field, "before": before, "after": after}
        for kind, field, before, after in (
            ("FACT_CHANGED", "capabilities.FINE_TUNING", False, True),
            ("LIMIT_CHANGED", "contextWindow", 200_000, 400_000),
            ("LIMIT_CHANGED", "maxOutputTokens", 32_768, 65_536),
            ("PRICE_CHANGED", "prices.STANDARD.INPUT", "2.5", "2.75"),
        )
    ]


async def test_a_dated_rate_of_another_tier_that_comes_into_force_is_a_change(engine: AsyncEngine) -> None:
    dated = tiny()
    today, tomorrow = NOW.date(), LATER.date()
    dated[1].models[0].rates += [
        RateClaim(Meter.INPUT, Decimal("4"), service_tier=ServiceTier.PRIORITY, effective_to=tomorrow),
        RateClaim(Meter.INPUT, Decimal("5"), service_tier=ServiceTier.PRIORITY, effective_from=tomorrow),
    ]
    assert today < tomorrow
    await put(engine, dated)
    outcome = await put(engine, dated, LATER)
    assert (outcome.wrote, outcome.changed) == (True, 1)
    assert await changes(engine, 2) == [
        {
            "kind": "PRICE_CHANGED",
            "model": "openai/tiny-large",
            "field": "prices.PRIORITY.INPUT",
            "before": "4",
            "after": "5",
        }
    ]


async def test_a_model_that_leaves_every_source_is_retired_with_a_date_and_can_return(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    ask = asker(engine)
    query = '{ model(ref: "openai/tiny-small") { status retirementDate price { input } } registry { modelCount } }'

    await put(engine, without("tiny-small"), LATER)
    assert await ask(query) == {
        "model": {"status": "RETIRED", "retirementDate": "2026-11-24", "price": {"input": "0.1"}},
        "registry": {"modelCount": 3},
    }
    assert [(each["kind"], each["model"]) for each in await changes(engine, 2)] == [
        ("MODEL_RETIRED", "azure/tiny-small"),
        ("MODEL_RETIRED", "openai/tiny-small"),
    ]
    # A retired model is not changed again.
    assert not (await put(engine, without("tiny-small"), LATER)).wrote

    await put(engine, tiny(), LATER + timedelta(days=1))
    assert (await ask(query))["model"] == {"status": "ACTIVE", "retirementDate": None, "price": {"input": "0.1"}}
    assert ("MODEL_RETURNED", "openai/tiny-small") in [
        (each["kind"], each["model"]) for each in await changes(engine, 3)
    ]


async def test_a_claim_is_as_old_as_the_value_it_states(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    moved = tiny()
    moved[2].models[0].facts["context_window"] = 400_000
    await put(engine, moved, LATER)
    query = (
        '{ model(ref: "openai/tiny-large") { facts(fields: ["contextWindow", "releaseDate"]) { field observedAt } } }'
    )
    facts = (await asker(engine)(query))["model"]["facts"]
    assert facts == [
        {"field": "contextWindow", "observedAt": "2026-11-24T12:00:00Z"},
        {"field": "releaseDate", "observedAt": "2026-11-23T12:00:00Z"},
    ]


async def test_a_store_that_fails_halfway_leaves_the_registry_unchanged(
    engine: AsyncEngine, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "{ registry { revision { number } } models { nodes { ref name price { input } prices { amount } } } }"
    before = await ask(query)

    async def fail(*_: Any) -> None:
        raise ConnectionError("the plug was pulled")

    monkeypatch.setattr(storing, "_write_models", fail)
    with pytest.raises(ConnectionError):
        await put(engine, without("tiny-small"), LATER)
    assert await ask(query) == before


async def test_a_reader_sees_its_revision_while_another_is_written(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    names = sa.select(table(tables.Model).c.ref, table(tables.Model).c.status)
    async with database.reading(engine) as reader:
        before = (await reader.execute(names)).all()
        async with database.writing(engine) as writer:
            await storing.store(writer, merge(without("tiny-small"), LATER.date()), LATER)
        assert (await reader.execute(names)).all() == before
    async with database.reading(engine) as reader:
        assert (await reader.execute(names)).all() != before
