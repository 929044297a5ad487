"""A plan and graphql-core give the same bytes for random documents, errors included.

The seed is printed. DOCUMENTS=20000 runs as many, DOCUMENTS_SEED another sequence.
"""

import os
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from graphql import get_operation_ast, parse, validate
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables
from schema.cache import Cache
from schema.context import Context, State
from schema.graph import graph
from schema.types.node import encode_id
from server import database
from server.graphql.execution import response_map
from server.graphql.executor import execute
from server.graphql.plan.arguments import Variables
from server.graphql.plan.compile import compile_operation
from server.graphql.plan.plan import NotCoveredError, Selection
from server.graphql.plan.run import run
from tests.support.documents import Known, Writer

DOCUMENTS = int(os.environ.get("DOCUMENTS", "600"))
SEED = int(os.environ.get("DOCUMENTS_SEED") or random.SystemRandom().randrange(10**9))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def known(engine: AsyncEngine) -> Known:
    async with database.reading(engine) as connection:
        models = (await connection.execute(sa.select(tables.Model).order_by(col(tables.Model.ref)))).all()
        providers = (await connection.execute(sa.select(tables.Provider))).all()
        families = (await connection.execute(sa.select(tables.Family))).all()
    chosen = random.Random(1).sample(models, min(60, len(models)))
    slugs = [row.slug for row in (*providers[:20], *families[:20])]
    ids = [encode_id(row) for row in (*chosen[:5], *providers[:2], *families[:2])]
    refs = [row.ref for row in chosen] + [row.slug for row in chosen[:20]]
    return Known(refs, slugs, ids)


def context_of(engine: AsyncEngine, state: State, revision: int | None = None) -> Context:
    made = Context(engine, state=state, revision=revision)
    made.now = NOW
    return made


async def by_core(engine: AsyncEngine, text: str, variables: dict[str, Any]) -> bytes:
    context = context_of(engine, State())
    try:
        result: Any = execute(graph, parse(text), None, variables, context)
        return orjson.dumps(response_map(await result if hasattr(result, "__await__") else result))
    finally:
        await context.close()


async def by_plan(
    engine: AsyncEngine, state: State, selections: Cache[Selection], text: str, variables: dict[str, Any]
) -> bytes | Exception:
    document = parse(text)
    definition = get_operation_ast(document, None)
    assert definition
    coerced = Variables(graph, definition.variable_definitions or ()).read(variables)
    if coerced is None:
        return NotCoveredError("the variables are invalid")
    context = context_of(engine, state, revision=1)
    try:
        plan = compile_operation(graph, document, definition, coerced, selections)
        return orjson.dumps({"data": await run(plan, context, coerced)})
    except Exception as error:
        return error
    finally:
        await context.close()


# graphql-core does not await the fields beside one that failed.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.asyncio(loop_scope="session")
async def test_a_plan_answers_like_graphql_core(full_engine: AsyncEngine) -> None:
    print(f"DOCUMENTS_SEED={SEED}")
    values, state, counts = await known(full_engine), State(), Counter[str]()
    selections: Cache[Selection] = Cache(8_000_000)
    for number in range(DOCUMENTS):
        writer = Writer(graph, values, random.Random(f"{SEED} {number}"))
        text = writer.document()
        if validate(graph, parse(text)):
            counts["invalid"] += 1
            continue
        expected = await by_core(full_engine, text, writer.variables)
        # The second run finds everything kept, and makes its objects from encoded parts.
        for turn in range(2):
            found = await by_plan(full_engine, state, selections, text, writer.variables)
            if isinstance(found, Exception):
                # Only operations with an error are left to graphql-core.
                assert b'"errors"' in expected, (number, text, writer.variables, found)
                counts["refused"] += 1
            else:
                assert found == expected, (number, turn, text, writer.variables)
                counts["answered"] += 1
    print(dict(counts))
    assert counts["answered"] > DOCUMENTS / 2
    assert counts["refused"] > DOCUMENTS / 100
    assert counts["invalid"] < DOCUMENTS / 4
