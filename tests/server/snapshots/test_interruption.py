"""A killed export or import leaves the file or the registry as it was."""

import asyncio
import signal
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from server import database
from server.errors import OperatorError
from tests.support.registry import NOW, put
from tests.support.servers import KILL_SIZES, ended, start, tiny_database, uncommitted_bytes
from tests.support.snapshots import all_rows, changed_registry, export_bytes, read_all_rows, url_of


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def full_snapshot(full_engine: AsyncEngine) -> bytes:
    """A snapshot of the whole registry."""
    return await export_bytes(full_engine)


@pytest.mark.parametrize(
    ("signal_number", "content"), [(signal.SIGKILL, b"mine"), (signal.SIGKILL, None), (signal.SIGTERM, b"mine")]
)
async def test_a_killed_export_leaves_the_file_unchanged(
    full_engine: AsyncEngine, tmp_path: Path, signal_number: signal.Signals, content: bytes | None
) -> None:
    file = tmp_path / "registry.gz"
    if content:
        file.write_bytes(content)
    process = start(tmp_path / "log", "export", str(file), "--force", database_url=url_of(full_engine))
    async with asyncio.timeout(40):
        while not any(part.stat().st_size > 100_000 for part in tmp_path.glob(".registry.gz.*.part")):
            assert process.poll() is None, (tmp_path / "log").read_text()
            await asyncio.sleep(0.002)
    process.send_signal(signal_number)
    assert await ended(process) == (-signal_number if signal_number is signal.SIGKILL else 128 + signal_number)
    assert (file.read_bytes() if file.exists() else None) == content
    leftovers = list(tmp_path.glob(".registry.gz.*.part"))
    assert len(leftovers) == (signal_number is signal.SIGKILL)
    if leftovers:  # an incomplete file is not accepted as a snapshot
        with pytest.raises(OperatorError, match="is truncated"):
            read_all_rows(leftovers[0].read_bytes())


async def test_a_killed_import_leaves_the_registry_unchanged(kind: str, full_snapshot: bytes, tmp_path: Path) -> None:
    file = tmp_path / "whole.gz"
    file.write_bytes(full_snapshot)
    async with tiny_database(tmp_path, kind) as url:
        engine = database.create_engine(url)
        before = await all_rows(engine)
        await engine.dispose()
        for size in KILL_SIZES[kind]:
            process = start(tmp_path / "log", "import", str(file), "--replace", database_url=url)
            async with asyncio.timeout(60), aclosing(uncommitted_bytes(url)) as sizes:
                async for written in sizes:
                    if written >= size:
                        break
                    assert process.poll() is None, (tmp_path / "log").read_text()
                    await asyncio.sleep(0.005)
            process.kill()
            assert await ended(process) == -signal.SIGKILL
            engine = database.create_engine(url)
            assert await all_rows(engine) == before
            await engine.dispose()
        # The database still accepts writes.
        engine = database.create_engine(url)
        assert (await put(engine, changed_registry(), NOW + timedelta(days=1))).revision == 2
        await engine.dispose()
