"""The promise: what the README says is what happens. Its query runs, its answer is the answer, its settings are the settings."""

import json
import re
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from server import database
from server.coverage import coverage, markdown
from server.settings import Settings, settings_table
from tests.support.registry import Ask

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str, place: int = 0) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found[place]


def test_the_first_two_shell_blocks_start_and_test_it_in_one_line_each() -> None:
    for place, words in ((0, ("pip install .", "modelmeta serve")), (1, ("pip install '.[test]'", "pytest"))):
        (line,) = block("sh", place).splitlines()
        assert all(word in line for word in words)


async def test_the_readmes_query_gives_the_readmes_answer(full: Ask) -> None:
    assert json.loads(block("json")) == {"data": await full(block("graphql"))}


def test_the_readme_lists_every_setting() -> None:
    table = README.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]
    assert table == settings_table(), "write the table anew: modelmeta settings --markdown"
    assert all(f"MODELMETA_{name.upper()}" in table for name in Settings.model_fields)


async def test_the_readmes_coverage_is_the_registrys(full_engine: AsyncEngine) -> None:
    table = README.partition("<!-- coverage -->\n")[2].partition("<!-- /coverage -->")[0]
    async with database.reading(full_engine) as connection:
        rows = await coverage(connection)
    assert table == markdown(rows), "write the table anew: modelmeta coverage --markdown"
    for row in rows:
        assert all(count == row.models for count in row.counts.values()), row


def test_every_file_the_readme_names_is_there() -> None:
    root = Path(__file__).parent.parent
    for name in re.findall(r"`((?:schema|seeds|server|tests)/[\w./]+)`", README):
        assert (root / name).exists(), name
    for name in re.findall(r"\]\(((?!https?:)[^)]+)\)", README):
        assert (root / name).exists(), name
