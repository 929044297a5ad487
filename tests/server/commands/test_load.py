"""A load that is killed changes nothing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
import sqlalchemy as sa

from server import database
from tests.support.registry import asker, put, tiny
from tests.support.servers import KILL_SIZES, ROOT, environment, tiny_database, uncommitted_bytes

REVISION = "{ registry { modelCount revision { number } } }"
REFS = ("openai/tiny-large", "openai/tiny-small", "azure/tiny-small")
TINY = {"registry": {"modelCount": 3, "revision": {"number": 1}}}

LOADER = """
import os, sys
from seeds import load
from server import cli

loaded = load.read()
load.read = lambda *_, **__: loaded
for line in sys.stdin:
    loading = os.fork()
    if not loading:
        sys.argv = ["modelmeta", "load", "--database-url", line.strip()]
        cli.main()
        break
    print(loading, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(loading, 0)[1]), flush=True)
"""
"""Reads the bundled sources once, which takes seconds. Then each line of input names a database to load them into."""


@dataclass
class Loader:
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader

    async def read_number(self) -> int:
        async with asyncio.timeout(40):
            return int(await self.stdout.readline())

    async def kill_load(self, url: str, size: int) -> int:
        """Kills a load once it has written `size` bytes; returns its exit code."""
        self.stdin.write(f"{url}\n".encode())
        process_id = await self.read_number()
        async with asyncio.timeout(40), aclosing(uncommitted_bytes(url)) as sizes:
            async for written in sizes:
                if written >= size:
                    break
                await asyncio.sleep(0.005)
        os.kill(process_id, signal.SIGKILL)
        return await self.read_number()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loader() -> AsyncIterator[Loader]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LOADER),
        cwd=ROOT,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    yield Loader(process.stdin, process.stdout)
    process.stdin.close()
    await process.wait()


async def test_a_killed_load_leaves_the_registry_unchanged(kind: str, tmp_path: Path, loader: Loader) -> None:
    async with tiny_database(tmp_path, kind) as url:
        for size in KILL_SIZES[kind]:
            assert await loader.kill_load(url, size) == -signal.SIGKILL
            engine = database.create_engine(url)
            try:
                ask = asker(engine)
                assert await ask(REVISION) == TINY
                assert await ask("{ models { nodes { ref } } providers { totalCount } }") == {
                    "models": {"nodes": [{"ref": ref} for ref in REFS]},
                    "providers": {"totalCount": 2},
                }
                if kind == "sqlite":
                    async with engine.connect() as connection:
                        assert await connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
            finally:
                await engine.dispose()  # closing the last connection empties the SQLite log
        # The database still accepts writes.
        engine = database.create_engine(url)
        changed = tiny()
        changed[2].models[0].facts["name"] = "Larger"
        assert (await put(engine, changed)).revision == 2
        await engine.dispose()
