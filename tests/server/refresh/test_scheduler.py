"""The promise: servers refresh by themselves, one at a time, answer throughout, and the operator alone can ask for more."""

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
from server.graphql.execution import Request, Runner
from server.refresh.plan import due_at, is_due
from server.refresh.scheduler import Refresher, RefreshError, Scheduler
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
        answer = await client.post("/graphql", json={"query": query, "variables": variables or {}}, timeout=60)
    found: dict[str, Any] = answer.json()
    return found


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.1)


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {each["slug"]: each["status"] for each in answer["data"]["registry"]["sources"]}


async def loaded(url: str, feeds: Publisher) -> None:
    """A small registry in the database, refreshed just now."""
    done = await asyncio.to_thread(modelmeta, "refresh", "--json", database_url=url, **feeds.variables(), **GUARD_OFF)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def file(tmp_path: Path) -> str:
    """An SQLite database's address, where it does not matter which database it is."""
    return f"sqlite+aiosqlite:///{tmp_path}/registry.sqlite"


# The clock


async def test_a_server_refreshes_at_start_and_then_whenever_it_is_due(url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await loaded(url, feeds)
        feeds.documents["models-dev"] = catalogue(TWO)
        more = {**feeds.variables(), **GUARD_OFF, "refresh_interval": "1"}
        async with serving(url, tmp_path, **more) as server:

            async def knows_two() -> bool:
                return bool((await ask(server, '{ model(ref: "acme/two") { status } }'))["data"]["model"])

            await until(knows_two)
            answer = await ask(server, STATE)
            assert answer["data"]["registry"]["refreshIntervalSeconds"] == 1
            assert answer["data"]["registry"]["nextRefreshAt"]
            assert states(answer)["models-dev"] == "OK"
            feeds.documents["models-dev"] = None
            feeds.asked.clear()

            async def says_so() -> bool:
                return states(await ask(server, STATE))["models-dev"] == "FAILED"

            await until(says_so)
            assert await knows_two()
            feeds.documents["models-dev"] = catalogue(ONE)

            async def has_retired() -> bool:
                found = await ask(server, '{ model(ref: "acme/two") { status } }')
                return bool(found["data"]["model"]["status"] == "RETIRED")

            await until(has_retired)


async def test_a_server_that_is_not_to_refresh_asks_nobody(file: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await loaded(file, feeds)
        feeds.asked.clear()
        async with serving(file, tmp_path, **feeds.variables(), refresh_interval="0") as server:
            answer = await ask(server, STATE)
            assert answer["data"]["registry"]["nextRefreshAt"] is None
            await asyncio.sleep(1)
        assert feeds.asked == []


async def test_a_refresh_is_due_an_interval_after_the_source_that_was_asked_longest_ago(
    url: str, engine: AsyncEngine
) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        assert await is_due(engine, 3600)
        await loaded(url, feeds)
        assert not await is_due(engine, 3600)
        assert await is_due(engine, 0)
        hour, two = [await due_at(engine, seconds) for seconds in (3600, 7200)]
        assert (two - hour).total_seconds() == 3600


async def test_the_next_refresh_is_due_at_once_while_a_feed_was_never_fetched(engine: AsyncEngine) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await put(engine, tiny(), now)  # as a first load does: OpenRouter is not among its sources
    assert await is_due(engine, 3600)
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False), refresh_interval=3600))
    answer = await runner.run(runner.prepare(Request("{ registry { nextRefreshAt } }", {}, None, {})))
    due = datetime.fromisoformat(answer["data"]["registry"]["nextRefreshAt"])
    assert due - now < timedelta(minutes=1)


async def test_the_clock_survives_a_refresh_that_fails(engine: AsyncEngine) -> None:
    class Failing(Refresher):
        tries = 0

        async def __call__(self, *arguments: str) -> Any:
            self.tries += 1
            raise RefreshError("no such program")

    refresher = Failing(Settings())
    clock = asyncio.create_task(Scheduler(engine, 1, refresher).run())

    async def tried_twice() -> bool:
        return refresher.tries >= 2

    await until(tried_twice)
    assert not clock.done()
    clock.cancel()


# One at a time


async def test_one_refreshes_at_a_time_and_the_lock_of_the_dead_is_free(engine: AsyncEngine, url: str) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        more = {"database_url": url, **feeds.variables(), **GUARD_OFF}
        async with locks.refresh_lock(engine):
            with pytest.raises(locks.RefreshRunningError):
                async with locks.refresh_lock(engine, wait=0.3):
                    pass
            done = await asyncio.to_thread(modelmeta, "refresh", "--due", "--json", **more)
            assert (done.returncode, json.loads(done.stdout)) == (0, {"refreshed": False})
            assert feeds.asked == []
            waiting = asyncio.create_task(asyncio.to_thread(modelmeta, "refresh", "--json", **more))
            await asyncio.sleep(0.5)
            assert not waiting.done()
        assert json.loads((await waiting).stdout)["revision"] == 1
        # Whoever comes later finds that nothing is due any more.
        done = await asyncio.to_thread(modelmeta, "refresh", "--due", "--json", **more, refresh_interval="3600")
        assert json.loads(done.stdout) == {"refreshed": False}


