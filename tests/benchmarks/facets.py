"""What facets cost: a page of models and its total, with and without all facets, over the bundled registry.

    python -m tests.benchmarks.facets

Times both alternately in this process, on a temporary SQLite file. Prints results and asserts nothing.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from seeds import load
from server import database
from server.graphql.execution import Runner
from server.graphql.operations import Request
from server.settings import Settings

ROUNDS = 15
FACET_LISTS = ("providers", "families", "capabilities", "inputModalities", "statuses", "accessTypes")
FACETS = f"""facets {{ {" ".join(f"{name} {{ value label count }}" for name in FACET_LISTS)}
  inputPrice {{ min max }} contextWindow {{ min max }} }}"""
QUERY = """query($filter: ModelFilter, $search: String, $order: ModelOrder) {
  models(filter: $filter, search: $search, orderBy: $order) { totalCount nodes { ref name } %s } }"""
FACET_FILTERS: dict[str, Any] = {
    "providers": ["openai", "anthropic"],
    "families": ["gpt-4.1", "claude-sonnet"],
    "capabilities": ["VISION", "FUNCTION_CALLING"],
    "inputModalities": ["TEXT", "IMAGE"],
    "statuses": ["ACTIVE", "PREVIEW"],
    "accessTypes": ["CLOSED"],
    "maxInputPrice": "2.5",
    "minContextWindow": 128_000,
}
LISTS_TO_TIME: dict[str, dict[str, Any]] = {
    "everything": {},
    **{name: {"filter": {name: value}} for name, value in FACET_FILTERS.items()},
    "all of these": {"filter": FACET_FILTERS},
    "a large gateway": {"filter": {"providers": ["openrouter"]}},
    "labs": {"filter": {"providerKinds": ["LAB"]}},
    "current gateways": {"filter": {"providerKinds": ["GATEWAY"], "statuses": ["ACTIVE"]}},
    "retired": {"filter": {"statuses": ["RETIRED"]}},
    "open weights": {"filter": {"accessTypes": ["OPEN_WEIGHTS", "OPEN_SOURCE"]}},
    "three capabilities": {"filter": {"capabilities": ["VISION", "REASONING", "STRUCTURED_OUTPUT"]}},
    "image output": {"filter": {"outputModalities": ["IMAGE"]}},
    "endpoints": {"filter": {"endpoints": ["RESPONSES", "BATCH"]}},
    "use cases": {"filter": {"useCases": ["CODING"]}},
    "parameters": {"filter": {"parameters": ["temperature", "top_p"]}},
    "free": {"filter": {"pricePublication": ["FREE"]}},
    "cheap and large": {"filter": {"maxInputPrice": "0.5", "maxOutputPrice": "2", "minContextWindow": 200_000}},
    "released this year": {"filter": {"releasedAfter": "2026-01-01"}},
    "knowledge": {"filter": {"knowledgeAfter": "2025-06-01"}},
    "not vision": {"filter": {"not": {"capabilities": ["VISION"]}}},
    "either": {"filter": {"or": [{"families": ["o"]}, {"inputModalities": ["AUDIO"]}, {"maxInputPrice": "0.1"}]}},
    "no matches": {"filter": {"providers": ["nobody"], "statuses": ["ACTIVE"]}},
    "search": {"search": "claude sonnet"},
    "broad search": {"search": "gpt"},
    "filtered search": {"search": "llama", "filter": {"maxInputPrice": "0.5", "capabilities": ["FUNCTION_CALLING"]}},
    "search by price": {"search": "gemini", "order": {"field": "INPUT_PRICE"}},
}


async def milliseconds(runner: Runner, query: str, variables: dict[str, Any]) -> float:
    started = time.perf_counter()
    response = await runner.run(runner.prepare(Request(query, variables, None, {})))
    elapsed = (time.perf_counter() - started) * 1_000
    if "errors" in response:
        raise SystemExit(str(response["errors"]))
    return elapsed


def result_line(name: str, plain: Sequence[float], faceted: Sequence[float]) -> str:
    def median_and_p95(times: Sequence[float]) -> tuple[float, float]:
        return statistics.median(times), statistics.quantiles(times, n=20)[-1]

    (median, p95), (with_median, with_p95) = median_and_p95(plain), median_and_p95(faceted)
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
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in LISTS_TO_TIME}
        for round_number in range(-1, ROUNDS):
            for name, variables in LISTS_TO_TIME.items():
                for which in (0, 1) if round_number % 2 else (1, 0):
                    elapsed = await milliseconds(runner, queries[which], variables)
                    if round_number >= 0:  # the first round warms up
                        times[name][which].append(elapsed)
        await engine.dispose()
    print(f"{len(LISTS_TO_TIME)} lists over {len(loaded.merged.models):,} models, {ROUNDS} rounds, milliseconds\n")
    print(f"{'':28}{'plain':>9}{'p95':>8}{'facets':>12}{'p95':>8}{'extra':>9}{'ratio':>8}")
    for name, (plain, faceted) in times.items():
        print(result_line(name, plain, faceted))
    print()
    print(
        result_line("all", [t for plain, _ in times.values() for t in plain], [t for _, f in times.values() for t in f])
    )


if __name__ == "__main__":
    asyncio.run(main())
