"""How long a full refresh takes and how much it slows down readers.

    python -m tests.benchmarks.refresh

One server with the bundled registry, a feed with a newer document, and readers that query without a pause. The server
runs the refresh in a process of its own. The rate of responses before the refresh is the baseline of the same run.
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
TOKEN = "a token for this run"
SECONDS = 8.0


async def read(port: int, stop: asyncio.Event, times: list[tuple[float, float]]) -> None:
    """Queries over one connection without a pause; records (start, duration) of every response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    index = 0
    while not stop.is_set():
        body = orjson.dumps({"query": QUERY, "variables": {"ref": REFS[index % len(REFS)]}})
        index += 1
        head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        started = time.perf_counter()
        writer.write(head.encode() + body)
        response = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in response.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        assert response.startswith(b"HTTP/1.1 200"), response
        times.append((started, time.perf_counter() - started))
    writer.close()


def figures(times: list[tuple[float, float]], begin: float, end: float) -> tuple[float, float, float]:
    """(responses per second, median, 99th percentile in ms) between two moments."""
    durations = sorted(duration for started, duration in times if begin <= started < end)
    count = len(durations)
    return count / (end - begin), durations[count // 2] * 1000, durations[int(count * 0.99)] * 1000


async def refresh(server: Any) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    query = 'mutation { refreshRegistry(sources: ["models-dev"]) { changeCount revision { number } } }'
    async with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        response = await client.post("/graphql", json={"query": query}, timeout=120)
    return time.perf_counter() - started, response.json()["data"]["refreshRegistry"]


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, publishing({"models-dev": later(models_dev.bundled())}) as feeds:
        del feeds.documents["genai-prices"]
        url = f"sqlite+aiosqlite:///{folder}/registry.sqlite"
        assert modelmeta("load", database_url=url).returncode == 0
        started = time.perf_counter()
        modelmeta("refresh", "--json", database_url=url)
        unchanged_seconds = time.perf_counter() - started
        async with serving(url, Path(folder), operator_token=TOKEN, **feeds.variables()) as server:
            stop, times = asyncio.Event(), list[tuple[float, float]]()
            readers = [asyncio.create_task(read(server.port, stop, times)) for _ in range(READERS)]
            await asyncio.sleep(1)  # warm up
            start = time.perf_counter()
            await asyncio.sleep(SECONDS)
            begin = time.perf_counter()
            seconds, payload = await refresh(server)
            end = time.perf_counter()
            await asyncio.sleep(SECONDS / 2)
            stop.set()
            await asyncio.gather(*readers)
            before, during = figures(times, start, begin), figures(times, begin, end)
    print(f"refresh of {payload['changeCount']:,} changes while readers query at full rate: {seconds:.1f} s")
    print(f"refresh without changes, as a separate command: {unchanged_seconds:.1f} s")
    print(f"{'readers':>10} {'responses/s':>11} {'median ms':>10} {'p99 ms':>8}")
    for name, (rate, median, p99) in (("before", before), ("during", during)):
        print(f"{name:>10} {rate:11.0f} {median:10.1f} {p99:8.1f}")
    print(f"rate during the refresh: {during[0] / before[0]:.2f} of the rate before")


if __name__ == "__main__":
    asyncio.run(main())
