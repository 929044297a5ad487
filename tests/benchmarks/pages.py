"""How soon the first byte of a page arrives and how large the page is, compared with a static file.

    python -m tests.benchmarks.pages

One server with the bundled registry, one connection; times are milliseconds from the request to the first byte. Cold
pages have URLs that were not requested before, warm ones come from the server's cache, and 304 are pages the client has
cached. Prints results and asserts nothing.
"""

import asyncio
import http.client
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.content import compress
from tests.support.servers import Server, modelmeta, serving

ROUNDS = 40
MODELS = """query($after: String) { models(filter: {providerKinds: [LAB]}, first: 100, after: $after) {
  nodes { ref } pageInfo { endCursor } } }"""
PAIR = "/compare?models=openai/gpt-4.1-mini&models=anthropic/claude-haiku-4-5"
PAGES: dict[str, tuple[str, list[str]]] = {
    "home": ("/", [f"/?context={size}" for size in range(1_000, 1_000 + ROUNDS)]),
    "search": ("/?q=claude", [f"/?q=gpt+{number}" for number in range(ROUNDS)]),
    "model": ("/models/openai/gpt-4.1-mini", []),
    "provider": ("/providers/openai", [f"/providers/openai?q=gpt+{number}" for number in range(ROUNDS)]),
    "providers": ("/providers", [f"/providers?q=a{number}" for number in range(ROUNDS)]),
    "compare": (PAIR, [f"{PAIR}&only=differences&_={number}" for number in range(ROUNDS)]),
    "changes": ("/changes", [f"/changes?since=2026-01-{day:02}" for day in range(1, 29)]),
}


def first_byte(connection: http.client.HTTPConnection, path: str, **headers: str) -> float:
    started = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "br", **headers})
    response = connection.getresponse()
    elapsed = (time.perf_counter() - started) * 1_000
    response.read()
    if response.status not in (200, 304):
        raise SystemExit(f"{path}: {response.status}")
    return elapsed


def summary(times: Sequence[float]) -> str:
    return f"{statistics.median(times):7.2f} {statistics.quantiles(times, n=20)[-1]:7.2f}"


def sizes(connection: http.client.HTTPConnection, path: str) -> Iterator[int]:
    """Sizes of a page in bytes: with brotli, with gzip, and with brotli including its style sheet, scripts and icon."""
    plain = body(connection, path)
    files = re.findall(rb'(?:href|src)="(?:\.\./|\./)*(static/[^"]+)"', plain)
    parts = [body(connection, f"/{file.decode()}") for file in set(files)]
    yield len(compress(plain, "br"))
    yield len(compress(plain, "gzip"))
    yield len(compress(plain, "br")) + sum(len(compress(part, "br", smallest=True)) for part in parts)


def body(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path, headers={"Accept-Encoding": "identity"})
    return connection.getresponse().read()


async def find_model_paths(server: Server) -> list[str]:
    async with server.client() as client:
        response = (await client.post("/graphql", json={"query": MODELS})).json()
    return [f"/models/{node['ref']}" for node in response["data"]["models"]["nodes"]]


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite+aiosqlite:///{name}/registry.sqlite"
        loaded = modelmeta("load", database_url=url)
        if loaded.returncode:
            raise SystemExit(loaded.stderr)
        async with serving(url, Path(name)) as server:
            model_paths = (await find_model_paths(server))[:ROUNDS]
            await asyncio.to_thread(measure, server, model_paths)


def measure(server: Server, model_paths: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    style = re.search(rb'"\./(static/site-\w+\.css)"', body(connection, "/"))
    if style is None:
        raise SystemExit("The first page links no style sheet.")
    file = f"/{style[1].decode()}"
    for _ in range(20):
        first_byte(connection, file)
    baseline = [first_byte(connection, file) for _ in range(ROUNDS)]
    print(
        f"{'':10} {'cold':>7} {'p95':>7}   {'warm':>7} {'p95':>7}   {'304':>7} {'p95':>7}   {'br':>7} {'gzip':>7} {'total':>7}"
    )
    print(f"{'file':10} {'':15}   {summary(baseline)}")
    for page, (path, cold_paths) in PAGES.items():
        first_byte(connection, path)
        cold = [first_byte(connection, cold_path) for cold_path in cold_paths or model_paths]
        warm = [first_byte(connection, path) for _ in range(ROUNDS)]
        connection.request("HEAD", path, headers={"Accept-Encoding": "br"})
        response = connection.getresponse()
        response.read()
        unchanged = [first_byte(connection, path, **{"If-None-Match": response.headers["etag"]}) for _ in range(ROUNDS)]
        kilobytes = " ".join(f"{size / 1_000:6.1f}k" for size in sizes(connection, path))
        print(f"{page:10} {summary(cold)}   {summary(warm)}   {summary(unchanged)}   {kilobytes}")


if __name__ == "__main__":
    asyncio.run(main())
