"""The promise: changes are described in words, on pages and in the Atom feed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from xml.etree import ElementTree

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.html import parse_page, raw_values
from tests.support.pages import next_day, page_client, visible_text
from tests.support.registry import NOW, put, tiny


@pytest_asyncio.fixture(loop_scope="session")
async def refreshed_site(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The tiny registry after a refresh that changed something."""
    await put(engine, tiny())
    await put(engine, next_day(), NOW + timedelta(days=1))
    async with page_client(engine) as client:
        yield client


async def test_changes_are_described_in_words(refreshed_site: httpx.AsyncClient) -> None:
    page = await refreshed_site.get("/changes")
    text = visible_text(page)
    assert raw_values(page.text) == []
    for expected in (
        "Revision 2 24 November 2026, 12:00 UTC",
        "Tiny Large OpenAI Input price $2.50 $2.20",
        "Tiny Large OpenAI Batch input price $1.25 $1.10",
        "Tiny Large OpenAI Context window 200,000 tokens 300,000 tokens",
        "Tiny Large OpenAI Vision Not listed Yes",
        "Tiny Large OpenAI Parameter top_p Not listed Supported",
        "Tiny Small OpenAI Status Active Retired",
        "Tiny Next OpenAI Model added",
    ):
        assert expected in text, expected


@pytest.mark.parametrize(
    ("query_string", "count", "expected"),
    [
        ("?kind=price-changed", "2 changes", "Input price"),
        ("?kind=model-added&kind=model-retired", "2 changes", "Tiny Next"),
        ("?model=openai/tiny-small", "1 change", "Retired"),
        ("?provider=azure", "1 change", "Name"),
        ("?since=2026-11-25", "0 changes", "No matching changes."),
        ("?since=2026-11-24", "8 changes", "Vision"),
        ("?since=tomorrow", "8 changes", "“tomorrow” is not a date"),
        ("?kind=weather", "8 changes", "Unknown type of change “weather” ignored."),
    ],
)
async def test_the_url_filters_changes(
    refreshed_site: httpx.AsyncClient, query_string: str, count: str, expected: str
) -> None:
    page = await refreshed_site.get(f"/changes{query_string}")
    assert f"{count}." in visible_text(page)
    assert expected in visible_text(page)
    feed = ElementTree.fromstring((await refreshed_site.get(f"/changes.atom{query_string}")).content)  # noqa: S314 - our own
    assert len(feed.findall("{*}entry")) == int(count.split()[0])


async def test_a_model_page_shows_its_recent_changes(refreshed_site: httpx.AsyncClient) -> None:
    text = visible_text(await refreshed_site.get("/models/openai/tiny-large"))
    assert "24 Nov 2026 Context window 200,000 tokens 300,000 tokens" in text[text.index("Date Change Before After") :]
    added = visible_text(await refreshed_site.get("/models/openai/tiny-next"))
    assert "24 Nov 2026 Model added" in added


async def test_the_atom_feed_is_valid_and_its_links_work(refreshed_site: httpx.AsyncClient) -> None:
    answer = await refreshed_site.get("/changes.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)  # noqa: S314 - our own
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    assert feed.findtext("{*}updated") == "2026-11-24T12:00:00Z"
    entries = feed.findall("{*}entry")
    ids = [entry.findtext("{*}id") for entry in entries]
    assert len(set(ids)) == len(entries) == 8
    assert "Tiny Large: Input price, $2.50 → $2.20" in [entry.findtext("{*}title") for entry in entries]
    assert "Tiny <b>Small</b> & co: Name, Tiny Small (Azure) → Tiny <b>Small</b> & co" in [
        entry.findtext("{*}title") for entry in entries
    ]
    for entry in entries:
        (link,) = entry.findall("{*}link")
        assert (await refreshed_site.get(link.attrib["href"])).status_code == 200
        assert entry.findtext("{*}updated") == "2026-11-24T12:00:00Z"
    # A change keeps its id, so feed readers show it once.
    again = ElementTree.fromstring((await refreshed_site.get("/changes.atom?kind=price-changed")).content)  # noqa: S314 - our own
    assert {entry.findtext("{*}id") for entry in again.findall("{*}entry")} <= set(ids)
    page = parse_page((await refreshed_site.get("/changes")).text)
    assert "./changes.atom" in page.attributes("link", "href")
