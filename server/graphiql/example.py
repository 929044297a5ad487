"""Worked operations: GraphiQL's tabs, the console's list, and a test of the schema."""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "examples"


class Example(NamedTuple):
    name: str
    title: str
    query: str
    variables: str | None
    """JSON, as it stands in the variables editor."""


def examples(folder: Path = FOLDER) -> list[Example]:
    """In the order of their file names; the first comment line is the title."""
    found: list[Example] = []
    for file in sorted(folder.glob("*.graphql")):
        query = file.read_text("utf-8").strip()
        title = query.partition("\n")[0].removeprefix("#").strip()
        variables = file.with_suffix(".variables.json")
        given = variables.read_text("utf-8").strip() if variables.exists() else None
        found.append(Example(file.stem.partition("-")[2] or file.stem, title, query, given))
    return found
