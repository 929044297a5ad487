"""A server loads an empty database, prints where it runs, and stops cleanly."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.registry import create_database
from tests.support.servers import answering, ended, serving, start

QUERY = '{ model(ref: "openai/tiny-large") { name } }'
RESPONSE = {"data": {"model": {"name": "Tiny Large"}}}
REVISION = "{ registry { modelCount revision { number } } }"


async def test_an_empty_database_is_loaded_once(tmp_path: Path) -> None:
    url = await create_database("sqlite", tmp_path)

    async def registry_of_server(log: Path) -> tuple[dict[str, int], str]:
        """Starts a server; returns the size and revision of its registry, and its output."""
        process = start(log, "serve", "--port", "0", database_url=url)
        try:
            server = await answering(process, log)
            async with server.client() as client:
                registry = (await client.post("/graphql", json={"query": REVISION})).json()["data"]["registry"]
        finally:
            process.send_signal(signal.SIGTERM)
            await ended(process)
        return {"models": registry["modelCount"], "revision": registry["revision"]["number"]}, server.output

    first, output = await registry_of_server(tmp_path / "first.log")
    assert first["models"] >= 4_800
    assert first["revision"] == 1
    assert "Revision 1" in output
    assert f"{first['models']:,} models added, 0 changed, 0 retired" in output
    second, output = await registry_of_server(tmp_path / "second.log")
    assert second == first
    assert "models added" not in output
    assert "Revision" not in output


async def test_stopping_a_server_stops_its_load(tmp_path: Path) -> None:
    url = await create_database("sqlite", tmp_path)
    process = start(tmp_path / "log", "serve", "--port", "0", database_url=url)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        await ended(process)
        pytest.skip("needs /proc to list the children of a process")
    try:
        async with asyncio.timeout(20):
            while not (child_ids := children.read_text().split()):
                await asyncio.sleep(0.02)
    finally:
        process.send_signal(signal.SIGTERM)
        await ended(process)
    loader = int(child_ids[0])
    try:
        async with asyncio.timeout(2):
            while Path(f"/proc/{loader}").exists():
                await asyncio.sleep(0.02)
    except TimeoutError:
        os.kill(loader, signal.SIGKILL)
        pytest.fail("the load continues without its server")


async def test_sigterm_stops_a_server_cleanly(tiny_url: str, tmp_path: Path) -> None:
    async with serving(tiny_url, tmp_path) as server:
        assert await server.stop() == 0
        assert "Traceback" not in server.output


async def test_a_started_request_is_answered_before_the_server_stops(tiny_url: str, tmp_path: Path) -> None:
    body = json.dumps({"query": QUERY}).encode()
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    async with serving(tiny_url, tmp_path) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        async with server.client() as client:  # once this is answered, the server has read the first half
            assert (await client.get("/healthz")).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        while "Shutting down" not in server.output:
            await asyncio.sleep(0.02)
        writer.write(body[10:])
        response = await reader.read()
        writer.close()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert json.loads(response.partition(b"\r\n\r\n")[2]) == RESPONSE
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", server.port)
        await server.stop()


async def test_a_server_prints_its_addresses_and_its_database(tiny_url: str, tmp_path: Path) -> None:
    async with serving(tiny_url, tmp_path) as server:
        lines = server.output.splitlines()
        assert f"Database: {tiny_url}" in lines
        assert (
            f"ModelMeta is running. Catalog: {server.address}/  GraphQL: {server.address}/graphql  GraphiQL: {server.address}/graphiql"
            in lines
        )
