"""Servers refresh on schedule, one at a time, without interrupting queries; only the operator can request a refresh."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from websockets import Subprotocol
from websockets.asyncio.client import connect

from server import database
from server.database import locks
from server.errors import RefreshError, RefreshRunningError
from server.graphql.execution import Runner
from server.graphql.operations import Request
from server.refresh.plan import due_at, is_due
from server.refresh.scheduler import Refresher, Scheduler
from server.settings import Settings
from tests.support.feeds import Publisher, catalogue, listing, publishing
from tests.support.registry import create_database, drop_database, put, settings_for, tiny
from tests.support.servers import Server, modelmeta, serving

GUARD_OFF = {"guard_moved": "1", "guard_retired": "1", "guard_invalid": "1"}
ONE = {"acme/one": listing()}
TWO = {**ONE, "acme/two": listing()}
TOKEN = "an operator's secret"
REFRESH = "mutation($sources: [String!]) { refreshRegistry(sources: $sources) { changeCount revision { number changeCount } sources { slug status } } }"
STATE = "{ registry { revision { number } refreshIntervalSeconds nextRefreshAt sources { slug status lastAttemptAt lastError } } }"


async def ask(server: Server, query: str, variables: Any = None, token: str | None = None) -> dict[str, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with server.client(headers=headers) as client:
        response = await client.post("/graphql", json={"query": query, "variables": variables or {}}, timeout=60)
    body: dict[str, Any] = response.json()
    return body


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)


def source_statuses(response: dict[str, Any]) -> dict[str, str]:
    return {source["slug"]: source["status"] for source in response["data"]["registry"]["sources"]}


async def load_registry(url: str, feeds: Publisher) -> None:
    """Fills the database with a small registry, refreshed just now."""
    completed = await asyncio.to_thread(
        modelmeta, "refresh", "--json", database_url=url, **feeds.variables(), **GUARD_OFF
    )
    assert completed.returncode == 0, completed.stderr


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database, for tests that do not depend on the kind of database."""
    return f"sqlite+aiosqlite:///{tmp_path}/registry.sqlite"


# On schedule


async def test_a_server_refreshes_at_start_and_on_schedule(url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await load_registry(url, feeds)
        feeds.documents["models-dev"] = catalogue(TWO)
        settings = {**feeds.variables(), **GUARD_OFF, "refresh_interval": "1"}
        async with serving(url, tmp_path, **settings) as server:

            async def has_second_model() -> bool:
                return bool((await ask(server, '{ model(ref: "acme/two") { status } }'))["data"]["model"])

            await wait_until(has_second_model)
            response = await ask(server, STATE)
            assert response["data"]["registry"]["refreshIntervalSeconds"] == 1
            assert response["data"]["registry"]["nextRefreshAt"]
            assert source_statuses(response)["models-dev"] == "OK"
            feeds.documents["models-dev"] = None
            feeds.asked.clear()

            async def reports_failure() -> bool:
                return source_statuses(await ask(server, STATE))["models-dev"] == "FAILED"

            await wait_until(reports_failure)
            assert await has_second_model()
            feeds.documents["models-dev"] = catalogue(ONE)

            async def has_retired() -> bool:
                response = await ask(server, '{ model(ref: "acme/two") { status } }')
                return bool(response["data"]["model"]["status"] == "RETIRED")

            await wait_until(has_retired)


async def test_a_server_without_a_refresh_interval_fetches_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await load_registry(sqlite_url, feeds)
        feeds.asked.clear()
        async with serving(sqlite_url, tmp_path, **feeds.variables(), refresh_interval="0") as server:
            response = await ask(server, STATE)
            assert response["data"]["registry"]["nextRefreshAt"] is None
            await asyncio.sleep(1)
        assert feeds.asked == []


async def test_a_refresh_is_due_one_interval_after_the_oldest_fetch(url: str, engine: AsyncEngine) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        assert await is_due(engine, 3600)
        await load_registry(url, feeds)
        assert not await is_due(engine, 3600)
        assert await is_due(engine, 0)
        in_one_hour, in_two_hours = [await due_at(engine, seconds) for seconds in (3600, 7200)]
        assert (in_two_hours - in_one_hour).total_seconds() == 3600


async def test_the_next_refresh_is_due_at_once_while_a_feed_was_never_fetched(engine: AsyncEngine) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await put(engine, tiny(), now)  # like a first load, this has no data from OpenRouter
    assert await is_due(engine, 3600)
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False), refresh_interval=3600))
    response = await runner.run(runner.prepare(Request("{ registry { nextRefreshAt } }", {}, None, {})))
    due = datetime.fromisoformat(response["data"]["registry"]["nextRefreshAt"])
    assert due - now < timedelta(minutes=1)


