"""Summaries and tables that the commands print for people."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schema import tables
from schema.column_types import dump_json
from schema.enums import ChangeKind, SourceStatus, label
from seeds.load import Loaded
from seeds.merge.claims import TRUST
from seeds.refresh import Report
from seeds.store.store import Outcome
from server.coverage import ASPECTS, Covered
from server.settings import SettingOrigin


def summary(console: Console, loaded: Loaded, outcome: Outcome) -> None:
    """What a load read from each source and stored, and everything it left out."""
    table = Table(title=f"Revision {outcome.revision}" + ("" if outcome.wrote else ", unchanged"))
    table.add_column("Source")
    for name in ("Models", "Quarantined"):
        table.add_column(name, justify="right")
    for catalogue in loaded.catalogues:
        count = loaded.merged.model_counts.get(catalogue.source, 0)
        table.add_row(catalogue.source, f"{count:,}", f"{catalogue.left_out:,}")
    console.print(table)
    done = f"{outcome.added:,} models added, {outcome.changed:,} changed, {outcome.retired:,} retired"
    said = [
        f"{done}; {len(loaded.merged.models):,} models from {len(loaded.merged.providers):,} providers.",
        *(
            f"Quarantined from {catalogue.source}: {line}"
            for catalogue in loaded.catalogues
            for line in catalogue.quarantined
        ),
        *(
            f"Unknown provider: {slug}. Add it to seeds/curated/_providers.toml."
            for slug in loaded.merged.unknown_providers
        ),
        *(f"No model matches the rule: {origin}" for origin in loaded.merged.unmatched_rules),
    ]
    for line in said:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def refreshed(console: Console, report: Report) -> None:
    """The status of each source after a refresh, and what changed."""
    outcome = report.outcome
    wrote = outcome is not None and outcome.wrote
    table = Table(title=f"Revision {report.revision}" + ("" if wrote else ", unchanged"))
    for name in ("Source", "Status", "Models", "Quarantined"):
        table.add_column(name, justify="right" if name in ("Models", "Quarantined") else "left")
    read = {catalogue.source: catalogue for catalogue in report.loaded.catalogues} if report.loaded else {}
    for slug in TRUST:
        if (state := report.states.get(slug)) is None:
            continue
        counts = ("", "")
        if report.loaded and slug in read:
            models, left_out = report.loaded.merged.model_counts.get(slug, 0), read[slug].left_out
            counts = (f"{models:,}", f"{left_out:,}")
        table.add_row(slug, label(state.status), *counts)
    console.print(table)
    if outcome is not None and wrote:
        counts_by_kind = Counter(change.kind for change in outcome.changes)
        kinds = Table(title=f"{len(outcome.changes):,} changes")
        kinds.add_column("Change")
        kinds.add_column("Number", justify="right")
        for kind in ChangeKind:
            if counts_by_kind[kind]:
                kinds.add_row(label(kind), f"{counts_by_kind[kind]:,}")
        console.print(kinds)
    for slug, state in report.states.items():
        if state.error:
            console.print(f"{slug}: {state.error}", highlight=False, markup=False, soft_wrap=True)


def coverage(rows: Iterable[Covered]) -> Table:
    table = Table(title="Coverage of first-party APIs")
    for name in ("Provider", "Text models", *(aspect.capitalize() for aspect in ASPECTS)):
        table.add_column(name, justify="left" if name == "Provider" else "right")
    for row in rows:
        table.add_row(row.provider, f"{row.models:,}", *(row.share(aspect) for aspect in ASPECTS))
    return table


def disputes(rows: Iterable[tuple[str, int, int]]) -> Table:
    table = Table(title="Facts that sources disagree on")
    for name in ("Fact", "Models", "Decided with a reason"):
        table.add_column(name, justify="left" if name == "Fact" else "right")
    for field, count, decided in rows:
        table.add_row(field, f"{count:,}", f"{decided:,}")
    return table


def settings_listed(rows: Iterable[SettingOrigin]) -> Table:
    table = Table(show_lines=False)
    for name in ("Variable", "Value", "From", "Meaning"):
        table.add_column(name, overflow="fold")
    for setting in rows:
        cells = (setting.variable, setting.value, setting.origin, setting.description)
        table.add_row(*map(escape, cells))
    return table


def sources(rows: Iterable[tuple[tables.Source, SourceStatus]]) -> Table:
    table = Table(title="Sources, most trusted first")
    for name in ("Source", "Status", "Last success (UTC)", "Last attempt (UTC)", "Models", "Quarantined", "Error"):
        table.add_column(name, justify="right" if name in ("Models", "Quarantined") else "left", overflow="fold")
    for row, status in rows:
        table.add_row(
            safe(row.slug),
            status.name,
            moment(row.last_success_at),
            moment(row.last_attempt_at),
            f"{row.model_count:,}",
            f"{row.quarantined_count:,}",
            safe(row.last_error or ""),
        )
    return table


def changes(rows: Iterable[tables.Change]) -> Table:
    table = Table(title="Changes, newest first")
    for name in ("Revision", "When (UTC)", "Kind", "Model", "Field", "Before → after"):
        table.add_column(name, justify="right" if name == "Revision" else "left", overflow="fold")
    for row in rows:
        moved = "" if row.field is None else f"{_value(row.before)} → {_value(row.after)}"
        # A change of a provider has no model.
        about = row.model_ref or row.provider_slug or ""
        table.add_row(
            f"{row.revision_number}",
            moment(row.observed_at),
            row.kind.name,
            safe(about),
            safe(row.field or ""),
            safe(moved),
        )
    return table


def moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _value(value: Any) -> str:
    return "—" if value is None else value if isinstance(value, str) else dump_json(value)


def safe(text: str) -> str:
    """A text from upstream as a terminal may show it: no mark-up, and no control characters."""
    return escape("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))
