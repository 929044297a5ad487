"""The promise: GraphiQL opens from our own origin alone, and whatever it offers to run, runs."""

import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from sqlalchemy.ext.asyncio import AsyncEngine

from server import database
from server.database.revisions import Watch
from server.graphiql.example import FOLDER, examples
from server.graphql.execution import Request, Runner
from tests.support.registry import IN_CI, Ask, settings_for
from tests.support.servers import ROOT, Server, serving, tiny_database, tiny_server
from tests.support.subscribers import refreshed

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BUILT = (ROOT / "server" / "graphiql" / "build" / "assets").exists()
SHOWN = "() => document.body.innerText.replaceAll('\\u00a0', ' ')"
EDITED = """() => (
    document.querySelector('textarea#query')?.value
    ?? document.querySelector('.graphiql-query-editor').innerText.replaceAll('\\u00a0', ' ')
)"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The tiny registry, served."""
    async with tiny_server(tmp_path_factory.mktemp("graphiql")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium. Skips where there is none, except in CI."""
    if CHROMIUM is None:
        if IN_CI:
            pytest.fail("CI has to have a Chromium")
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        await launched.close()


@dataclass
class Visit:
    """A page with all that went wrong on it."""

    page: Page
    wrong: list[str] = field(default_factory=list[str])

    async def execute(self) -> None:
        button = self.page.locator("button.graphiql-execute-button, button[aria-label^='Execute']").first
        await button.wait_for(timeout=60_000)
        await button.click()

    async def shows(self, text: str) -> None:
        await self.page.wait_for_function(f"(text) => ({SHOWN})().includes(text)", arg=text, timeout=60_000)


@asynccontextmanager
async def visiting(browser: Browser, server: Server, **asked: str) -> AsyncGenerator[Visit]:
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    visit = Visit(await context.new_page())
    page, wrong = visit.page, visit.wrong
    socket = server.address.replace("http", "ws")
    ours = (f"{server.address}/", f"{socket}/", "data:", f"blob:{server.address}/")
    page.on("request", lambda sent: None if sent.url.startswith(ours) else wrong.append(f"left for {sent.url}"))
    page.on("response", lambda got: wrong.append(f"{got.status} for {got.url}") if got.status >= 400 else None)
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        query = f"?{urlencode(asked)}" if asked else ""
        await page.goto(f"{server.address}/graphiql{query}", wait_until="load", timeout=60_000)
        yield visit
    finally:
        await context.close()


@pytest.mark.browser
async def test_graphiql_runs_its_first_example_and_never_leaves_our_origin(browser: Browser, server: Server) -> None:
    async with visiting(browser, server) as visit:
        await visit.execute()
        await visit.shows('"modelCount": 3')
        await visit.shows('"providerCount": 2')
        assert "query Registry" in await visit.page.evaluate(EDITED)
        await visit.page.wait_for_load_state("networkidle")
        assert visit.wrong == []


@pytest.mark.browser
async def test_graphiql_leads_to_the_schema_and_the_catalogue(browser: Browser, server: Server) -> None:
    async with visiting(browser, server) as visit:
        examples = visit.page.get_by_role("button", name="Show Examples")
        if not BUILT:
            assert not IN_CI, "GraphiQL was not built"
            pytest.skip("GraphiQL was not built here: the small console has no side bar")
        await examples.click()
        links = visit.page.get_by_role("navigation", name="Read on").get_by_role("link")
        addresses = [await link.get_attribute("href") for link in await links.all()]
        assert addresses == [f"{server.address}/{path}" for path in ("schema.graphql", "", "changes")]
        async with server.client() as client:
            assert [(await client.get(str(each))).status_code for each in addresses] == [200, 200, 200]
        assert visit.wrong == []


@pytest.mark.browser
async def test_a_link_opens_its_document_with_its_variables(browser: Browser, server: Server) -> None:
    query = "query Linked($ref: String!) { model(ref: $ref) { name price { input } } }"
    variables = json.dumps({"ref": "openai/tiny-large"})
    async with visiting(browser, server, query=query, variables=variables) as visit:
        await visit.execute()
        await visit.shows('"name": "Tiny Large"')
        await visit.shows('"input": "2.5"')
        assert "query Linked($ref: String!)" in await visit.page.evaluate(EDITED)
        await visit.page.wait_for_load_state("networkidle")
        assert visit.wrong == []


@pytest.mark.browser
async def test_a_subscription_shows_each_event_as_it_lands(browser: Browser, tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url, serving(url, tmp_path) as server:
        query = "subscription Refreshes { registryRefreshed { number changeCount } }"
        async with visiting(browser, server, query=query) as visit:
            await visit.execute()
            await visit.shows('"number": 1')
            engine = database.create_engine(url)
            await refreshed(engine, 1)
            await engine.dispose()
            await visit.shows('"number": 2')
            assert visit.wrong == []


@pytest.mark.browser
async def test_what_a_link_carries_is_shown_and_never_run_as_script(browser: Browser, server: Server) -> None:
    query = "# </script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\n{ registry { modelCount } }"
    async with visiting(browser, server, query=query) as visit:
        await visit.execute()
        await visit.shows('"modelCount": 3')
        assert "taken" not in await visit.page.title()
        assert visit.wrong == []


async def test_the_page_allows_nothing_from_elsewhere(server: Server) -> None:
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


MOVING = {"refreshes", "changes"}
"""Examples of what only a registry has that was refreshed."""


@pytest.mark.parametrize("name", [example.name for example in examples() if example.name not in MOVING])
async def test_every_example_runs_and_finds_something(full: Ask, name: str) -> None:
    (example,) = [each for each in examples() if each.name == name]
    finds_something(await full(example.query, json.loads(example.variables or "{}")))


@pytest.mark.parametrize("name", sorted(MOVING))
async def test_examples_of_what_moves_find_something_once_it_has(engine: AsyncEngine, name: str) -> None:
    (example,) = [each for each in examples() if each.name == name]
    for day in (1, 2):
        await refreshed(engine, day)
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)), Watch(engine))
    ready = runner.prepare(Request(example.query, json.loads(example.variables or "{}"), None, {}))
    if ready.is_subscription:
        async with aclosing(runner.events(ready)) as events:
            answer = json.loads(await anext(events))
    else:
        answer = await runner.run(ready)
    assert "errors" not in answer, answer
    finds_something(answer["data"])


def finds_something(data: dict[str, Any]) -> None:
    assert data
    for field_name, value in data.items():
        assert value, f"{field_name} is empty"
        if "nodes" in value:
            assert value["nodes"], f"{field_name} lists nothing"


def test_every_example_has_a_title_and_no_file_is_left_aside() -> None:
    found = examples()
    assert len(found) == len(list(FOLDER.glob("*.graphql"))) > 5
    assert len({example.title for example in found}) == len(found)
    for example in found:
        assert example.query.startswith(f"# {example.title}\n")
        assert len(example.title) > 10
    assert sum(example.variables is not None for example in found) == len(list(FOLDER.glob("*.variables.json")))
