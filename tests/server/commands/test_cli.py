"""Every operator's mistake prints one line and exits with code 2; `query` and `sdl` print their results."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.cli import main
from tests.support.servers import ROOT, environment, error_line, modelmeta, operator_error, refused

QUERY = '{ model(ref: "openai/tiny-large") { name } }'
RESPONSE = {"data": {"model": {"name": "Tiny Large"}}}
RunInProcess = Callable[..., str]


@pytest.fixture
def early_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunInProcess:
    """Runs the command line in this process and returns its error line, for mistakes found before anything is opened."""

    def run(*arguments: str, **settings: str) -> str:
        monkeypatch.setattr(sys, "argv", ["modelmeta", *arguments])
        for name in [name for name in os.environ if name.startswith("MODELMETA_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(f"MODELMETA_{name.upper()}", value)
        with pytest.raises(SystemExit) as exit_info:
            main()
        printed = capsys.readouterr()
        return error_line(exit_info.value.code, printed.out, printed.err)

    return run


# Mistakes

SERVE, QUERY_COMMAND, LOAD = ("serve", "--port", "0"), ("query", "{ __typename }"), ("load",)


def test_a_port_in_use_is_reported(tiny_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        message = operator_error("serve", "--port", str(port), database_url=tiny_url)
    assert message == (
        f"Can't listen on 127.0.0.1 port {port}: Address already in use. "
        "Stop the program that uses it, or choose another with --port or MODELMETA_PORT."
    )


def test_an_address_of_another_machine_is_reported(tiny_url: str, early_error: RunInProcess) -> None:
    message = early_error("serve", "--host", "203.0.113.1", "--port", "0", database_url=tiny_url)
    assert message.startswith("Can't listen on 203.0.113.1 port 0: ")


@pytest.mark.parametrize("command", [SERVE, QUERY_COMMAND, LOAD, ("settings",)], ids=lambda command: command[0])
def test_an_unknown_setting_is_reported(command: tuple[str, ...], early_error: RunInProcess) -> None:
    message = early_error(*command, databse_url="sqlite+aiosqlite:///x")
    assert message == "No setting is called MODELMETA_DATABSE_URL. `modelmeta settings` lists all settings."


def test_an_invalid_setting_is_reported(tiny_url: str, early_error: RunInProcess) -> None:
    assert early_error("serve", "--port", "70000", database_url=tiny_url).startswith("MODELMETA_PORT is ")
    assert early_error(*SERVE, database_url=tiny_url, max_depth="deep").startswith("MODELMETA_MAX_DEPTH is 'deep': ")


@pytest.mark.parametrize("command", [SERVE, QUERY_COMMAND], ids=lambda command: command[0])
def test_a_damaged_database_is_reported(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "damaged.sqlite"
    file.write_bytes(b"this is not a database, whatever its name says\n" * 100)
    message = operator_error(*command, database_url=f"sqlite+aiosqlite:///{file}")
    assert message == (
        f"The database sqlite+aiosqlite:///{file} is damaged (file is not a database). "
        "Move the file away; the next start creates a new one."
    )


@pytest.mark.parametrize("command", [SERVE, QUERY_COMMAND], ids=lambda command: command[0])
def test_an_unreachable_postgresql_is_reported(command: tuple[str, ...]) -> None:
    message = operator_error(*command, database_url="postgresql+asyncpg://owner:pass-word@127.0.0.1:1/models")
    assert message.startswith("PostgreSQL at postgresql+asyncpg://owner:***@127.0.0.1:1/models can't be used (")
    assert message.endswith("Start it, or set MODELMETA_DATABASE_URL to another server.")


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    message = operator_error(*SERVE, database_url=f"sqlite+aiosqlite:///{tmp_path}/file/modelmeta.sqlite")
    assert message.startswith(f"The database's folder {tmp_path}/file can't be created: ")


def test_an_invalid_database_url_is_reported_without_its_password() -> None:
    message = operator_error(*QUERY_COMMAND, database_url="postgresql+asyncpg://owner:pass-word@db.example:port/models")
    assert "MODELMETA_DATABASE_URL" in message
    assert "pass-word" not in message


@pytest.mark.parametrize("variables", ["[1]", '{"ref":', '{"ref": NaN}', ""])
def test_variables_that_are_not_an_object_are_reported(
    tiny_url: str, early_error: RunInProcess, variables: str
) -> None:
    assert early_error("query", QUERY, "--variables", variables, database_url=tiny_url).startswith(
        "--variables is not a JSON object: "
    )


def test_an_unwritable_file_is_reported(tmp_path: Path, early_error: RunInProcess) -> None:
    (tmp_path / "file").write_text("in the way")
    assert str(tmp_path) in early_error("sdl", "--output", str(tmp_path / "file" / "schema.graphql"))


async def test_loading_into_a_damaged_database_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "damaged.sqlite"
    file.write_bytes(b"this is not a database, whatever its name says\n" * 100)
    # Reading the sources takes seconds and does not matter here, so it is skipped.
    load = "from seeds import load; load.read = lambda *_, **__: None; from server import cli; cli.main()"
    completed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", load, "load", "--database-url", f"sqlite+aiosqlite:///{file}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "is damaged (file is not a database)" in error_line(completed.returncode, completed.stdout, completed.stderr)


def test_a_query_prints_its_response(tiny_url: str) -> None:
    completed = modelmeta("query", QUERY, database_url=tiny_url)
    assert (completed.returncode, json.loads(completed.stdout), completed.stderr) == (0, RESPONSE, "")


def test_decimal_variables_keep_every_digit(tiny_url: str) -> None:
    query = """query($text: Decimal!, $number: Decimal!, $below: Decimal!) {
      text: models(filter: {maxInputPrice: $text}) { totalCount }
      number: models(filter: {maxInputPrice: $number}) { totalCount }
      below: models(filter: {maxInputPrice: $below}) { totalCount } }"""
    variables = '{"text": "0.1", "number": 0.1, "below": 0.099999999999999999}'
    completed = modelmeta("query", query, "--variables", variables, database_url=tiny_url)
    assert json.loads(completed.stdout) == {
        "data": {"text": {"totalCount": 1}, "number": {"totalCount": 1}, "below": {"totalCount": 0}}
    }
    assert (completed.returncode, completed.stderr) == (0, "")


def test_a_query_can_be_read_from_standard_input(tiny_url: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "server.cli", "query", "-", "--database-url", tiny_url],
        cwd=ROOT,
        env=environment(),
        input=QUERY.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (completed.returncode, json.loads(completed.stdout), completed.stderr) == (0, RESPONSE, b"")


def test_a_query_with_errors_prints_them_and_fails(tiny_url: str) -> None:
    invalid = modelmeta("query", "{ nope }", database_url=tiny_url)
    assert (invalid.returncode, invalid.stderr) == (1, "")
    refused(json.loads(invalid.stdout), "GRAPHQL_VALIDATION_FAILED")
    partial = modelmeta(
        "query", f'{{ registry {{ modelCount }} model(ref: "{"x" * 501}") {{ ref }} }}', database_url=tiny_url
    )
    assert (partial.returncode, partial.stderr) == (1, "")
    assert json.loads(partial.stdout)["data"] == {"registry": {"modelCount": 3}, "model": None}


def test_the_printed_schema_matches_the_committed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")
    completed = modelmeta("sdl")
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout == committed
    monkeypatch.setattr(sys, "argv", ["modelmeta", "sdl", "--output", str(tmp_path / "schema.graphql")])
    with pytest.raises(SystemExit) as exit_info:
        main()
    assert exit_info.value.code in (0, None)
    assert (tmp_path / "schema.graphql").read_text(encoding="utf-8") == committed
