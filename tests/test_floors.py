"""The promise: a package imports only from those before it in this list, and no two modules import each other."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
ORDER = """
    schema.enums schema.errors schema.strict_json schema.column_types schema.scalars schema.tables
    schema.pricing schema.cache schema.context schema.declarations schema.dataloaders schema.references
    schema.lists schema.types schema.query schema.mutation schema.subscription schema.graph
    seeds.catalogue seeds.curated seeds.feeds seeds.overlay seeds.guard seeds.merge seeds.store seeds.load seeds.refresh
    server.errors server.settings server.coverage server.content
    server.processes server.database server.refresh server.snapshots
    server.graphql server.preload server.graphiql server.pages server.app server.uvicorn_server server.commands server.cli
"""
PLACES = {package: place for place, package in enumerate(ORDER.split())}
PATHS = [path for floor in ("schema", "seeds", "server") for path in (ROOT / floor).rglob("*.py")]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in PATHS}


def imports(path: Path) -> set[str]:
    """The modules a file imports when it runs; imports for type checkers alone do not count."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    blocks = (node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    unread = {node for block in blocks for node in ast.walk(block)}
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and node not in unread]
    pairs = [(f"{node.module}", f"{node.module}.{alias.name}") for node in found for alias in node.names]
    return {name if name in MODULES else module for module, name in pairs} & {*MODULES}


def test_packages_import_one_way() -> None:
    arrows = {name: imports(path) - {name} for name, path in MODULES.items() if "." in name}
    places = {name: PLACES[".".join(name.split(".")[:2])] for name in arrows}
    assert {(name, other) for name in arrows for other in arrows[name] if places[name] < places[other]} == set()
    TopologicalSorter(arrows).prepare()