async def test_the_scheduler_survives_a_failed_refresh(engine: AsyncEngine) -> None:
    class Failing(Refresher):
        attempts = 0

        async def __call__(self, *arguments: str) -> Any:
            self.attempts += 1
            raise RefreshError("no such program")

    refresher = Failing(Settings())
    scheduler = asyncio.create_task(Scheduler(engine, 1, refresher).run())

    async def tried_twice() -> bool:
        return refresher.attempts >= 2

    await wait_until(tried_twice)
    assert not scheduler.done()
    scheduler.cancel()


# One at a time


async def test_only_one_refresh_runs_at_a_time(engine: AsyncEngine, url: str) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        settings = {"database_url": url, **feeds.variables(), **GUARD_OFF}
        async with locks.refresh_lock(engine):
            with pytest.raises(RefreshRunningError):
                async with locks.refresh_lock(engine, wait=0.3):
                    pass
            completed = await asyncio.to_thread(modelmeta, "refresh", "--due", "--json", **settings)
            assert (completed.returncode, json.loads(completed.stdout)) == (0, {"refreshed": False})
            assert feeds.asked == []
            waiting = asyncio.create_task(asyncio.to_thread(modelmeta, "refresh", "--json", **settings))
            await asyncio.sleep(0.5)
            assert not waiting.done()
        assert json.loads((await waiting).stdout)["revision"] == 1
        # After that, no refresh is due.
        completed = await asyncio.to_thread(
            modelmeta, "refresh", "--due", "--json", **settings, refresh_interval="3600"
        )
        assert json.loads(completed.stdout) == {"refreshed": False}


async def test_one_of_two_servers_on_a_database_refreshes_and_both_see_it(kind: str, tmp_path: Path) -> None:
    url = await create_database(kind, tmp_path)
    try:
        with publishing({"models-dev": catalogue(ONE)}) as feeds:
            await load_registry(url, feeds)
            feeds.documents["models-dev"] = catalogue(TWO)
            settings = {**feeds.variables(), **GUARD_OFF, "refresh_interval": "2"}
            async with serving(url, tmp_path, **settings) as one, serving(url, tmp_path, **settings) as other:

                async def both_see_it() -> bool:
                    responses = [await ask(server, '{ model(ref: "acme/two") { status } }') for server in (one, other)]
                    return all(response["data"]["model"] for response in responses)

                await wait_until(both_see_it)
                responses = [await ask(server, STATE) for server in (one, other)]
                assert {response["data"]["registry"]["revision"]["number"] for response in responses} == {2}
    finally:
        await drop_database(url)


# By command


def test_the_command_prints_the_changes_and_fails_if_a_feed_fails(tmp_path: Path) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite"
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        completed = modelmeta("refresh", database_url=database_url, **feeds.variables(), **GUARD_OFF)
        assert completed.returncode == 0
        assert "Revision 1" in completed.stderr
        feeds.documents["models-dev"] = catalogue({**TWO, "acme/one": listing(price=("2", "4"))})
        completed = modelmeta("refresh", database_url=database_url, **feeds.variables(), **GUARD_OFF)
        for words in ("Revision 2", "2 changes", "Model added", "Price changed", "models-dev", "OK"):
            assert words in completed.stderr
        feeds.documents["models-dev"] = b"nothing"
        completed = modelmeta("refresh", database_url=database_url, **feeds.variables(), **GUARD_OFF)
        assert completed.returncode == 1
        assert "Failed" in completed.stderr


