"""What the command line prints for people: summaries and tables."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seeds.load import Loaded
from seeds.store import Outcome
from server.coverage import ASPECTS, Covered
from server.settings import Origin


def summary(console: Console, loaded: Loaded, outcome: Outcome) -> None:
    """What a load read from each source and wrote, with everything it left out."""
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
        f"{done}; {len(loaded.merged.models):,} models of {len(loaded.merged.providers):,} providers.",
        *(f"quarantined from {each.source}: {line}" for each in loaded.catalogues for line in each.quarantined),
        *(
            f"unknown provider: {slug}. Add it to seeds/curated/_providers.toml."
            for slug in loaded.merged.unknown_providers
        ),
        *(f"a rule fits no model: {origin}" for origin in loaded.merged.unmatched_rules),
    ]
    for line in said:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def coverage(rows: Iterable[Covered]) -> Table:
    table = Table(title="Coverage of the labs' own APIs")
    for name in ("Provider", "Text models", *(aspect.capitalize() for aspect in ASPECTS)):
        table.add_column(name, justify="left" if name == "Provider" else "right")
    for row in rows:
        table.add_row(row.provider, f"{row.models:,}", *(row.share(aspect) for aspect in ASPECTS))
    return table


def disputes(rows: Iterable[tuple[str, int, int]]) -> Table:
    table = Table(title="Facts on which sources disagree")
    for name in ("Fact", "Models", "Decided with a reason"):
        table.add_column(name, justify="left" if name == "Fact" else "right")
    for field, count, decided in rows:
        table.add_row(field, f"{count:,}", f"{decided:,}")
    return table


def settings_listed(rows: Iterable[Origin]) -> Table:
    table = Table(show_lines=False)
    for name in ("Variable", "Value", "From", "Meaning"):
        table.add_column(name, overflow="fold")
    for each in rows:
        table.add_row(*(escape(text) for text in (each.variable, each.value, each.origin, each.sentence)))
    return table
