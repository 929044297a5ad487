"""How the time of a query grows with its answer and with the registry, in this process."""

import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server import database
from server.database.revisions import Watch
from server.graphql.execution import Runner, encode
from server.graphql.operations import Request
from server.settings import Settings
from tests.benchmarks.queries import QUERIES

NODES = """query($providers: Int!, $models: Int!) { providers(first: $providers, orderBy: {field: MODEL_COUNT,
  direction: DESC}) { nodes { models(first: $models) { nodes { ref name contextWindow releaseDate } } } } }"""
SHAPES = [(1, 10), (2, 50), (10, 100), (50, 100)]
"""Providers and models of each."""
COPIES = 9
Add = Callable[..., None]


async def growth(add: Add, url: str, folder: Path) -> None:
    times = await measured(url, [(NODES, {"providers": providers, "models": models}) for providers, models in SHAPES])
    for (milliseconds, nodes), first in zip(times, [times[0]] * len(times), strict=True):
        per_node, least = milliseconds / nodes * 1_000, first[0] / first[1] * 1_000
        add(
            f"one node of {nodes:,}",
            f"{per_node:.1f} µs",
            f"one of {first[1]}: {least:.1f} µs",
            f"{per_node / least:.2f}",
        )
    documents = [
        (QUERIES[name], {"ref": "openai/gpt-4.1-mini"} if "$ref" in QUERIES[name] else {})
        for name in ("fields", "model", "list")
    ]
    before = await measured(url, documents)
    multiply(Path(url.partition(":///")[2]), COPIES)
    after = await measured(url, documents)
    for name, (now, _), (then, _) in zip(("fields", "model", "list"), after, before, strict=True):
        add(f"{name} with ten times the models", f"{now:.2f} ms", f"before: {then:.2f} ms", f"{now / then:.2f}")


async def measured(url: str, documents: list[tuple[str, dict[str, Any]]]) -> list[tuple[float, int]]:
    """For each document the median milliseconds of an execution, and the models in its answer."""
    engine = database.create_engine(url)
    watch = Watch(engine)
    runner = Runner(engine, Settings(database_url=url, max_cost=10**9), watch)
    found: list[tuple[float, int]] = []
    for text, variables in documents:
        operation = runner.prepare(Request(text, variables, None, {}))
        times: list[float] = []
        content = b""
        for _ in range(12):
            began = time.process_time()
            content = encode(await runner.run(operation))
            times.append((time.process_time() - began) * 1_000)
        found.append((statistics.median(times[2:]), content.count(b'"ref"')))
    await engine.dispose()
    return found


def multiply(file: Path, copies: int) -> None:
    """Adds copies of every model under other names, with all that belongs to them."""
    with sqlite3.connect(file) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: [f'"{row[1]}"' for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}
        (most,) = connection.execute("SELECT max(id) FROM model").fetchone()
        for table in ("model", *(name for name in names if '"model_id"' in columns[name])):
            key = "id" if table == "model" else "model_id"
            for copy in range(1, copies + 1):
                values = ", ".join(value(table, column, copy, copy * most) for column in columns[table])
                # Names of tables and columns are this program's own.
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(columns[table])}) SELECT {values} FROM {table} WHERE {key} <= {most}"  # noqa: S608 - see above
                )


def value(table: str, column: str, copy: int, offset: int) -> str:
    """The SQL of a column's value in a copy."""
    name = column.strip('"')
    if name == "model_id" or (table == "model" and name == "id"):
        return f"{column} + {offset}"
    if name == "id":
        return "NULL"
    is_name = table == "model" and name in ("ref", "slug", "canonical")
    return f"{column} || '-copy-{copy}'" if is_name else column
