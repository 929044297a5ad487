"""Example operations: the tabs of GraphiQL, the list of the console, and a test of the schema."""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "examples"


class Example(NamedTuple):
    name: str
    title: str
    query: str
    variables: str | None
    """JSON, as shown in the variables editor."""


def examples(folder: Path = FOLDER) -> list[Example]:
    """The examples in order of their file names; the comment on the first line is the title."""
    found: list[Example] = []
    for file in sorted(folder.glob("*.graphql")):
        query = file.read_text("utf-8").strip()
        title = query.partition("\n")[0].removeprefix("#").strip()
        variables_file = file.with_suffix(".variables.json")
        variables = variables_file.read_text("utf-8").strip() if variables_file.exists() else None
        found.append(Example(file.stem.partition("-")[2] or file.stem, title, query, variables))
    return found
