"""The promise: error pages help the reader and reveal no internals."""

import re
from pathlib import Path

import httpx
import pytest

from server import database
from tests.support.html import parse_page, raw_values
from tests.support.pages import page_client, visible_text
from tests.support.servers import LEAKS


@pytest.mark.parametrize(
    ("path", "expected", "suggestion"),
    [
        ("/models/openai/gpt-4.1-mny", "Model not found", "openai/gpt-4.1-mini"),
        ("/models/nobody/claude-opus", "Model not found", "claude-opus"),
        ("/providers/opnai", "Provider not found", "openai"),
        ("/families/gpt-4.11", "Family not found", "gpt-4.1"),
    ],
)
async def test_missing_things_are_404_pages_with_suggestions(
    site: httpx.AsyncClient, path: str, expected: str, suggestion: str
) -> None:
    page = await site.get(path)
    assert page.status_code == 404
    assert expected in visible_text(page)
    assert suggestion in page.text
    assert page.headers["cache-control"] == "no-store"
    assert [attributes["name"] for tag, attributes in parse_page(page.text).elements if tag == "input"] == ["q"]
    assert raw_values(page.text) == []


async def test_a_missing_page_is_html_for_browsers_and_json_for_programs(site: httpx.AsyncClient) -> None:
    page, answer = await site.get("/nothing"), await site.get("/nothing", headers={"accept": "*/*"})
    assert (page.status_code, answer.status_code) == (404, 404)
    assert "There is no page at this address." in visible_text(page)
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_failure_is_an_error_page_without_internals(tmp_path: Path) -> None:
    # The database has no tables, so every query fails.
    engine = database.create_engine(f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite")
    async with page_client(engine) as client:
        for path in ("/", "/models/openai/tiny-large", "/compare?models=a&models=b", "/changes.atom", "/nothing"):
            page = await client.get(path)
            assert page.status_code == 500, path
            assert re.search(r"Something went wrong.*\b[0-9a-f]{12}\b", visible_text(page))
            assert not LEAKS.search(visible_text(page))
            assert raw_values(page.text) == []
    await engine.dispose()
