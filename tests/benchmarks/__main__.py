"""How fast the server is, as one table; each figure beside a floor or a peer of the same run.

    python -m tests.benchmarks [--peer URL] [--seconds 3] [--rounds 3]

One server process on one core, wrk with 16 connections on another. The floor is a bare uvicorn that sends the same
bytes; `--peer` names a running GraphQL server that has the same fields. Needs wrk. Asserts nothing.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.benchmarks.growth import growth
from tests.benchmarks.queries import QUERIES
from tests.benchmarks.wrk import Load, Wrk, pinned
from tests.support.servers import ROOT, Server, modelmeta, serving

REFS = "query($after: String) { models(first: 100, after: $after) { nodes { ref } pageInfo { endCursor } } }"
MODEL = {"ref": "openai/gpt-4.1-mini"}


@dataclass
class Variant:
    """One way to send the queries."""

    name: str
    no_cache: bool = False

    def request(self, name: str) -> dict[str, Any] | None:
        """The request for a query; None if the query has no such variant."""
        text, variables = QUERIES[name], dict(MODEL) if "$ref" in QUERIES[name] else {}
        match self.name:
            case "never-seen text":
                # Another alias each time, so that the text is another document.
                text = text.replace("{", "{ a@N@: __typename", 1)
            case "other variables":
                if not variables:
                    return None
                variables["ref"] = "@REF@"
            case _:
                pass
        return {"query": text, "variables": variables}


VARIANTS = [
    Variant("warm"),
    Variant("executed", no_cache=True),
    Variant("other variables"),
    Variant("never-seen text"),
]


class Report:
    """The rows of the table, printed at the end."""

    def __init__(self) -> None:
        self.table = Table("", "measured", "beside it", "ratio")

    def add(self, name: str, measured: str, beside: str = "", ratio: str = "") -> None:
        self.table.add_row(name, measured, beside, ratio)
        sys.stderr.write(f"{name}: {measured} {beside} {ratio}\n")


async def main(peer: str | None, seconds: float, rounds: int) -> None:
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder}/registry.sqlite"
        began = time.perf_counter()
        if (loaded := modelmeta("load", database_url=url)).returncode:
            raise SystemExit(loaded.stderr)
        report.add("first load of the bundled sources", f"{time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        async with serving(url, folder) as server:
            report.add("start on an existing database, to the first answer", f"{time.perf_counter() - began:.2f} s")
            keep_on_core(0, server.process.pid)
            refs = await prepare(server, folder)
            with floor(folder) as address:
                measure(report, Wrk(folder, refs, seconds), server, address, peer, rounds)
            report.add("memory after all of this", f"{memory(server.process.pid):.0f} MiB resident")
        await growth(report.add, url, folder)
    Console(width=140).print(report.table)


def keep_on_core(core: int, pid: int) -> None:
    """Keeps a process on one core, where there are several."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


async def prepare(server: Server, folder: Path) -> list[str]:
    """Writes the answer to each query for the floor. Returns the references of all models."""
    (folder / "answers").mkdir()
    refs: list[str] = []
    async with server.client() as client:
        for name in QUERIES:
            request = VARIANTS[0].request(name)
            answer = await client.post("/graphql", json=request, headers={"accept-encoding": "identity"})
            assert "errors" not in answer.json(), answer.text[:300]
            (folder / "answers" / f"{name}.json").write_bytes(answer.content)
        after: str | None = None
        while True:
            request = {"query": REFS, "variables": {"after": after}}
            data = (await client.post("/graphql", json=request)).json()["data"]
            if not data["models"]["nodes"]:
                return refs
            refs += [node["ref"] for node in data["models"]["nodes"]]
            after = data["models"]["pageInfo"]["endCursor"]


@contextmanager
def floor(folder: Path) -> Generator[str]:
    """A running floor; yields its address."""
    command = [
        *pinned(0),
        sys.executable,
        "-m",
        "uvicorn",
        "tests.benchmarks.floor:app",
        "--port",
        "0",
        "--loop",
        "uvloop",
    ]
    options = ["--http", "httptools", "--no-access-log"]
    log = folder / "floor.log"
    with log.open("wb") as out:
        environment = {**os.environ, "FLOOR_FOLDER": str(folder / "answers")}
        process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        while "running on " not in log.read_text():
            time.sleep(0.05)
        yield log.read_text().partition("running on ")[2].split()[0]
    finally:
        process.terminate()
        process.wait()


def measure(report: Report, wrk: Wrk, server: Server, floor: str, peer: str | None, rounds: int) -> None:
    for variant in VARIANTS:
        for name in QUERIES:
            request = variant.request(name)
            if request is None:
                continue
            targets = {"ours": f"{server.address}/graphql", "floor": f"{floor}/{name}"}
            if peer and serves(peer, request):
                targets["peer"] = peer
            loads: dict[str, list[Load]] = {target: [] for target in targets}
            for number in range(rounds + 1):
                for target, url in targets.items():
                    load = wrk.load(url, request, no_cache=variant.no_cache)
                    if number:  # the first round only warms up
                        loads[target].append(load)
            others = [target for target in loads if target != "ours"]
            report.add(
                f"{variant.name}: {name}",
                figures(loads["ours"]),
                ", ".join(f"{target} {figures(loads[target])}" for target in others),
                ", ".join(f"{ratio(loads['ours'], loads[target]):.2f} of the {target}" for target in others),
            )


def serves(peer: str, request: dict[str, Any]) -> bool:
    text = json.dumps(request).replace("@N@", "1").replace("@REF@", MODEL["ref"])
    answer = httpx.post(peer, content=text, headers={"content-type": "application/json"}, timeout=60)
    return "errors" not in answer.json()


def figures(loads: list[Load]) -> str:
    rate, slowest = (statistics.median(getattr(load, name) for load in loads) for name in ("rate", "slowest"))
    return f"{rate:,.0f}/s (p99 {slowest:.1f} ms)"


def ratio(ours: list[Load], others: list[Load]) -> float:
    """The median of the rounds' own ratios: both saw the same machine."""
    return statistics.median(own.rate / other.rate for own, other in zip(ours, others, strict=True))


def memory(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="URL of a GraphQL server with the same fields")
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, after one to warm up")
    given = parser.parse_args()
    asyncio.run(main(given.peer, given.seconds, given.rounds))
