"""Regenerates the screenshots of the README from a running server: `python -m tests.browser.screenshots [URL]`."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
COMPARED = "models=openai/gpt-6.1-terra&models=anthropic/claude-sonnet-5-5&models=google/gemini-4-argon"
PAGES = {
    "catalogue": ("/", "light"),
    "model": ("/models/openai/gpt-4.1-mini", "light"),
    "model-dark": ("/models/openai/gpt-4.1-mini", "dark"),
    "compare": (f"/compare?{COMPARED}", "light"),
}


def capture_graphiql(browser: Browser, url: str) -> None:
    """GraphiQL with the result of its first example."""
    page = browser.new_page(viewport={"width": 1400, "height": 820})
    page.goto(f"{url}/graphiql")
    page.locator("button.graphiql-execute-button").first.wait_for()
    page.wait_for_timeout(1500)
    page.locator("button.graphiql-execute-button").first.click()
    page.wait_for_timeout(1500)
    page.screenshot(path=PICTURES / "graphiql.png")
    page.close()


def capture_pages(browser: Browser, url: str) -> None:
    """The pages at desktop size, and a model page on a phone."""
    for name, (path, scheme) in PAGES.items():
        page = browser.new_page(
            viewport={"width": 1280, "height": 860}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page.goto(f"{url}{path}", wait_until="networkidle")
        page.screenshot(path=PICTURES / f"{name}.png")
        page.close()
    phone = browser.new_page(viewport={"width": 360, "height": 780}, device_scale_factor=2)
    phone.goto(f"{url}/models/openai/gpt-4.1-mini", wait_until="networkidle")
    phone.screenshot(path=PICTURES / "model-phone.png")
    phone.close()


def capture_all(url: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        capture_graphiql(browser, url)
        capture_pages(browser, url)
        browser.close()


if __name__ == "__main__":
    capture_all(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
