"""The promise: a package imports only from those before it in this list, and no two modules import each other."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
ORDER = [
    "schema.enums",
    "schema.labels",
    "schema.errors",
    "schema.column_types",
    "schema.scalars",
    "schema.tables",
    "schema.pricing",
    "schema.single_flight",
    "schema.context",
    "schema.dataloaders",
    "schema.references",
    "schema.lists",
    "schema.declarations",
    "schema.types",
    "schema.query",
    "schema.mutation",
    "schema.subscription",
    "schema.graph",
    "seeds.catalogue",
    "seeds.curated",
    "seeds.feeds",
    "seeds.overlay",
    "seeds.guard",
    "seeds.merge",
    "seeds.store",
    "seeds.load",
    "seeds.refresh",
    "server.errors",
    "server.settings",
    "server.coverage",
    "server.database",
    "server.refresh",
    "server.snapshots",
    "server.graphql",
    "server.graphiql",
    "server.pages",
    "server.app",
    "server.uvicorn_server",
    "server.commands",
    "server.cli",
]
PATHS = [path for floor in ("schema", "seeds", "server") for path in (ROOT / floor).rglob("*.py")]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in PATHS}


def imports(path: Path) -> set[str]:
    """The modules a file imports when it runs; imports for type checkers alone do not count."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    blocks = (node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    unread = {node for block in blocks for node in ast.walk(block)}
    found = [(node.module, node.names) for node in nodes if isinstance(node, ast.ImportFrom) and node not in unread]
    return {f"{module}{part}" for module, names in found for name in names for part in ("", f".{name.name}")} & {
        *MODULES
    }


def test_packages_import_one_way() -> None:
    arrows = {name: imports(path) - {name} for name, path in MODULES.items()}
    places = {name: [i for i, package in enumerate(ORDER) if f"{name}.".startswith(f"{package}.")] for name in arrows}
    assert [name for name, place in places.items() if len(place) != ("." in name)] == []
    assert [(name, other) for name in arrows for other in arrows[name] if places[name] < places[other]] == []
    TopologicalSorter(arrows).prepare()
