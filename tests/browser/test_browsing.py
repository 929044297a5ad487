"""The promise: the pages work with keyboard, screen reader, phone and without JavaScript, and contact no other host."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # pyright: ignore[reportMissingTypeStubs] - it has none
from playwright.async_api import Browser, Page, expect

from seeds import load
from seeds.store.store import store
from server import database
from tests.support.browser import EDITOR_TEXT, visiting
from tests.support.registry import create_database, drop_database
from tests.support.servers import Server, serving

pytestmark = pytest.mark.browser
PAGES = [
    "/",
    "/?q=claude&capability=vision&sort=input-price",
    "/?q=zzzzqqqq",
    "/models/openai/gpt-4.1-mini",
    "/models/openrouter/deepseek/deepseek-v4-flash",
    "/models/mistral/voxtral-mini-transcribe-realtime-3-0",
    "/providers",
    "/providers/openai",
    "/families/gpt-4.1",
    "/compare",
    "/compare?models=openai/gpt-4.1-mini&models=anthropic/claude-haiku-5-5&models=google/gemini-2.5-pro",
    "/changes?kind=price-changed",
    "/models/openai/nothing",
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(loaded: load.Loaded, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The whole registry, served."""
    folder = tmp_path_factory.mktemp("pages")
    url = await create_database("sqlite", folder)
    engine = database.create_engine(url)
    await database.prepare(engine)
    async with database.writing(engine) as connection:
        await load.write(connection, loaded)
        await store(connection, loaded.merged, loaded.now)
    await engine.dispose()
    async with serving(url, folder) as running:
        yield running
    await drop_database(url)


async def listed_names(page: Page) -> list[str]:
    return [text.strip() for text in await page.locator("table.models th[scope=row] a").all_inner_texts()]


async def listed_refs(page: Page) -> list[str]:
    refs: list[str] = await page.locator(".pick input").evaluate_all("inputs => inputs.map(input => input.value)")
    return refs


async def axe_violations(page: Page) -> list[dict[str, Any]]:
    axe: Any = Axe()
    violations: list[dict[str, Any]] = (await axe.run(page)).response["violations"]
    return violations


# Searching and selecting


