"""`modelmeta refresh`: asks the feeds now, and brings the registry to what they say."""

import json
import os
import sys
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seeds.refresh import Plan, Report, refresh
from seeds.store.sources import LIVE
from server.commands import reports
from server.commands.common import DatabaseUrl, Overlay, err, once, opened, read_settings, run
from server.database import locks
from server.errors import OperatorError
from server.refresh.plan import Store, due, plan, summary
from server.settings import Settings

Sources = Annotated[list[str] | None, typer.Argument(help=f"Feeds to ask: {', '.join(sorted(LIVE))}. By default all.")]


def refresh_command(
    sources: Sources = None,
    force: Annotated[
        list[str] | None, typer.Option(help="Let this feed through the guard, after you have looked at it.")
    ] = None,
    due_only: Annotated[
        bool, typer.Option("--due", help="Only if a refresh is due and nobody else is at it, as the server asks.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as one JSON object.")] = False,
    database_url: DatabaseUrl = None,
    overlay: Overlay = None,
) -> None:
    """Ask the feeds and store what moved. Exit code 1 when a source failed or was held; the others are stored."""
    once()
    found = read_settings(database_url=database_url, overlay=overlay)
    asked = plan(found, only=known(sources) or None, forced=known(force))
    report = run(_refreshed(found, asked, due_only=due_only))
    if as_json:
        sys.stdout.write(json.dumps(summary(report)) + "\n")
    elif report is None:
        err.print("No refresh is due, or another process is at it.", highlight=False)
    else:
        reports.refreshed(err, report)
    if report is not None and not report.whole:
        raise SystemExit(1)


def known(slugs: list[str] | None) -> frozenset[str]:
    for slug in slugs or ():
        if slug not in LIVE:
            raise OperatorError(f'No feed is called "{slug}". Known feeds: {", ".join(sorted(LIVE))}.')
    return frozenset(slugs or ())


async def _refreshed(found: Settings, asked: Plan, *, due_only: bool) -> Report | None:
    if due_only and hasattr(os, "nice"):
        # Beside a server whose readers come first.
        os.nice(10)
    async with opened(found) as engine:
        if not due_only:
            async with locks.taken(engine):
                return await _watched(engine, asked)
        try:
            async with locks.refreshing(engine):
                return await _watched(engine, asked) if await due(engine, found.refresh_interval) else None
        except locks.Busy:
            return None


async def _watched(engine: Any, asked: Plan) -> Report:
    """The refresh, with a line for each source on a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def progress(name: str, state: str) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=1, state=state)
            done = state not in ("fetching", "under way")
            bar.update(tasks[name], state=state, completed=int(done))

        return await refresh(Store(engine), asked, progress)
