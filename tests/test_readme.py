"""The README is correct: its query gives its response, and its tables and file names are current."""

import json
import re
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from server import database
from server.coverage import coverage, markdown
from server.settings import Settings, settings_table
from tests.support.registry import Ask

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def code_block(language: str, index: int = 0) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return blocks[index]


def test_the_first_two_shell_blocks_are_one_line_each() -> None:
    for index, words in ((0, ("pip install .", "modelmeta serve")), (1, ("pip install '.[test]'", "pytest"))):
        (line,) = code_block("sh", index).splitlines()
        assert all(word in line for word in words)


async def test_the_query_gives_the_response_shown(full: Ask) -> None:
    assert json.loads(code_block("json")) == {"data": await full(code_block("graphql"))}


def test_the_readme_lists_every_setting() -> None:
    table = README.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]
    assert table == settings_table(), "update the table with: modelmeta settings --markdown"
    assert all(f"MODELMETA_{name.upper()}" in table for name in Settings.model_fields)


async def test_the_coverage_table_is_current(full_engine: AsyncEngine) -> None:
    table = README.partition("<!-- coverage -->\n")[2].partition("<!-- /coverage -->")[0]
    async with database.reading(full_engine) as connection:
        rows = await coverage(connection)
    assert table == markdown(rows), "update the table with: modelmeta coverage --markdown"
    for row in rows:
        assert all(count == row.models for count in row.counts.values()), row


def test_every_file_the_readme_mentions_exists() -> None:
    root = Path(__file__).parent.parent
    for name in re.findall(r"`((?:schema|seeds|server|tests)/[\w./]+)`", README):
        assert (root / name).exists(), name
    for name in re.findall(r"\]\(((?!https?:)[^)]+)\)", README):
        assert (root / name).exists(), name
