"""`modelmeta sources` and `modelmeta changes`: how fresh the registry is, and what changed in it."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from difflib import get_close_matches
from typing import Annotated

import orjson
import sqlalchemy as sa
import typer
from graphql import GraphQLError
from sqlmodel import col

from schema import tables
from schema.context import Context, context
from schema.enums import ChangeKind
from schema.references.resolve import models_by_reference
from schema.scalars import parse_date, parse_datetime, serialize_datetime, serialize_json
from schema.types.source import standing
from server.commands import reports
from server.commands.common import DatabaseUrl, opened, out, run, say
from server.database import EMPTY
from server.errors import OperatorError
from server.settings import Settings, read_settings

MAX_CHANGES = 1_000_000
"""Largest value of --limit."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


def sources(as_json: Json = False, database_url: DatabaseUrl = None) -> None:
    """Show every source, how fresh it is and how many entries were quarantined."""
    settings = read_settings(database_url=database_url)
    rows, now = run(_sources(settings)), datetime.now(UTC)
    standings = [standing(row, settings.refresh_interval, now) for row in rows]
    if not as_json:
        out.print(reports.sources(zip(rows, standings, strict=True)))
        return
    _print_lines(
        {
            "slug": row.slug,
            "name": row.name,
            "url": row.url,
            "license": row.license,
            "status": status.name,
            "lastAttemptAt": _moment(row.last_attempt_at),
            "lastSuccessAt": _moment(row.last_success_at),
            "lastError": row.last_error,
            "modelCount": row.model_count,
            "quarantinedCount": row.quarantined_count,
        }
        for row, status in zip(rows, standings, strict=True)
    )


async def _sources(settings: Settings) -> list[tables.Source]:
    async with opened(settings) as engine, context(engine) as registry:
        await _newest(registry)
        return await registry.rows(sa.select(tables.Source).order_by(col(tables.Source.trust)))


def changes(
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DAY|INSTANT|REVISION",
            help="Changes since a day (2026-11-23) or an instant (2026-11-23T12:00:00Z; UTC if it has no offset), "
            "or after a revision (7).",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this kind; repeatable. {', '.join(ChangeKind.__members__)}."),
    ] = None,
    provider: Annotated[list[str] | None, typer.Option(help="Only this provider; repeatable.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="REF", help="Only this model, in any spelling; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Maximum number of changes.")] = 50,
    as_json: Json = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what changed, newest first."""
    if not 1 <= limit <= MAX_CHANGES:
        raise OperatorError(f"--limit is {limit}: write a number from 1 to {MAX_CHANGES}.")
    kinds = [_kind(name) for name in kind or ()]
    settings = read_settings(database_url=database_url)
    rows, total = run(_changes(settings, since, kinds, provider or [], model or [], limit))
    if as_json:
        _print_lines(
            {
                "revision": row.revision_number,
                "observedAt": _moment(row.observed_at),
                "kind": row.kind.name,
                "model": row.model_ref,
                "provider": row.provider_slug,
                "field": row.field,
                "before": row.before,
                "after": row.after,
            }
            for row in rows
        )
    elif rows:
        out.print(reports.changes(rows))
    if not total:
        say("No changes.")
    elif total > len(rows):
        say(f"{len(rows):,} of {total:,} changes shown; --limit shows more.")


async def _changes(
    settings: Settings,
    since: str | None,
    kinds: Sequence[ChangeKind],
    providers: Sequence[str],
    refs: Sequence[str],
    limit: int,
) -> tuple[list[tables.Change], int]:
    """The newest matching changes up to the limit, and the number of all that match."""
    change = tables.Change
    async with opened(settings) as engine, context(engine) as registry:
        wanted: list[sa.ColumnElement[bool]] = []
        newest = await _newest(registry)
        if since is not None:
            wanted.append(_since(since, newest))
        if kinds:
            wanted.append(col(change.kind).in_(kinds))
        if providers:
            await _check_providers(registry, providers)
            wanted.append(col(change.provider_slug).in_(providers))
        if refs:
            wanted.append(col(change.model_ref).in_(await _models(registry, refs)))
        total = await registry.scalar(sa.select(sa.func.count()).select_from(change).where(*wanted))
        latest = sa.select(change).where(*wanted).order_by(col(change.revision_number).desc(), col(change.id).desc())
        return await registry.rows(latest.limit(limit)), total or 0


async def _newest(registry: Context) -> int:
    newest = await registry.scalar(sa.select(sa.func.max(col(tables.Revision.number))))
    if newest is None:
        raise OperatorError(EMPTY)
    return newest


def _since(text: str, newest: int) -> sa.ColumnElement[bool]:
    change = tables.Change
    if text.isascii() and text.isdigit():
        if len(text) > 9 or int(text) > newest:
            shown = f"--since is {text:.40}: the newest revision is {newest}."
            raise OperatorError(f"{shown} Write a smaller number, or a day such as 2026-11-23.")
        return col(change.revision_number) > int(text)
    try:
        moment = datetime.combine(parse_date(text), time(), UTC) if len(text) == 10 else parse_datetime(text)
    except GraphQLError:
        raise OperatorError(
            f"--since is {text!r}: write a day (2026-11-23), an instant (2026-11-23T12:00:00Z) or a revision number."
        ) from None
    return col(change.observed_at) >= moment


def _kind(text: str) -> ChangeKind:
    name = text.upper().replace("-", "_")
    if name not in ChangeKind.__members__:
        raise OperatorError(f"--kind is {text!r}: write one of {', '.join(ChangeKind.__members__)}.")
    return ChangeKind[name]


async def _check_providers(registry: Context, slugs: Sequence[str]) -> None:
    # A provider that was removed is known only from its changes.
    known = [
        slug
        for column in (col(tables.Provider.slug), col(tables.Change.provider_slug))
        for (slug,) in await registry.tuples(sa.select(column).distinct())
        if slug
    ]
    for slug in slugs:
        if slug not in known:
            near = get_close_matches(slug.lower(), sorted(set(known)), n=3)
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            raise OperatorError(f"No provider is named {slug!r}.{meant}")


async def _models(registry: Context, refs: Sequence[str]) -> list[str]:
    # Unprintable text names no model, and a database may not accept it.
    found = await models_by_reference(registry, [ref if ref.isprintable() else "" for ref in refs])
    for ref, row in zip(refs, found, strict=True):
        if row is None:
            raise OperatorError(f"No model is named {ref!r}. Write it as PROVIDER/MODEL, such as openai/gpt-4.1-mini.")
    return [row.ref for row in found if row]


def _moment(at: datetime | None) -> str | None:
    return None if at is None else serialize_datetime(at)


def _print_lines(values: Iterable[object]) -> None:
    for value in values:
        sys.stdout.buffer.write(orjson.dumps(serialize_json(value), option=orjson.OPT_APPEND_NEWLINE))
