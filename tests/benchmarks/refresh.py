"""How long a full refresh takes, and what it costs readers meanwhile: `python tests/benchmarks/refresh.py`.

The bundled registry, a feed that publishes a later document, one server, and readers that ask without a pause; the
refresh runs as the server's own, in its process apart. The rate before it is the floor that the rate during it is
held against, in the same run.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from seeds.feeds import models_dev
from tests.seeds.test_refresh import later
from tests.support.feeds import publishing
from tests.support.servers import modelmeta, serving

READERS = 4
QUERY = """query($ref: String!) { model(ref: $ref) { ref name contextWindow provider { name } price { input output }
  prices { meter amount serviceTier } parameters { name minimum maximum } inputModalities } }"""
REFS = ("openai/gpt-4.1-mini", "anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro", "openrouter/openai/gpt-4o")
TOKEN = "a token of this run"
SECONDS = 8.0


async def read(port: int, stop: asyncio.Event, times: list[tuple[float, float]]) -> None:
    """One connection that asks without a pause: (moment, seconds it took) of every answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = 0
    while not stop.is_set():
        body = orjson.dumps({"query": QUERY, "variables": {"ref": REFS[turn % len(REFS)]}})
        turn += 1
        head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        begun = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        times.append((begun, time.perf_counter() - begun))
    writer.close()


def figures(times: list[tuple[float, float]], begin: float, end: float) -> tuple[float, float, float]:
    """(answers per second, median, 99th percentile in ms) between two moments."""
    inside = sorted(took for moment, took in times if begin <= moment < end)
    count = len(inside)
    return count / (end - begin), inside[count // 2] * 1000, inside[int(count * 0.99)] * 1000


async def refresh(server: Any) -> tuple[float, dict[str, Any]]:
    begun = time.perf_counter()
    query = 'mutation { refreshRegistry(sources: ["models-dev"]) { changeCount revision { number } } }'
    async with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.post("/graphql", json={"query": query}, timeout=120)
    return time.perf_counter() - begun, answer.json()["data"]["refreshRegistry"]


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, publishing({"models-dev": later(models_dev.bundled())}) as feeds:
        del feeds.documents["genai-prices"]
        url = f"sqlite+aiosqlite:///{folder}/registry.sqlite"
        assert modelmeta("load", database_url=url).returncode == 0
        alone = time.perf_counter()
        modelmeta("refresh", "--json", database_url=url)
        nothing = time.perf_counter() - alone
        async with serving(url, Path(folder), operator_token=TOKEN, **feeds.variables()) as server:
            stop, times = asyncio.Event(), list[tuple[float, float]]()
            readers = [asyncio.create_task(read(server.port, stop, times)) for _ in range(READERS)]
            await asyncio.sleep(1)  # warm up
            start = time.perf_counter()
            await asyncio.sleep(SECONDS)
            begin = time.perf_counter()
            took, done = await refresh(server)
            end = time.perf_counter()
            await asyncio.sleep(SECONDS / 2)
            stop.set()
            await asyncio.gather(*readers)
            before, during = figures(times, start, begin), figures(times, begin, end)
    print(f"refresh of {done['changeCount']:,} changes, readers at full rate beside it: {took:.1f} s")
    print(f"refresh that finds nothing new, as a command of its own:            {nothing:.1f} s")
    print(f"{'readers':>10} {'answers/s':>10} {'median ms':>10} {'p99 ms':>8}")
    for name, (rate, median, p99) in (("before", before), ("during", during)):
        print(f"{name:>10} {rate:10.0f} {median:10.1f} {p99:8.1f}")
    print(f"readers keep {during[0] / before[0]:.2f} of their rate")


if __name__ == "__main__":
    asyncio.run(main())
