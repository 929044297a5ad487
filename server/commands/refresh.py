"""`modelmeta refresh`: fetches the feeds now and stores what changed."""

import gc
import json
import os
import sys
from typing import Annotated

import typer
from rich.progress import TaskID, TextColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from seeds.refresh import Plan, Report, refresh
from seeds.store.sources import LIVE
from server.commands import reports
from server.commands.common import DatabaseUrl, Overlay, opened, progress_bar, run, say
from server.database import locks
from server.errors import OperatorError, RefreshRunningError
from server.refresh.plan import RefreshDatabase, is_due, refresh_plan, summary
from server.settings import Settings, read_settings

Sources = Annotated[list[str] | None, typer.Argument(help=f"Feeds to fetch: {', '.join(sorted(LIVE))}. Default: all.")]


def refresh_command(
    sources: Sources = None,
    force: Annotated[
        list[str] | None, typer.Option(help="Accept this feed although the guard holds it back; check its data first.")
    ] = None,
    due_only: Annotated[
        bool, typer.Option("--due", help="Refresh only if one is due and no other refresh is running.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
    database_url: DatabaseUrl = None,
    overlay: Overlay = None,
) -> None:
    """Fetch the feeds and store what changed. Exit code 1: a feed failed or was held back; the others are stored."""
    gc.disable()  # everything this command builds lives until it exits
    settings = read_settings(database_url=database_url, overlay=overlay)
    plan = refresh_plan(settings, only=check_feeds(sources) or None, forced=check_feeds(force))
    report = run(_refresh_if_due(settings, plan, due_only=due_only))
    if as_json:
        sys.stdout.write(json.dumps(summary(report)) + "\n")
    elif report is None:
        say("No refresh is due, or another one is running.")
    else:
        reports.print_refresh(report)
    if report is not None and not report.whole:
        raise SystemExit(1)


def check_feeds(slugs: list[str] | None) -> frozenset[str]:
    for slug in slugs or ():
        if slug not in LIVE:
            raise OperatorError(f'No feed is called "{slug}". Known feeds: {", ".join(sorted(LIVE))}.')
    return frozenset(slugs or ())


async def _refresh_if_due(settings: Settings, plan: Plan, *, due_only: bool) -> Report | None:
    if due_only and hasattr(os, "nice"):
        # The server's readers come first.
        os.nice(10)
    async with opened(settings) as engine:
        if not due_only:
            async with locks.command_lock(engine):
                return await _refresh(engine, plan)
        try:
            async with locks.refresh_lock(engine):
                return await _refresh(engine, plan) if await is_due(engine, settings.refresh_interval) else None
        except RefreshRunningError:
            return None


async def _refresh(engine: AsyncEngine, plan: Plan) -> Report:
    """Refreshes, and shows a line for each source on a terminal."""
    with progress_bar(TextColumn("{task.fields[state]}")) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(name: str, state: str) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=1, state=state)
            done = state not in ("fetching", "under way")
            bar.update(tasks[name], state=state, completed=int(done))

        return await refresh(RefreshDatabase(engine), plan, progress)
