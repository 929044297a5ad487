"""`sources` and `changes` print the stored history, newest first, as tables or JSON; invalid input gives one line."""

import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
import sqlalchemy as sa

from schema import tables
from schema.enums import ChangeKind, Meter, SourceStatus
from schema.tables import table
from seeds.catalogue import RateClaim
from seeds.store.rows import insert
from server import database
from server.cli import main
from tests.support.registry import create_database, drop_database, put, tiny
from tests.support.servers import error_line, modelmeta

ERROR = "[red]timed out[/red]\x1b[31m after 60 s"
THEN = datetime(2024, 11, 23, 12, tzinfo=UTC)
"""Long ago, so that sources are out of date."""
LARGE = "openai/tiny-large"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A registry with a history: a price, a context window and a capability change on the 24th, a model is retired on
    the 25th, a provider removed on the 26th."""
    database_url = await create_database(kind, tmp_path_factory.mktemp("history"))
    engine = database.create_engine(database_url)
    await database.prepare(engine)
    await put(engine, tiny(), THEN)
    changed = tiny()
    large = changed[2].models[0]
    large.facts["context_window"] = 400_000
    large.capabilities["FINE_TUNING"] = True
    changed[1].models[0].rates[0] = RateClaim(Meter.INPUT, Decimal("2.75"))
    await put(engine, changed, THEN + timedelta(days=1))
    changed[2].models = [model for model in changed[2].models if model.provider != "azure"]
    await put(engine, changed, THEN + timedelta(days=2))
    later = THEN + timedelta(days=3)
    async with database.writing(engine) as connection:
        await insert(connection, tables.Revision, [{"number": 4, "created_at": later, "change_count": 2}])
        removed_provider = {
            "revision_number": 4,
            "kind": ChangeKind.PROVIDER_REMOVED,
            "provider_slug": "gone",
            "observed_at": later,
        }
        exact = {"default": Decimal("0.1"), "seed": Decimal("12345678901234567890123")}
        fact = {"revision_number": 4, "kind": ChangeKind.FACT_CHANGED, "provider_slug": "openai", "model_ref": LARGE}
        await insert(connection, tables.Change, [removed_provider])
        await insert(
            connection,
            tables.Change,
            [fact | {"field": "[b]parameters", "before": None, "after": exact, "observed_at": later}],
        )
        source = table(tables.Source)
        failed = {
            "status": SourceStatus.FAILED,
            "last_error": ERROR,
            "quarantined_count": 1_234,
            "last_attempt_at": later,
        }
        await connection.execute(sa.update(source).where(source.c.slug == "models-dev").values(failed))
    await engine.dispose()
    yield database_url
    await drop_database(database_url)


class Output(NamedTuple):
    exit_code: Any
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON a command printed."""
        assert self.exit_code in (0, None), self.stderr
        return [json.loads(line, parse_float=Decimal) for line in self.stdout.splitlines()]

    @property
    def error(self) -> str:
        return error_line(self.exit_code, self.stdout, self.stderr)


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line on that registry in this process."""

    def run_in_process(*arguments: str) -> Output:
        for name in [name for name in os.environ if name.startswith("MODELMETA_")]:
            monkeypatch.delenv(name)
        monkeypatch.setattr(sys, "argv", ["modelmeta", *arguments, "--database-url", url])
        with pytest.raises(SystemExit) as exit_info:
            main()
        printed = capsys.readouterr()
        return Output(exit_info.value.code, printed.out, printed.err)

    return run_in_process


def summaries(output: Output) -> list[tuple[int, str, str | None]]:
    return [(line["revision"], line["kind"], line["field"]) for line in output.lines]


REMOVED = (4, "PROVIDER_REMOVED", None)
PARAMETERS = (4, "FACT_CHANGED", "[b]parameters")
RETIRED = (3, "MODEL_RETIRED", "status")
PRICE = (2, "PRICE_CHANGED", "prices.STANDARD.INPUT")
WINDOW = (2, "LIMIT_CHANGED", "contextWindow")
TUNING = (2, "FACT_CHANGED", "capabilities.FINE_TUNING")
ALL = [PARAMETERS, REMOVED, RETIRED, PRICE, WINDOW, TUNING]


def test_sources_as_json_match_the_api(run: Any, url: str) -> None:
    fields = "slug name url license status lastAttemptAt lastSuccessAt lastError modelCount quarantinedCount"
    response = modelmeta("query", f"{{ registry {{ sources {{ {fields} }} }} }}", database_url=url)
    sources = run("sources", "--json").lines
    assert sources == json.loads(response.stdout)["data"]["registry"]["sources"]
    assert [source["slug"] for source in sources] == ["overlay", "curated", "genai-prices", "models-dev", "openrouter"]
    assert sources[3]["lastError"] == ERROR


def test_sources_are_printed_as_a_table(url: str) -> None:
    completed = modelmeta("sources", database_url=url)
    assert (completed.returncode, completed.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in completed.stdout.splitlines() if "│" in line]
    assert rows == [
        ["overlay", "DISABLED", "", "", "0", "0", ""],
        ["curated", "OK", "2024-11-25 12:00", "2024-11-25 12:00", "0", "0", ""],
        ["genai-prices", "STALE", "2024-11-25 12:00", "2024-11-25 12:00", "1", "0", ""],
        # Markup and escape sequences from a source are not interpreted.
        ["models-dev", "FAILED", "2024-11-25 12:00", "2024-11-26 12:00", "2", "1,234", ERROR.replace("\x1b", "\ufffd")],
        ["openrouter", "STALE", "", "", "0", "0", ""],
    ]


def test_changes_as_json_are_exact_and_newest_first(run: Any) -> None:
    output = run("changes", "--json")
    assert summaries(output) == ALL
    assert output.lines[3] == {
        "revision": 2,
        "observedAt": "2024-11-24T12:00:00Z",
        "kind": "PRICE_CHANGED",
        "model": LARGE,
        "provider": "openai",
        "field": "prices.STANDARD.INPUT",
        "before": "2.5",
        "after": "2.75",
    }
    assert '"after":{"default":0.1,"seed":12345678901234567890123}}' in output.stdout.splitlines()[0]
    assert (output.lines[1]["model"], output.lines[1]["provider"]) == (None, "gone")
    assert output.stderr == ""


def test_changes_are_printed_as_a_table(url: str) -> None:
    completed = modelmeta("changes", database_url=url)
    assert (completed.returncode, completed.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in completed.stdout.splitlines() if "│" in line]
    parameters = '— → {"default":0.1,"seed":12345678901234567890123}'
    assert rows == [
        ["4", "2024-11-26 12:00", "FACT_CHANGED", LARGE, "[b]parameters", parameters],
        ["4", "2024-11-26 12:00", "PROVIDER_REMOVED", "gone", "", ""],
        ["3", "2024-11-25 12:00", "MODEL_RETIRED", "azure/tiny-small", "status", "DEPRECATED → RETIRED"],
        ["2", "2024-11-24 12:00", "PRICE_CHANGED", LARGE, "prices.STANDARD.INPUT", "2.5 → 2.75"],
        ["2", "2024-11-24 12:00", "LIMIT_CHANGED", LARGE, "contextWindow", "200000 → 400000"],
        ["2", "2024-11-24 12:00", "FACT_CHANGED", LARGE, "capabilities.FINE_TUNING", "false → true"],
    ]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("0", ALL),
        ("2", ALL[:3]),
        ("3", ALL[:2]),
        ("4", []),
        ("2024-11-24", ALL),
        ("2024-11-25", ALL[:3]),
        ("2024-11-25T12:00:00Z", ALL[:3]),
        ("2024-11-25T12:00:01", ALL[:2]),
        ("2024-11-25T13:00:00+01:00", ALL[:3]),
        ("2030-01-01", []),
    ],
)
def test_since_accepts_a_date_a_time_or_a_revision(run: Any, since: str, expected: Any) -> None:
    output = run("changes", "--json", "--since", since)
    assert summaries(output) == expected
    assert output.stderr == ("" if expected else "No changes.\n")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--kind", "PRICE_CHANGED"], [PRICE]),
        (["--kind", "price-changed", "--kind", "limit_changed"], [PRICE, WINDOW]),
        (["--provider", "azure"], [RETIRED]),
        (["--provider", "gone", "--provider", "azure"], [REMOVED, RETIRED]),
        (["--model", LARGE], [PARAMETERS, PRICE, WINDOW, TUNING]),
        (["--model", "tiny-large@openai"], [PARAMETERS, PRICE, WINDOW, TUNING]),
        (["--model", "azure:tiny-small", "--model", "tiny-large"], [PARAMETERS, RETIRED, PRICE, WINDOW, TUNING]),
        (["--model", LARGE, "--kind", "FACT_CHANGED", "--since", "2"], [PARAMETERS]),
        (["--provider", "azure", "--model", LARGE], []),
    ],
)
def test_filters_select_matching_changes(run: Any, flags: list[str], expected: Any) -> None:
    assert summaries(run("changes", "--json", *flags)) == expected


def test_a_limit_reports_how_many_changes_it_omits(run: Any) -> None:
    output = run("changes", "--json", "--limit", "2")
    assert summaries(output) == ALL[:2]
    assert output.stderr == "2 of 6 changes shown; --limit shows more.\n"


KINDS = ", ".join(ChangeKind.__members__)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--since", "5"], "--since is 5: the newest revision is 4. Write a smaller number, or a day such as 2026-11-23."),
        (["--since", "20261123"], "--since is 20261123: the newest revision is 4. Write a smaller number, or a day such as 2026-11-23."),
        (["--since", "9" * 5_000], f"--since is {'9' * 40}: the newest revision is 4. Write a smaller number, or a day such as 2026-11-23."),
        *(
            ([f"--since={text}"], f"--since is {text!r}: write a day (2026-11-23), an instant (2026-11-23T12:00:00Z) or a revision number.")
            for text in ("", "yesterday", "2026-13-01", "-1", "٣", "0001-01-01T00:00:00+23:00", "2026-11-2\n")
        ),
        (["--kind", "GONE"], f"--kind is 'GONE': write one of {KINDS}."),
        (["--kind", ""], f"--kind is '': write one of {KINDS}."),
        (["--provider", "OpenAi"], "No provider is named 'OpenAi'. Did you mean openai?"),
        (["--provider", "\udcff"], r"No provider is named '\udcff'."),
        *(
            (["--model", text], f"No model is named {text!r}. Write it as PROVIDER/MODEL, such as openai/gpt-4.1-mini.")
            for text in ("nothing", "", "openai/", "\udcff", "a\0b")
        ),
        (["--limit", "0"], "--limit is 0: write a number from 1 to 1000000."),
        (["--limit", str(10**30)], f"--limit is {10**30}: write a number from 1 to 1000000."),
    ],
)  # fmt: skip
def test_invalid_input_is_reported_in_one_line(run: Any, flags: list[str], line: str) -> None:
    assert run("changes", *flags).error == line


@pytest.mark.parametrize("command", ["sources", "changes"])
async def test_an_empty_database_says_what_to_do(tmp_path: Path, command: str) -> None:
    completed = modelmeta(command, database_url=await create_database("sqlite", tmp_path))
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr == (
        "modelmeta: The database is empty. Load the registry with `modelmeta load`, or name another database with "
        "--database-url.\n"
    )
