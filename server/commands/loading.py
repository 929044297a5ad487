"""`modelmeta load`: the bundled sources, without a network."""

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seeds import load as loading
from seeds.feeds.overlay import OverlayError
from seeds.load import Loaded
from seeds.store import Outcome
from server import database, reports
from server.commands.common import DatabaseUrl, Overlay, err, opened, read_settings, run
from server.errors import OperatorError
from server.settings import Settings


def load(database_url: DatabaseUrl = None, overlay: Overlay = None) -> None:
    """Load the bundled sources and the overlay: no network, and all or nothing."""
    found = read_settings(database_url=database_url, overlay=overlay)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=len(loading.STEPS))

        def progress(step: str) -> None:
            bar.update(task, description=step, completed=loading.STEPS.index(step))

        try:
            loaded = loading.read(progress, found.overlay)
        except OverlayError as error:
            raise OperatorError(str(error)) from error
        outcome = run(_stored(found, loaded, progress))
    reports.summary(err, loaded, outcome)


async def _stored(found: Settings, loaded: Loaded, progress: loading.Progress) -> Outcome:
    async with opened(found) as engine, database.writing(engine) as connection:
        return await loading.write(connection, loaded, progress)
