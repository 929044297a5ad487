"""`modelmeta load`: what the sources said last, or what comes with the program, without a network."""

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seeds import load as loading
from seeds.load import Loaded
from seeds.overlay.loader import OverlayError
from seeds.store import sources
from seeds.store.sources import LIVE
from seeds.store.store import Outcome
from server import database
from server.commands import reports
from server.commands.common import DatabaseUrl, Overlay, err, once, opened, read_settings, run
from server.database import locks
from server.errors import OperatorError
from server.settings import Settings


def load(database_url: DatabaseUrl = None, overlay: Overlay = None) -> None:
    """Load the bundled sources, or what was fetched since, and the overlay: no network, and all or nothing."""
    once()
    found = read_settings(database_url=database_url, overlay=overlay)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=len(loading.STEPS))

        def progress(step: str) -> None:
            bar.update(task, description=step, completed=loading.STEPS.index(step))

        loaded, outcome = run(_stored(found, progress))
    reports.summary(err, loaded, outcome)


async def _stored(found: Settings, progress: loading.Progress) -> tuple[Loaded, Outcome]:
    async with opened(found) as engine, locks.taken(engine):
        async with database.reading(engine) as connection:
            held = await sources.editions(connection)
        kept = {slug: edition.content for slug, edition in held.items() if slug in LIVE}
        try:
            loaded = loading.read(progress, found.overlay, kept)
        except OverlayError as error:
            raise OperatorError(str(error)) from error
        async with database.writing(engine) as connection:
            return loaded, await loading.write(connection, loaded, progress)
