"""Takes the README's pictures of a running server: `python tests/browser/screenshots.py [URL]`."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parent / "pictures"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def graphiql(url: str) -> None:
    """GraphiQL with its first example answered."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 820})
        page.goto(f"{url}/graphiql")
        page.locator("button.graphiql-execute-button").first.wait_for()
        page.wait_for_timeout(1500)
        page.locator("button.graphiql-execute-button").first.click()
        page.wait_for_timeout(1500)
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / "graphiql.png")
        browser.close()


if __name__ == "__main__":
    graphiql(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