async def test_typing_searches_and_keeps_focus_and_url(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/") as visit:
        box = visit.page.get_by_label("Search models")
        await box.press_sequentially("gpt-4.1 mini", delay=25)
        await expect(visit.page.locator("#count")).to_contain_text("for “gpt-4.1 mini”")
        await visit.settle()
        assert "GPT-4.1 mini" in (await listed_names(visit.page))[0]
        await expect(box).to_be_focused()
        assert await box.input_value() == "gpt-4.1 mini"
        assert visit.parameters == {"q": ["gpt-4.1 mini"]}
        part_urls = [url for url in visit.requested_urls if "part=list" in url]
        assert 0 < len(part_urls) < 12, "a request for every letter"
        found = await listed_names(visit.page)
        await visit.page.reload()
        assert await listed_names(visit.page) == found


async def test_a_late_response_is_not_shown(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/") as visit:

        async def delayed(route: Any) -> None:
            if "q=claude&" in route.request.url:
                await visit.page.wait_for_timeout(900)
            try:
                await route.continue_()
            except Exception as error:  # the browser canceled the request
                assert "already handled" in str(error) or "closed" in str(error) or "interception" in str(error).lower()

        await visit.page.route("**/*part=list*", delayed)
        box = visit.page.get_by_label("Search models")
        await box.fill("claude")
        await visit.page.wait_for_timeout(300)
        await box.fill("gemini")
        await expect(visit.page.locator("#count")).to_contain_text("for “gemini”")
        await visit.page.wait_for_timeout(1_200)
        await expect(visit.page.locator("#count")).to_contain_text("for “gemini”")
        await visit.page.unroute_all(behavior="ignoreErrors")


async def test_a_filter_applies_at_once_and_can_be_removed(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/?sellers=all") as visit:
        before = await visit.page.locator("#count").inner_text()
        box = visit.page.get_by_role("checkbox", name=re.compile("^Reasoning"))
        await box.check()
        await expect(visit.page.locator("#count")).not_to_have_text(before)
        await visit.settle()
        assert visit.parameters == {"sellers": ["all"], "capability": ["reasoning"]}
        await expect(visit.page.get_by_role("checkbox", name=re.compile("^Reasoning"))).to_be_focused()
        await visit.page.get_by_label("Minimum context").select_option("1000000")
        await expect(visit.page.locator(".chips")).to_contain_text("Context: at least 1M")
        await visit.page.get_by_label("Max. input price").fill("1")
        await expect(visit.page.locator(".chips")).to_contain_text("Input price: up to $1")
        await visit.page.get_by_role("link", name=re.compile("^Capability: Reasoning")).click()
        await expect(visit.page.locator(".chips")).not_to_contain_text("Reasoning")
        await visit.settle()
        assert visit.parameters == {"sellers": ["all"], "context": ["1000000"], "price": ["1"]}


async def test_a_column_sorts_both_ways_and_the_back_button_undoes_it(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/?q=mini") as visit:
        by_relevance = await listed_names(visit.page)
        head = visit.page.get_by_role("columnheader", name="Context")
        await head.get_by_role("link").click()
        await expect(head).to_have_attribute("aria-sort", "descending")
        await head.get_by_role("link").click()
        await expect(head).to_have_attribute("aria-sort", "ascending")
        await visit.settle()
        assert visit.parameters == {"q": ["mini"], "sort": ["context"], "order": ["asc"]}
        await visit.page.go_back()
        await expect(head).to_have_attribute("aria-sort", "descending")
        await visit.page.go_back()
        await visit.settle()
        assert await listed_names(visit.page) == by_relevance


async def test_the_pager_works(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/?provider=openai&sort=name") as visit:
        first = await listed_refs(visit.page)
        await visit.page.get_by_role("link", name="Next").click()
        await expect(visit.page.get_by_role("link", name="Previous")).to_be_visible()
        await visit.settle()
        assert not set(first) & set(await listed_refs(visit.page))
        await visit.page.get_by_role("link", name="Previous").click()
        await expect(visit.page.locator(".pick input").first).to_have_value(first[0])
        assert await listed_refs(visit.page) == first


async def test_a_model_opens_from_the_list_and_its_cost_updates_while_typing(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/?q=gpt-4.1+mini") as visit:
        await visit.page.get_by_role("link", name="GPT-4.1 mini", exact=True).first.click()
        await expect(visit.page.locator("h1")).to_contain_text("GPT-4.1 mini")
        await expect(visit.page.locator("#estimate")).to_contain_text("$2.00 for 1,000 requests")
        box = visit.page.get_by_label("Input tokens per request")
        await box.fill("10000")
        await expect(visit.page.locator("#estimate")).to_contain_text("$4.80 for 1,000 requests")
        await expect(box).to_be_focused()
        await visit.page.get_by_label("Tier").select_option("batch")
        await expect(visit.page.locator("#estimate")).to_contain_text("$2.40 for 1,000 requests")
        await visit.settle()
        assert visit.parameters["input"] == ["10000"]
        assert visit.parameters["tier"] == ["batch"]
        await visit.page.reload()
        await expect(visit.page.locator("#estimate")).to_contain_text("$2.40 for 1,000 requests")


async def test_the_model_id_is_copied(browser: Browser, server: Server) -> None:
    async with visiting(
        browser, server, "/models/openai/gpt-4.1-mini", permissions=["clipboard-read", "clipboard-write"]
    ) as visit:
        await visit.page.get_by_role("button", name="Copy model id").first.click()
        await expect(visit.page.get_by_text("Copied")).to_be_visible()
        assert await visit.page.evaluate("navigator.clipboard.readText()") == "gpt-4.1-mini"


async def test_models_selected_in_lists_are_compared(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/?q=gpt-4.1&sellers=makers") as visit:
        await visit.page.get_by_role("checkbox", name="Compare GPT-4.1 at OpenAI").check()
        await visit.page.get_by_label("Search models").fill("claude haiku")
        await expect(visit.page.locator("#count")).to_contain_text("claude haiku")
        await visit.page.locator(".pick input").first.check()
        await visit.page.get_by_role("link", name="Compare 2").click()
        await expect(visit.page.locator(".comparison thead")).to_contain_text("GPT-4.1")
        assert visit.parameters["models"][0] == "openai/gpt-4.1"
        await expect(visit.page.get_by_role("rowheader", name="Context window")).to_be_visible()
        await visit.page.get_by_role("link", name="Show only differences").click()
        await expect(visit.page.get_by_role("link", name="Show all rows")).to_be_visible()


async def test_a_model_page_adds_the_model_to_the_comparison(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/models/openai/gpt-4.1-mini") as visit:
        await visit.page.get_by_role("link", name="Compare", exact=True).nth(1).click()
        await expect(visit.page.locator("#tray")).to_contain_text("GPT-4.1 mini")
        await expect(visit.page.locator("#tray")).to_contain_text("Add one more model")
        await visit.page.get_by_role("button", name="Remove GPT-4.1 mini").click()
        await expect(visit.page.locator("#tray")).to_be_hidden()


async def test_the_query_of_a_page_opens_in_graphiql_and_runs(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/models/openai/gpt-4.1-mini") as visit:
        await visit.page.get_by_role("link", name="View GraphQL query").click()
        await visit.execute()
        await visit.wait_for_text('"ref": "openai/gpt-4.1-mini"')
        assert "query ModelPage" in await visit.page.evaluate(EDITOR_TEXT)


# Without JavaScript


async def test_everything_but_the_live_parts_works_without_javascript(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/", java_script_enabled=False) as visit:
        page = visit.page
        await page.get_by_label("Search models").fill("gpt-4.1")
        await page.get_by_role("button", name="Search", exact=True).click()
        await expect(page.locator("#count")).to_contain_text("for “gpt-4.1”")
        await page.get_by_role("checkbox", name=re.compile("^Vision")).check()
        await page.get_by_role("button", name="Apply filters").click()
        assert visit.parameters["capability"] == ["vision"]
        await page.get_by_role("columnheader", name="Input price").get_by_role("link").click()
        await expect(page.get_by_role("columnheader", name="Input price")).to_have_attribute("aria-sort", "ascending")
        boxes = page.locator(".pick input")
        await boxes.nth(0).check()
        await boxes.nth(1).check()
        await page.get_by_role("button", name="Compare selected").click()
        await expect(page.locator(".comparison")).to_be_visible()
        await page.get_by_label("Add a model").fill("claude haiku")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name=re.compile("^Add Claude")).first.click()
        assert len(visit.parameters["models"]) == 3
        await page.goto(f"{server.address}/models/openai/gpt-4.1-mini")
        await expect(page.get_by_role("button", name="Copy model id")).to_have_count(0)
        await page.get_by_label("Input tokens per request").fill("10000")
        await page.get_by_role("button", name="Calculate").click()
        await expect(page.locator("#estimate")).to_contain_text("$4.80 for 1,000 requests")
        await page.goto(f"{server.address}/providers")
        await page.get_by_label("Search providers").fill("mistral")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Mistral AI").click()
        await expect(page.locator("h1")).to_have_text("Mistral AI")


async def test_filters_open_on_a_phone_without_javascript(browser: Browser, server: Server) -> None:
    phone = {"width": 360, "height": 740}
    async with visiting(browser, server, "/", java_script_enabled=False, viewport=phone) as visit:
        await expect(visit.page.get_by_label("Minimum context")).to_be_hidden()
        await visit.page.get_by_role("button", name="Filters").click()
        await visit.page.get_by_role("button", name="Close").click()
        await expect(visit.page.get_by_label("Minimum context")).to_be_hidden()
        await visit.page.get_by_role("button", name="Filters").click()
        await visit.page.get_by_label("Minimum context").select_option("1000000")
        await visit.page.get_by_role("button", name="Apply filters").click()
        await expect(visit.page.locator(".chips")).to_contain_text("Context: at least 1M")


# Accessibility


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
async def test_axe_finds_no_violations(browser: Browser, server: Server, path: str, scheme: str) -> None:
    async with visiting(browser, server, path, missing=True, color_scheme=scheme) as visit:
        for width in (1280, 360):
            await visit.page.set_viewport_size({"width": width, "height": 800})
            violations = [
                f"{violation['id']}: {node['html'][:120]} {node['failureSummary'][:160]}"
                for violation in await axe_violations(visit.page)
                for node in violation["nodes"][:3]
            ]
            assert violations == [], f"{path} in {scheme} at {width}"


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_overflows_at_any_width(browser: Browser, server: Server, path: str) -> None:
    async with visiting(browser, server, path, missing=True) as visit:
        for width in (360, 414, 600, 768, 1024, 1280, 2200):
            await visit.page.set_viewport_size({"width": width, "height": 800})
            wide = await visit.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} at {width}"


async def test_the_keyboard_reaches_everything_and_focus_is_visible(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/models/openai/gpt-4.1-mini") as visit:
        await visit.page.keyboard.press("Tab")
        assert await visit.page.evaluate("document.activeElement.textContent") == "Skip to content"
        await visit.page.keyboard.press("Enter")
        assert await visit.page.evaluate("document.activeElement.id") == "main"
        for _ in range(12):
            await visit.page.keyboard.press("Tab")
            outline = await visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", await visit.page.evaluate("document.activeElement.outerHTML")


async def test_a_page_prints_without_its_controls(browser: Browser, server: Server) -> None:
    async with visiting(browser, server, "/models/openai/gpt-4.1-mini") as visit:
        await visit.page.emulate_media(media="print")
        await expect(visit.page.locator(".calculator")).to_be_hidden()
        await expect(visit.page.locator("h1")).to_be_visible()
        await expect(visit.page.get_by_role("table", name="Specifications")).to_be_visible()


async def test_text_can_be_enlarged_to_200_percent(browser: Browser, server: Server) -> None:
    async with visiting(
        browser, server, "/models/openai/gpt-4.1-mini", viewport={"width": 640, "height": 800}
    ) as visit:
        await visit.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= 640
