"""`modelmeta load`: loads the bundled or last fetched sources, offline."""

import gc

from rich.progress import BarColumn

from seeds import load as loading
from seeds.load import Loaded
from seeds.overlay.loader import OverlayError
from seeds.store import sources
from seeds.store.sources import LIVE
from seeds.store.store import Outcome
from server import database
from server.commands import reports
from server.commands.common import DatabaseUrl, Overlay, opened, progress_bar, run
from server.database import locks
from server.errors import OperatorError
from server.settings import Settings, read_settings


def load(database_url: DatabaseUrl = None, overlay: Overlay = None) -> None:
    """Load the bundled or last fetched sources and the overlay, offline, in one transaction."""
    gc.disable()  # everything this command builds lives until it exits
    settings = read_settings(database_url=database_url, overlay=overlay)
    with progress_bar(BarColumn()) as bar:
        task = bar.add_task("starting", total=len(loading.STEPS))

        def progress(step: str) -> None:
            bar.update(task, description=step, completed=loading.STEPS.index(step))

        loaded, outcome = run(_load(settings, progress))
    reports.print_load(loaded, outcome)


async def _load(settings: Settings, progress: loading.Progress) -> tuple[Loaded, Outcome]:
    async with opened(settings) as engine, locks.command_lock(engine):
        async with database.reading(engine) as connection:
            held = await sources.editions(connection)
        kept = {slug: edition.content for slug, edition in held.items() if slug in LIVE}
        try:
            loaded = loading.read(progress, settings.overlay, kept)
        except OverlayError as error:
            raise OperatorError(str(error)) from error
        async with database.writing(engine) as connection:
            return loaded, await loading.write(connection, loaded, progress)
