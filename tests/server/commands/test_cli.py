"""The promise: a mistake is one line and exit code 2, an empty database fills itself, and no sudden end harms it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from server import database
from server.cli import main
from tests.support.registry import asker, create_database, put, tiny
from tests.support.servers import ROOT, answering, ended, environment, modelmeta, refused, serving, start, tiny_database

QUERY = '{ model(ref: "openai/tiny-large") { name } }'
ANSWER = {"data": {"model": {"name": "Tiny Large"}}}
REVISION = "{ registry { modelCount revision { number } } }"
REFS = ("openai/tiny-large", "openai/tiny-small", "azure/tiny-small")
TINY = {"registry": {"modelCount": 3, "revision": {"number": 1}}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tiny_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of the tiny registry. Tests only read it."""
    async with tiny_database(tmp_path_factory.mktemp("cli")) as url:
        yield url


def one_line(code: object, out: str, err: str) -> str:
    """The one line an operator's mistake is answered with, and nothing else."""
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("modelmeta: ")
    return lines[0].removeprefix("modelmeta: ")


def mistake(*arguments: str, **settings: str) -> str:
    """What a process says of an operator's mistake."""
    done = modelmeta(*arguments, **settings)
    return one_line(done.returncode, done.stdout, done.stderr)


Early = Callable[..., str]


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Early:
    """What the program says of a mistake it finds before it opens anything: no process is needed to see that."""

    def run(*arguments: str, **settings: str) -> str:
        monkeypatch.setattr(sys, "argv", ["modelmeta", *arguments])
        for name in [name for name in os.environ if name.startswith("MODELMETA_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(f"MODELMETA_{name.upper()}", value)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return one_line(ended.value.code, said.out, said.err)

    return run


# Mistakes

SERVE, ASK, LOAD = ("serve", "--port", "0"), ("query", "{ __typename }"), ("load",)


def test_a_port_in_use_is_one_line(tiny_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = mistake("serve", "--port", str(port), database_url=tiny_url)
    assert said == (
        f"Can't listen on 127.0.0.1 port {port}: Address already in use. "
        "Stop the program that uses it, or choose another with --port or MODELMETA_PORT."
    )


def test_an_address_that_is_not_ours_is_one_line(tiny_url: str, early: Early) -> None:
    said = early("serve", "--host", "203.0.113.1", "--port", "0", database_url=tiny_url)
    assert said.startswith("Can't listen on 203.0.113.1 port 0: ")


@pytest.mark.parametrize("command", [SERVE, ASK, LOAD, ("settings",)], ids=lambda command: command[0])
def test_an_unknown_setting_is_one_line(command: tuple[str, ...], early: Early) -> None:
    said = early(*command, databse_url="sqlite+aiosqlite:///x")
    assert said == "No setting is called MODELMETA_DATABSE_URL. `modelmeta settings` lists all settings."


def test_a_malformed_setting_is_one_line(tiny_url: str, early: Early) -> None:
    assert early("serve", "--port", "70000", database_url=tiny_url).startswith("MODELMETA_PORT is ")
    assert early(*SERVE, database_url=tiny_url, max_depth="deep").startswith("MODELMETA_MAX_DEPTH is 'deep': ")


@pytest.mark.parametrize("command", [SERVE, ASK], ids=lambda command: command[0])
def test_a_damaged_database_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "damaged.sqlite"
    file.write_bytes(b"this is no database, whatever its name says\n" * 100)
    said = mistake(*command, database_url=f"sqlite+aiosqlite:///{file}")
    assert said == (
        f"The database sqlite+aiosqlite:///{file} is damaged (file is not a database). "
        "Move the file away; the next start builds a new one."
    )


@pytest.mark.parametrize("command", [SERVE, ASK], ids=lambda command: command[0])
def test_an_unreachable_postgresql_is_one_line(command: tuple[str, ...]) -> None:
    said = mistake(*command, database_url="postgresql+asyncpg://owner:pass-word@127.0.0.1:1/models")
    assert said.startswith("PostgreSQL at postgresql+asyncpg://owner:***@127.0.0.1:1/models can't be used (")
    assert said.endswith("Start it, or set MODELMETA_DATABASE_URL to another server.")


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = mistake(*SERVE, database_url=f"sqlite+aiosqlite:///{tmp_path}/file/modelmeta.sqlite")
    assert said.startswith(f"The database's folder {tmp_path}/file can't be created: ")


def test_a_malformed_address_of_a_database_is_one_line() -> None:
    said = mistake(*ASK, database_url="postgresql+asyncpg://owner:pass-word@db.example:port/models")
    assert "MODELMETA_DATABASE_URL" in said
    assert "pass-word" not in said


@pytest.mark.parametrize("variables", ["[1]", '{"ref":', '{"ref": NaN}', ""])
def test_variables_that_are_no_object_are_one_line(tiny_url: str, early: Early, variables: str) -> None:
    assert early("query", QUERY, "--variables", variables, database_url=tiny_url).startswith(
        "--variables is not a JSON object: "
    )


def test_a_file_that_can_not_be_written_is_one_line(tmp_path: Path, early: Early) -> None:
    (tmp_path / "file").write_text("in the way")
    assert str(tmp_path) in early("sdl", "--output", str(tmp_path / "file" / "schema.graphql"))


# query and sdl


def test_a_query_prints_its_answer(tiny_url: str) -> None:
    done = modelmeta("query", QUERY, database_url=tiny_url)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, ANSWER, "")


def test_a_query_takes_variables_exactly(tiny_url: str) -> None:
    query = """query($text: Decimal!, $number: Decimal!, $below: Decimal!) {
      text: models(filter: {maxInputPrice: $text}) { totalCount }
      number: models(filter: {maxInputPrice: $number}) { totalCount }
      below: models(filter: {maxInputPrice: $below}) { totalCount } }"""
    variables = '{"text": "0.1", "number": 0.1, "below": 0.099999999999999999}'
    done = modelmeta("query", query, "--variables", variables, database_url=tiny_url)
    assert json.loads(done.stdout) == {
        "data": {"text": {"totalCount": 1}, "number": {"totalCount": 1}, "below": {"totalCount": 0}}
    }
    assert (done.returncode, done.stderr) == (0, "")


def test_a_query_is_read_from_standard_input(tiny_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "query", "-", "--database-url", tiny_url],
        cwd=ROOT,
        env=environment(),
        input=QUERY.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, ANSWER, b"")


def test_a_query_with_errors_prints_them_and_fails(tiny_url: str) -> None:
    refused_one = modelmeta("query", "{ nope }", database_url=tiny_url)
    assert (refused_one.returncode, refused_one.stderr) == (1, "")
    refused(json.loads(refused_one.stdout), "GRAPHQL_VALIDATION_FAILED")
    half = modelmeta(
        "query", f'{{ registry {{ modelCount }} model(ref: "{"x" * 501}") {{ ref }} }}', database_url=tiny_url
    )
    assert (half.returncode, half.stderr) == (1, "")
    assert json.loads(half.stdout)["data"] == {"registry": {"modelCount": 3}, "model": None}


def test_the_printed_schema_is_the_committed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")
    done = modelmeta("sdl")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == committed
    monkeypatch.setattr(sys, "argv", ["modelmeta", "sdl", "--output", str(tmp_path / "schema.graphql")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in (0, None)
    assert (tmp_path / "schema.graphql").read_text(encoding="utf-8") == committed


# serve


async def test_an_empty_database_fills_itself_once(tmp_path: Path) -> None:
    url = await create_database("sqlite", tmp_path)

    async def asked(log: Path) -> tuple[dict[str, int], str]:
        """What a server says of its registry, and what it printed meanwhile."""
        process = start(log, "serve", "--port", "0", database_url=url)
        try:
            server = await answering(process, log)
            async with server.client() as client:
                registry = (await client.post("/graphql", json={"query": REVISION})).json()["data"]["registry"]
        finally:
            process.send_signal(signal.SIGTERM)
            await ended(process)
        return {"models": registry["modelCount"], "revision": registry["revision"]["number"]}, server.said

    first, said = await asked(tmp_path / "first.log")
    assert first["models"] >= 4_800
    assert first["revision"] == 1
    assert "Revision 1" in said
    assert f"{first['models']:,} models added, 0 changed, 0 retired" in said
    again, said = await asked(tmp_path / "again.log")
    assert again == first
    assert "models added" not in said
    assert "Revision" not in said


async def test_a_load_that_is_stopped_with_its_server_does_not_go_on(tmp_path: Path) -> None:
    url = await create_database("sqlite", tmp_path)
    process = start(tmp_path / "log", "serve", "--port", "0", database_url=url)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        await ended(process)
        pytest.skip("needs /proc to see a process's children")
    try:
        async with asyncio.timeout(20):
            while not (loading := children.read_text().split()):
                await asyncio.sleep(0.02)
    finally:
        process.send_signal(signal.SIGTERM)
        await ended(process)
    loader = int(loading[0])
    try:
        async with asyncio.timeout(2):
            while Path(f"/proc/{loader}").exists():
                await asyncio.sleep(0.02)
    except TimeoutError:
        os.kill(loader, signal.SIGKILL)
        pytest.fail("the load goes on without its server")


async def test_sigterm_ends_a_server_well(tiny_url: str, tmp_path: Path) -> None:
    async with serving(tiny_url, tmp_path) as server:
        assert await server.stop() == 0
        assert "Traceback" not in server.said


async def test_requests_under_way_are_answered_before_the_end(tiny_url: str, tmp_path: Path) -> None:
    body = json.dumps({"query": QUERY}).encode()
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    async with serving(tiny_url, tmp_path) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        async with server.client() as client:  # once another is answered, the first half has been read
            assert (await client.get("/healthz")).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        while "Shutting down" not in server.said:
            await asyncio.sleep(0.02)
        writer.write(body[10:])
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == ANSWER
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", server.port)
        await server.stop()


async def test_a_server_says_where_it_answers_and_where_its_registry_is(tiny_url: str, tmp_path: Path) -> None:
    async with serving(tiny_url, tmp_path) as server:
        lines = server.said.splitlines()
        assert f"Database: {tiny_url}" in lines
        assert (
            f"ModelMeta is running. Catalog: {server.address}/  GraphQL: {server.address}/graphql  GraphiQL: {server.address}/graphiql"
            in lines
        )


# load


async def written(url: str) -> AsyncGenerator[int]:
    """How many bytes a transaction under way has written that nobody sees yet, again and again."""
    if url.startswith("sqlite"):
        log = Path(f"{sa.make_url(url).database}-wal")
        while True:
            yield log.stat().st_size if log.exists() else 0
    sizes = sa.text(
        "SELECT sum(pg_relation_size(name)) FROM unnest(ARRAY['model', 'rate', 'claim']::regclass[]) AS name"
    )
    engine = database.create_engine(url)
    try:
        async with engine.connect() as connection:
            while True:
                yield await connection.scalar(sizes) or 0
    finally:
        await engine.dispose()


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
"""Reads the bundled sources once, which takes seconds, then loads them by a process for each database it is told of."""


@dataclass
class Loader:
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader

    async def number(self) -> int:
        async with asyncio.timeout(40):
            return int(await self.stdout.readline())

    async def killed(self, url: str, size: int) -> int:
        """The exit code of a load into the database, killed once it has written so many bytes."""
        self.stdin.write(f"{url}\n".encode())
        loading = await self.number()
        async with asyncio.timeout(40), aclosing(written(url)) as sizes:
            async for now in sizes:
                if now >= size:
                    break
                await asyncio.sleep(0.005)
        os.kill(loading, signal.SIGKILL)
        return await self.number()


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


# On SQLite the first bytes are written once the cache is full; on PostgreSQL soon.
MOMENTS = {"sqlite": (2_000_000, 8_000_000), "postgresql": (500_000, 4_000_000)}


async def test_a_load_that_is_killed_leaves_the_registry_as_it_was(kind: str, tmp_path: Path, loader: Loader) -> None:
    async with tiny_database(tmp_path, kind) as url:
        for size in MOMENTS[kind]:
            assert await loader.killed(url, size) == -signal.SIGKILL
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
                await engine.dispose()  # the last to close a SQLite file empties its log
        # And it can be written to again.
        engine = database.create_engine(url)
        changed = tiny()
        changed[2].models[0].facts["name"] = "Larger"
        assert (await put(engine, changed)).revision == 2
        await engine.dispose()


async def test_a_load_into_a_damaged_database_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "damaged.sqlite"
    file.write_bytes(b"this is no database, whatever its name says\n" * 100)
    # Without the seconds of reading: whatever was read, nothing can be written.
    load = "from seeds import load; load.read = lambda *_, **__: None; from server import cli; cli.main()"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", load, "load", "--database-url", f"sqlite+aiosqlite:///{file}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "is damaged (file is not a database)" in one_line(done.returncode, done.stdout, done.stderr)
