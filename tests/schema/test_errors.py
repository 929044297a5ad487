"""The promise: every error has a code that the README explains, and the diagram of errors matches the classes."""

import importlib
import re
from pathlib import Path

from schema import errors
from schema.errors import CODES, ModelMetaError, codes_table

ROOT = Path(__file__).parents[2]
GIVEN = re.compile(
    r'(?:"code": |ClientError\([^()]*?|HttpError\(\s*\d+,[^()]*?|coded\(error, )"([A-Z]+(?:_[A-Z]+)*)"', re.DOTALL
)


def given() -> set[str]:
    """Every code that the program uses."""
    found: set[str] = set()
    for floor in ("schema", "server"):
        for path in (ROOT / floor).rglob("*.py"):
            if "node_modules" not in path.parts:
                found |= set(GIVEN.findall(path.read_text(encoding="utf-8")))
    return found


def test_every_code_in_use_is_explained() -> None:
    assert {"TIMEOUT", "NOT_FOUND", "RATE_LIMITED"} <= given()  # the search works
    assert given() <= CODES.keys(), given() - CODES.keys()


def test_every_explained_code_is_in_use() -> None:
    sources = [
        path.read_text(encoding="utf-8") for floor in ("schema", "server") for path in (ROOT / floor).rglob("*.py")
    ]
    for code in CODES:
        assert sum(text.count(f'"{code}"') for text in sources) >= 2, code


def test_the_readme_explains_every_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- codes -->\n")[2].partition("<!-- /codes -->")[0]
    assert table == "| Code | Meaning |\n| --- | --- |\n" + codes_table(), "write the table anew: modelmeta codes"


def test_the_diagram_of_errors_matches_the_classes() -> None:
    drawn: dict[type, set[type]] = {ModelMetaError: set()}
    parents: list[type] = [ModelMetaError]
    for branch, name, path in re.findall(r"^((?:│   )*[├└]── )(\w+) .* (\S+)[.]py$", f"{errors.__doc__}", re.MULTILINE):
        error: type = getattr(importlib.import_module(path.replace("/", ".")), name)
        depth = len(branch) // 4
        drawn[parents[depth - 1]].add(error)
        drawn[error] = set()
        parents[depth:] = [error]
    assert len(drawn) == 12
    for error, children in drawn.items():
        assert {*error.__subclasses__()} == children, error
