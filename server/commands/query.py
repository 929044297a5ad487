"""`modelmeta query`, `coverage`, `sdl`, `codes` and `settings`: commands that print and change nothing."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from schema.column_types import is_object
from schema.errors import codes_table
from schema.graph import sdl as printed_sdl
from server import coverage as registry_coverage
from server import database
from server.commands import reports
from server.commands.common import DatabaseUrl, opened, out, run
from server.errors import OperatorError
from server.graphql.errors import HttpError, RequestError, error_response
from server.graphql.execution import Runner
from server.graphql.http import read_json
from server.graphql.operations import Request
from server.settings import Settings, list_settings, read_settings, settings_table


def query(
    document: Annotated[str, typer.Argument(help="A GraphQL document, or - to read it from standard input.")],
    variables: Annotated[str, typer.Option(help="Variables, as a JSON object.")] = "{}",
    explain: Annotated[
        bool, typer.Option("--explain", help="Print how the document would be executed, and do not execute it.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Run a GraphQL document against the database, without a server."""
    try:
        values = read_json(variables, "the text")
    except HttpError as error:
        raise OperatorError(f"--variables is not a JSON object: {error}") from error
    if not is_object(values):
        raise OperatorError("--variables is not a JSON object: write it in braces.")
    text = sys.stdin.read() if document == "-" else document
    answer = run(_execute(read_settings(database_url=database_url), Request(text, values, None, {}), explain))
    if isinstance(answer, str):
        sys.stdout.write(answer + "\n")
        return
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if answer.get("errors"):
        raise SystemExit(1)


async def _execute(settings: Settings, request: Request, explain: bool) -> dict[str, Any] | str:
    """The response, or the explanation of how it would be made."""
    async with opened(settings) as engine:
        runner = Runner(engine, settings)
        try:
            operation = runner.prepare(request)
            if explain:
                return runner.explain(operation)
            if operation.is_subscription:
                event: dict[str, Any] = orjson.loads(await anext(runner.events(operation)))
                return event
            return await runner.run(operation)
        except RequestError as error:
            return error_response(error)


def coverage(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the README's table.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show how complete the data on first-party models is, and where sources disagree."""
    rows, disputed = run(_coverage(read_settings(database_url=database_url)))
    if markdown:
        sys.stdout.write(registry_coverage.markdown(rows))
    else:
        out.print(reports.coverage(rows), reports.disputes(disputed))


async def _coverage(settings: Settings) -> tuple[list[registry_coverage.Covered], list[tuple[str, int, int]]]:
    async with opened(settings) as engine, database.reading(engine) as connection:
        return await registry_coverage.coverage(connection), await registry_coverage.disputes(connection)


def sdl(
    output: Annotated[Path | None, typer.Option(help="File to write to. Default: standard output.")] = None,
) -> None:
    """Print the schema in GraphQL SDL."""
    if output:
        try:
            output.write_text(printed_sdl(), encoding="utf-8")
        except OSError as error:
            raise OperatorError(
                f"{output} can't be written: {error.strerror}. Name another file with --output."
            ) from error
    else:
        sys.stdout.write(printed_sdl())


def codes() -> None:
    """List every error code of the API, as the README's table."""
    sys.stdout.write("| Code | Meaning |\n| --- | --- |\n" + codes_table())


def show_settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the README's table, with defaults.")] = False,
) -> None:
    """List every setting with its variable, value, origin and meaning."""
    if markdown:
        sys.stdout.write(settings_table())
    else:
        out.print(reports.settings_listed(list_settings()))
