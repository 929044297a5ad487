"""The promise: GraphiQL loads from our own origin only, and all its examples work."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from sqlalchemy.ext.asyncio import AsyncEngine

from server import database
from server.database.revisions import Watch
from server.graphiql.example import FOLDER, examples
from server.graphql.execution import Runner
from server.graphql.operations import Request
from tests.support.browser import EDITOR_TEXT, visiting
from tests.support.registry import IN_CI, Ask, settings_for
from tests.support.servers import ROOT, Server, serving, tiny_database, tiny_server
from tests.support.subscribers import write_prices

BUILT = (ROOT / "server" / "graphiql" / "build" / "assets").exists()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The tiny registry, served."""
    async with tiny_server(tmp_path_factory.mktemp("graphiql")) as running:
        yield running


def graphiql(**parameters: str) -> str:
    return f"/graphiql?{urlencode(parameters)}" if parameters else "/graphiql"


@pytest.mark.browser
async def test_graphiql_runs_its_first_example_without_contacting_other_hosts(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, graphiql()) as visit:
        await visit.execute()
        await visit.wait_for_text('"modelCount": 3')
        await visit.wait_for_text('"providerCount": 2')
        assert "query Registry" in await visit.page.evaluate(EDITOR_TEXT)
        await visit.settle()


@pytest.mark.browser
async def test_graphiql_links_to_the_schema_the_catalog_and_the_changes(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, graphiql()) as visit:
        examples_button = visit.page.get_by_role("button", name="Show Examples")
        if not BUILT:
            assert not IN_CI, "GraphiQL was not built"
            pytest.skip("GraphiQL was not built here, and the minimal console has no sidebar")
        await examples_button.click()
        links = visit.page.get_by_role("navigation", name="More").get_by_role("link")
        urls = [await link.get_attribute("href") for link in await links.all()]
        assert urls == [f"{server.address}/{path}" for path in ("schema.graphql", "", "changes")]
        async with server.client() as client:
            assert [(await client.get(str(url))).status_code for url in urls] == [200, 200, 200]


@pytest.mark.browser
async def test_a_link_opens_its_document_and_variables(browser: Browser, server: Server) -> None:
    query = "query Linked($ref: String!) { model(ref: $ref) { name price { input } } }"
    variables = json.dumps({"ref": "openai/tiny-large"})
    async with visiting(browser, server, graphiql(query=query, variables=variables)) as visit:
        await visit.execute()
        await visit.wait_for_text('"name": "Tiny Large"')
        await visit.wait_for_text('"input": "2.5"')
        assert "query Linked($ref: String!)" in await visit.page.evaluate(EDITOR_TEXT)
        await visit.settle()


@pytest.mark.browser
async def test_a_subscription_shows_each_event_when_it_arrives(browser: Browser, tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url, serving(url, tmp_path) as server:
        query = "subscription Refreshes { registryRefreshed { number changeCount } }"
        async with visiting(browser, server, graphiql(query=query)) as visit:
            await visit.execute()
            await visit.wait_for_text('"number": 1')
            engine = database.create_engine(url)
            await write_prices(engine, 1)
            await engine.dispose()
            await visit.wait_for_text('"number": 2')


@pytest.mark.browser
async def test_a_script_in_a_link_is_shown_but_never_run(browser: Browser, server: Server) -> None:
    query = "# </script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\n{ registry { modelCount } }"
    async with visiting(browser, server, graphiql(query=query)) as visit:
        await visit.execute()
        await visit.wait_for_text('"modelCount": 3')
        assert "taken" not in await visit.page.title()


async def test_the_content_security_policy_allows_no_other_hosts(server: Server) -> None:
    async with server.client() as client:
        page = await client.get("/graphiql")
        again = await client.get("/graphiql", headers={"if-none-match": page.headers["etag"]})
    parts = [part.strip() for part in page.headers["content-security-policy"].split(";")]
    policy = {part.partition(" ")[0]: part.partition(" ")[2] for part in parts}
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert (policy["script-src"], policy["connect-src"]) == ("'self'", "'self'")
    assert "//" not in page.headers["content-security-policy"]
    assert 'src="http' not in page.text
    assert 'href="http' not in page.text
    assert again.status_code == 304


AFTER_REFRESH = {"refreshes", "changes"}
"""Examples that return data only after a refresh."""


@pytest.mark.parametrize("name", [example.name for example in examples() if example.name not in AFTER_REFRESH])
async def test_every_example_returns_data(full: Ask, name: str) -> None:
    (example,) = [example for example in examples() if example.name == name]
    assert_has_data(await full(example.query, json.loads(example.variables or "{}")))


@pytest.mark.parametrize("name", sorted(AFTER_REFRESH))
async def test_examples_about_changes_return_data_after_a_refresh(engine: AsyncEngine, name: str) -> None:
    (example,) = [example for example in examples() if example.name == name]
    for day in (1, 2):
        await write_prices(engine, day)
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)), Watch(engine))
    ready = runner.prepare(Request(example.query, json.loads(example.variables or "{}"), None, {}))
    if ready.is_subscription:
        async with aclosing(runner.events(ready)) as events:
            answer = json.loads(await anext(events))
    else:
        answer = await runner.run(ready)
    assert "errors" not in answer, answer
    assert_has_data(answer["data"])


def assert_has_data(data: dict[str, Any]) -> None:
    assert data
    for field_name, value in data.items():
        assert value, f"{field_name} is empty"
        if "nodes" in value:
            assert value["nodes"], f"{field_name} lists nothing"


def test_every_example_has_a_title_and_every_file_is_used() -> None:
    found = examples()
    assert len(found) == len(list(FOLDER.glob("*.graphql"))) > 5
    assert len({example.title for example in found}) == len(found)
    for example in found:
        assert example.query.startswith(f"# {example.title}\n")
        assert len(example.title) > 10
    assert sum(example.variables is not None for example in found) == len(list(FOLDER.glob("*.variables.json")))
