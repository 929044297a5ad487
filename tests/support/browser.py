"""A real Chromium, and visits that record everything that goes wrong on a page."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, async_playwright

from tests.support.registry import IN_CI
from tests.support.servers import Server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EXECUTE_BUTTON = "button.graphiql-execute-button, button[aria-label^='Execute']"
# GraphiQL's editors separate words with no-break spaces.
PAGE_TEXT = "() => document.body.innerText.replaceAll('\\u00a0', ' ')"
EDITOR_TEXT = """() => (
    document.querySelector('textarea#query')?.value
    ?? document.querySelector('.graphiql-query-editor').innerText.replaceAll('\\u00a0', ' ')
)"""


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """Skips the test if no Chromium is installed, except in CI."""
    if CHROMIUM is None:
        if IN_CI:
            pytest.fail("CI needs a Chromium")
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class Visit:
    """An open page, with its requests and everything that went wrong."""

    page: Page
    problems: list[str] = field(default_factory=list[str])
    requested_urls: list[str] = field(default_factory=list[str])

    async def settle(self) -> None:
        await self.page.wait_for_load_state("networkidle")

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters in the URL of the page."""
        return parse_qs(urlsplit(self.page.url).query)

    async def execute(self) -> None:
        """Runs the operation in GraphiQL's editor."""
        button = self.page.locator(EXECUTE_BUTTON).first
        await button.wait_for(timeout=60_000)
        await button.click()

    async def wait_for_text(self, text: str) -> None:
        await self.page.wait_for_function(f"(text) => ({PAGE_TEXT})().includes(text)", arg=text, timeout=60_000)


@asynccontextmanager
async def visiting(
    browser: Browser, server: Server, path: str, *, missing: bool = False, **context_options: Any
) -> AsyncGenerator[Visit]:
    """Opens a page of the server. Fails in the end if anything went wrong or another host was contacted.

    With `missing`, the page may be a 404.
    """
    options: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, **context_options}
    context = await browser.new_context(**options)
    visit = Visit(await context.new_page())
    page, problems = visit.page, visit.problems
    socket = server.address.replace("http", "ws")
    own_urls = (f"{server.address}/", f"{socket}/", "data:", f"blob:{server.address}/")

    def on_request(request: Request) -> None:
        visit.requested_urls.append(request.url)
        if not request.url.startswith(own_urls):
            problems.append(f"request to {request.url}")

    def on_response(response: Response) -> None:
        if response.status >= 400 and not (missing and response.status == 404):
            problems.append(f"{response.status} for {response.url}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (missing and "404" in message.text):
            problems.append(message.text)

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        await page.goto(f"{server.address}{path}", wait_until="load", timeout=60_000)
        yield visit
        assert problems == []
    finally:
        await context.close()