async def test_of_many_servers_on_one_database_one_refreshes_and_all_see_it(kind: str, tmp_path: Path) -> None:
    url = await create_database(kind, tmp_path)
    try:
        with publishing({"models-dev": catalogue(ONE)}) as feeds:
            await loaded(url, feeds)
            feeds.documents["models-dev"] = catalogue(TWO)
            more = {**feeds.variables(), **GUARD_OFF, "refresh_interval": "2"}
            async with serving(url, tmp_path, **more) as one, serving(url, tmp_path, **more) as other:

                async def both_know() -> bool:
                    answers = [await ask(each, '{ model(ref: "acme/two") { status } }') for each in (one, other)]
                    return all(answer["data"]["model"] for answer in answers)

                await until(both_know)
                answers = [await ask(each, STATE) for each in (one, other)]
                assert {each["data"]["registry"]["revision"]["number"] for each in answers} == {2}
    finally:
        await drop_database(url)


# By hand


def test_the_command_says_what_it_did_and_its_exit_code_whether_all_went_well(tmp_path: Path) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite"
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        done = modelmeta("refresh", database_url=database_url, **feeds.variables(), **GUARD_OFF)
        assert done.returncode == 0
        assert "Revision 1" in done.stderr
        feeds.documents["models-dev"] = catalogue({**TWO, "acme/one": listing(price=("2", "4"))})
        done = modelmeta("refresh", database_url=database_url, **feeds.variables(), **GUARD_OFF)
        for words in ("Revision 2", "2 changes", "Model added", "Price changed", "models-dev", "OK"):
            assert words in done.stderr
        feeds.documents["models-dev"] = b"nothing"
        done = modelmeta("refresh", database_url=database_url, **feeds.variables(), **GUARD_OFF)
        assert done.returncode == 1
        assert "Failed" in done.stderr


@pytest.mark.parametrize("arguments", [("models_dev",), ("--force", "curated")])
def test_a_feed_nobody_knows_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = modelmeta("refresh", *arguments, database_url=f"sqlite+aiosqlite:///{tmp_path}/x.sqlite")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f'modelmeta: No feed is called "{arguments[-1]}". Known feeds: genai-prices, models-dev, openrouter.'
    ]


# By the operator's token


async def test_the_operator_alone_can_ask_for_a_refresh(file: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await loaded(file, feeds)
        feeds.documents["models-dev"] = catalogue(TWO)
        async with serving(file, tmp_path, operator_token=TOKEN, **feeds.variables(), **GUARD_OFF) as server:
            for wrong in (None, TOKEN[:-1], TOKEN + "x", "another word"):
                (error,) = (await ask(server, REFRESH, token=wrong))["errors"]
                assert error["extensions"]["code"] == "UNAUTHENTICATED"
                assert TOKEN not in error["message"]
            (error,) = (await ask(server, REFRESH, {"sources": ["models.dev"]}, TOKEN))["errors"]
            assert error["message"] == (
                'No feed is called "models.dev". Known feeds: genai-prices, models-dev, openrouter.'
            )
            found = (await ask(server, REFRESH, {"sources": ["models-dev"]}, TOKEN))["data"]["refreshRegistry"]
            assert (found["changeCount"], found["revision"]) == (1, {"number": 2, "changeCount": 1})
            assert {"slug": "models-dev", "status": "OK"} in found["sources"]
            again = (await ask(server, REFRESH, None, TOKEN))["data"]["refreshRegistry"]
            assert (again["changeCount"], again["revision"]["number"]) == (0, 2)
            async with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
                by_get = await client.get("/graphql", params={"query": REFRESH})
            assert by_get.status_code == 405


async def test_the_operator_can_ask_over_a_socket_too(file: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await loaded(file, feeds)
        async with serving(file, tmp_path, operator_token=TOKEN, **feeds.variables()) as server:
            for token, told in ((None, "error"), (1, "error"), (f"Bearer {TOKEN}", "data")):
                address = server.address.replace("http", "ws") + "/graphql"
                async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
                    await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": token}}))
                    assert json.loads(await socket.recv())["type"] == "connection_ack"
                    message = {"id": "1", "type": "subscribe", "payload": {"query": REFRESH}}
                    await socket.send(json.dumps(message))
                    async with asyncio.timeout(40):
                        payload = json.loads(await socket.recv())["payload"]
                assert ("errors" in payload) == (told == "error"), payload


async def test_a_server_without_a_token_refreshes_for_nobody(file: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await loaded(file, feeds)
        feeds.asked.clear()
        async with serving(file, tmp_path, **feeds.variables()) as server:
            for token in (None, "None"):
                (error,) = (await ask(server, REFRESH, token=token))["errors"]
                assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert feeds.asked == []


async def test_a_server_that_ends_ends_its_refresh(url: str, tmp_path: Path) -> None:
    with publishing({"models-dev": catalogue(ONE)}) as feeds:
        await loaded(url, feeds)
        engine = database.create_engine(url)
        async with locks.refresh_lock(engine):
            async with serving(url, tmp_path, operator_token=TOKEN, **feeds.variables()) as server:
                waiting = asyncio.create_task(ask(server, REFRESH, None, TOKEN))
                await asyncio.sleep(2)
                assert not waiting.done()
                assert await server.stop() == 0
            await asyncio.gather(waiting, return_exceptions=True)
        # Nobody else is left who waits for the lock.
        async with locks.refresh_lock(engine, wait=2):
            pass
        await engine.dispose()
