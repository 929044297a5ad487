"""Summaries and tables that the commands print for people."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from rich.markup import escape
from rich.table import Table

from schema import tables
from schema.column_types import dump_json
from schema.enums import ChangeKind, SourceStatus, label
from seeds.load import Loaded
from seeds.merge.claims import TRUST
from seeds.refresh import Report
from seeds.store.store import Outcome
from server.commands.common import err, say
from server.coverage import ASPECTS, Covered
from server.settings import SettingOrigin

COUNTS = ("Models", "Quarantined")


def table(title: str | None, *columns: str, numbers: Collection[str] = ()) -> Table:
    """An empty table; the columns of numbers are aligned to the right."""
    empty = Table(title=title)
    for name in columns:
        empty.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    return empty


def print_load(loaded: Loaded, outcome: Outcome) -> None:
    """What a load read from each source and stored, and everything it left out."""
    merged = loaded.merged
    read = table(_revision(outcome.revision, outcome.wrote), "Source", *COUNTS, numbers=COUNTS)
    for catalogue in loaded.catalogues:
        count = merged.model_counts.get(catalogue.source, 0)
        read.add_row(catalogue.source, f"{count:,}", f"{catalogue.left_out:,}")
    err.print(read)
    done = f"{outcome.added:,} models added, {outcome.changed:,} changed, {outcome.retired:,} retired"
    say(f"{done}; {len(merged.models):,} models from {len(merged.providers):,} providers.")
    for catalogue in loaded.catalogues:
        for line in catalogue.quarantined:
            say(f"Quarantined from {catalogue.source}: {line}")
    for slug in merged.unknown_providers:
        say(f"Unknown provider: {slug}. Add it to seeds/curated/_providers.toml.")
    for origin in merged.unmatched_rules:
        say(f"No model matches the rule: {origin}")


def print_refresh(report: Report) -> None:
    """The status of each source after a refresh, and what changed."""
    outcome = report.outcome
    wrote = outcome is not None and outcome.wrote
    read = {catalogue.source: catalogue for catalogue in report.loaded.catalogues} if report.loaded else {}
    sources = table(_revision(report.revision, wrote), "Source", "Status", *COUNTS, numbers=COUNTS)
    for slug in TRUST:
        if (state := report.states.get(slug)) is None:
            continue
        counts = ("", "")
        if report.loaded and slug in read:
            counts = (f"{report.loaded.merged.model_counts.get(slug, 0):,}", f"{read[slug].left_out:,}")
        sources.add_row(slug, label(state.status), *counts)
    err.print(sources)
    if outcome is not None and wrote:
        counts_by_kind = Counter(change.kind for change in outcome.changes)
        kinds = table(f"{len(outcome.changes):,} changes", "Change", "Number", numbers=("Number",))
        for kind in ChangeKind:
            if counts_by_kind[kind]:
                kinds.add_row(label(kind), f"{counts_by_kind[kind]:,}")
        err.print(kinds)
    for slug, state in report.states.items():
        if state.error:
            say(f"{slug}: {state.error}")


def _revision(number: int | None, wrote: bool) -> str:
    return f"Revision {number}" + ("" if wrote else ", unchanged")


def coverage(rows: Iterable[Covered]) -> Table:
    aspects = [aspect.capitalize() for aspect in ASPECTS]
    found = table(
        "Coverage of first-party APIs", "Provider", "Text models", *aspects, numbers=("Text models", *aspects)
    )
    for row in rows:
        found.add_row(row.provider, f"{row.models:,}", *(row.share(aspect) for aspect in ASPECTS))
    return found


def disputes(rows: Iterable[tuple[str, int, int]]) -> Table:
    counts = ("Models", "Decided with a reason")
    found = table("Facts that sources disagree on", "Fact", *counts, numbers=counts)
    for field, count, decided in rows:
        found.add_row(field, f"{count:,}", f"{decided:,}")
    return found


def settings_listed(rows: Iterable[SettingOrigin]) -> Table:
    found = table(None, "Variable", "Value", "From", "Meaning")
    for setting in rows:
        found.add_row(*map(escape, (setting.variable, setting.value, setting.origin, setting.description)))
    return found


def sources(rows: Iterable[tuple[tables.Source, SourceStatus]]) -> Table:
    moments = ("Last success (UTC)", "Last attempt (UTC)")
    found = table("Sources, most trusted first", "Source", "Status", *moments, *COUNTS, "Error", numbers=COUNTS)
    for row, status in rows:
        found.add_row(
            safe(row.slug),
            status.name,
            moment(row.last_success_at),
            moment(row.last_attempt_at),
            f"{row.model_count:,}",
            f"{row.quarantined_count:,}",
            safe(row.last_error or ""),
        )
    return found


def changes(rows: Iterable[tables.Change]) -> Table:
    columns = ("Revision", "When (UTC)", "Kind", "Model", "Field", "Before → after")
    found = table("Changes, newest first", *columns, numbers=("Revision",))
    for row in rows:
        moved = "" if row.field is None else f"{_value(row.before)} → {_value(row.after)}"
        # A change of a provider has no model.
        about = row.model_ref or row.provider_slug or ""
        texts = map(safe, (about, row.field or "", moved))
        found.add_row(f"{row.revision_number}", moment(row.observed_at), row.kind.name, *texts)
    return found


def moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _value(value: object) -> str:
    return "—" if value is None else value if isinstance(value, str) else dump_json(value)


def safe(text: str) -> str:
    """A text from upstream as a terminal may show it: no mark-up, and no control characters."""
    return escape("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))
