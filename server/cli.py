"""The command line: every command by its name."""

import sys

import typer

from server.commands.history import changes, sources
from server.commands.load import load
from server.commands.query import codes, coverage, query, sdl, show_settings
from server.commands.refresh import refresh_command
from server.commands.serve import serve
from server.commands.snapshots import export, import_
from server.errors import OperatorError

app = typer.Typer(
    name="modelmeta",
    help="A GraphQL registry of LLM providers, models, prices and request parameters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, load, query, sources, changes, coverage, sdl, codes, export):
    app.command()(command)
app.command("refresh")(refresh_command)
app.command("import")(import_)
app.command("settings")(show_settings)


def main() -> None:
    """The program: an operator's mistake ends it with one line and exit code 2."""
    try:
        app()
    except OperatorError as error:
        sys.stderr.write(f"modelmeta: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
