"""What facets cost: a page of models and its total, with every facet and without, over the bundled registry.

    python tests/benchmarks/facets.py

Both are timed in turns in one run, in this process, on a SQLite file of its own. Prints; asserts nothing.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from seeds import load
from server import database
from server.graphql.execution import Request, Runner
from server.settings import Settings

ROUNDS = 15
LISTS = ("providers", "families", "capabilities", "inputModalities", "statuses", "accessTypes")
FACETS = f"""facets {{ {" ".join(f"{name} {{ value label count }}" for name in LISTS)}
  inputPrice {{ min max }} contextWindow {{ min max }} }}"""
QUERY = """query($filter: ModelFilter, $search: String, $order: ModelOrder) {
  models(filter: $filter, search: $search, orderBy: $order) { totalCount nodes { ref name } %s } }"""
OWN: dict[str, Any] = {
    "providers": ["openai", "anthropic"],
    "families": ["gpt-4.1", "claude-sonnet"],
    "capabilities": ["VISION", "FUNCTION_CALLING"],
    "inputModalities": ["TEXT", "IMAGE"],
    "statuses": ["ACTIVE", "PREVIEW"],
    "accessTypes": ["CLOSED"],
    "maxInputPrice": "2.5",
    "minContextWindow": 128_000,
}
ASKED: dict[str, dict[str, Any]] = {
    "everything": {},
    **{name: {"filter": {name: value}} for name, value in OWN.items()},
    "all of these": {"filter": OWN},
    "a provider of 600": {"filter": {"providers": ["openrouter"]}},
    "labs": {"filter": {"providerKinds": ["LAB"]}},
    "gateways that are current": {"filter": {"providerKinds": ["GATEWAY"], "statuses": ["ACTIVE"]}},
    "retired": {"filter": {"statuses": ["RETIRED"]}},
    "open weights": {"filter": {"accessTypes": ["OPEN_WEIGHTS", "OPEN_SOURCE"]}},
    "three capabilities": {"filter": {"capabilities": ["VISION", "REASONING", "STRUCTURED_OUTPUT"]}},
    "writes pictures": {"filter": {"outputModalities": ["IMAGE"]}},
    "endpoints": {"filter": {"endpoints": ["RESPONSES", "BATCH"]}},
    "use cases": {"filter": {"useCases": ["CODING"]}},
    "parameters": {"filter": {"parameters": ["temperature", "top_p"]}},
    "free": {"filter": {"pricePublication": ["FREE"]}},
    "cheap and large": {"filter": {"maxInputPrice": "0.5", "maxOutputPrice": "2", "minContextWindow": 200_000}},
    "released this year": {"filter": {"releasedAfter": "2026-01-01"}},
    "knowledge": {"filter": {"knowledgeAfter": "2025-06-01"}},
    "not vision": {"filter": {"not": {"capabilities": ["VISION"]}}},
    "either": {"filter": {"or": [{"families": ["o"]}, {"inputModalities": ["AUDIO"]}, {"maxInputPrice": "0.1"}]}},
    "nothing": {"filter": {"providers": ["nobody"], "statuses": ["ACTIVE"]}},
    "search": {"search": "claude sonnet"},
    "broad search": {"search": "gpt"},
    "filtered search": {"search": "llama", "filter": {"maxInputPrice": "0.5", "capabilities": ["FUNCTION_CALLING"]}},
    "search by price": {"search": "gemini", "order": {"field": "INPUT_PRICE"}},
}


async def milliseconds(runner: Runner, query: str, variables: dict[str, Any]) -> float:
    started = time.perf_counter()
    answer = await runner.run(runner.prepare(Request(query, variables, None, {})))
    taken = (time.perf_counter() - started) * 1_000
    if "errors" in answer:
        raise SystemExit(str(answer["errors"]))
    return taken


def shown(name: str, plain: Sequence[float], faceted: Sequence[float]) -> str:
    def both(times: Sequence[float]) -> tuple[float, float]:
        return statistics.median(times), statistics.quantiles(times, n=20)[-1]

    (median, p95), (with_median, with_p95) = both(plain), both(faceted)
    return (
        f"{name:28}{median:9.1f}{p95:8.1f}{with_median:12.1f}{with_p95:8.1f}"
        f"{with_median - median:+9.1f}{with_median / median:8.1f}"
    )


async def main() -> None:
    loaded = load.read()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/registry.sqlite"
        engine = database.create_engine(url)
        await database.prepare(engine)
        async with database.writing(engine) as connection:
            await load.write(connection, loaded)
        runner = Runner(engine, Settings(database_url=url))
        queries = (QUERY % "", QUERY % FACETS)
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ASKED}
        for turn in range(-1, ROUNDS):
            for name, variables in ASKED.items():
                for which in (0, 1) if turn % 2 else (1, 0):
                    taken = await milliseconds(runner, queries[which], variables)
                    if turn >= 0:  # the first round warms up
                        times[name][which].append(taken)
        await engine.dispose()
    print(f"{len(ASKED)} lists over {len(loaded.merged.models):,} models, {ROUNDS} rounds, milliseconds\n")
    print(f"{'':28}{'plain':>9}{'p95':>8}{'facets':>12}{'p95':>8}{'more':>9}{'ratio':>8}")
    for name, (plain, faceted) in times.items():
        print(shown(name, plain, faceted))
    print()
    print(shown("all", [t for plain, _ in times.values() for t in plain], [t for _, f in times.values() for t in f]))


if __name__ == "__main__":
    asyncio.run(main())