@pytest.mark.parametrize("arguments", [("models_dev",), ("--force", "curated")])
def test_an_unknown_feed_is_reported_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    completed = modelmeta("refresh", *arguments, database_url=f"sqlite+aiosqlite:///{tmp_path}/x.sqlite")
    assert completed.returncode == 2
    assert completed.stderr.splitlines() == [
        f'modelmeta: No feed is called "{arguments[-1]}". Known feeds: genai-prices, models-dev, openrouter.'
    ]


# By mutation


async def test_only_the_operator_can_request_a_refresh(sqlite_url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await load_registry(sqlite_url, feeds)
        feeds.documents["models-dev"] = catalogue(TWO)
        async with serving(sqlite_url, tmp_path, operator_token=TOKEN, **feeds.variables(), **GUARD_OFF) as server:
            for wrong in (None, TOKEN[:-1], TOKEN + "x", "another word"):
                (error,) = (await ask(server, REFRESH, token=wrong))["errors"]
                assert error["extensions"]["code"] == "UNAUTHENTICATED"
                assert TOKEN not in error["message"]
            (error,) = (await ask(server, REFRESH, {"sources": ["models.dev"]}, TOKEN))["errors"]
            assert error["message"] == (
                'No feed is called "models.dev". Known feeds: genai-prices, models-dev, openrouter.'
            )
            payload = (await ask(server, REFRESH, {"sources": ["models-dev"]}, TOKEN))["data"]["refreshRegistry"]
            assert (payload["changeCount"], payload["revision"]) == (1, {"number": 2, "changeCount": 1})
            assert {"slug": "models-dev", "status": "OK"} in payload["sources"]
            second = (await ask(server, REFRESH, None, TOKEN))["data"]["refreshRegistry"]
            assert (second["changeCount"], second["revision"]["number"]) == (0, 2)
            async with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
                get_response = await client.get("/graphql", params={"query": REFRESH})
            assert get_response.status_code == 405


async def test_the_operator_can_request_a_refresh_over_a_websocket(sqlite_url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await load_registry(sqlite_url, feeds)
        async with serving(sqlite_url, tmp_path, operator_token=TOKEN, **feeds.variables()) as server:
            for token, allowed in ((None, False), (1, False), (f"Bearer {TOKEN}", True)):
                address = server.address.replace("http", "ws") + "/graphql"
                async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
                    await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": token}}))
                    assert json.loads(await socket.recv())["type"] == "connection_ack"
                    message = {"id": "1", "type": "subscribe", "payload": {"query": REFRESH}}
                    await socket.send(json.dumps(message))
                    async with asyncio.timeout(40):
                        payload = json.loads(await socket.recv())["payload"]
                assert ("errors" in payload) != allowed, payload


async def test_a_server_without_a_token_refuses_all_refreshes(sqlite_url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await load_registry(sqlite_url, feeds)
        feeds.asked.clear()
        async with serving(sqlite_url, tmp_path, **feeds.variables()) as server:
            for token in (None, "None"):
                (error,) = (await ask(server, REFRESH, token=token))["errors"]
                assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert feeds.asked == []


async def test_stopping_a_server_stops_its_refresh(url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await load_registry(url, feeds)
        engine = database.create_engine(url)
        async with locks.refresh_lock(engine):
            async with serving(url, tmp_path, operator_token=TOKEN, **feeds.variables()) as server:
                waiting = asyncio.create_task(ask(server, REFRESH, None, TOKEN))
                await asyncio.sleep(2)
                assert not waiting.done()
                assert await server.stop() == 0
            await asyncio.gather(waiting, return_exceptions=True)
        # No process is waiting for the lock any more.
        async with locks.refresh_lock(engine, wait=2):
            pass
        await engine.dispose()
