"""The promise: every error has a code, and every code is explained in the README."""

import re
from pathlib import Path

from schema.errors import CODES, codes_table

ROOT = Path(__file__).parents[2]
GIVEN = re.compile(
    r'(?:"code": |ClientError\([^()]*?|HttpError\(\s*\d+,[^()]*?|coded\(error, )"([A-Z]+(?:_[A-Z]+)*)"', re.DOTALL
)


def given() -> set[str]:
    """The codes the program's errors are given."""
    found: set[str] = set()
    for floor in ("schema", "server"):
        for path in (ROOT / floor).rglob("*.py"):
            if "node_modules" not in path.parts:
                found |= set(GIVEN.findall(path.read_text(encoding="utf-8")))
    return found


def test_every_code_that_is_given_is_explained() -> None:
    assert {"TIMEOUT", "NOT_FOUND", "RATE_LIMITED"} <= given()  # it finds them at all
    assert given() <= CODES.keys(), given() - CODES.keys()


def test_every_code_that_is_explained_is_given_somewhere() -> None:
    sources = [
        path.read_text(encoding="utf-8") for floor in ("schema", "server") for path in (ROOT / floor).rglob("*.py")
    ]
    for code in CODES:
        assert sum(text.count(f'"{code}"') for text in sources) >= 2, code


def test_the_readme_explains_every_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- codes -->\n")[2].partition("<!-- /codes -->")[0]
    assert table == "| Code | Meaning |\n| --- | --- |\n" + codes_table(), "write the table anew: modelmeta codes"
