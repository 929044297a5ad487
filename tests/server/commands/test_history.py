"""The promise: `sources` and `changes` say what the tables hold, the newest first, for people and for programs; bad input is one line."""

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
from seeds.catalogue import RateClaim
from seeds.store.store import insert, table
from server import database
from server.cli import main
from tests.support.registry import create_database, drop_database, put, tiny
from tests.support.servers import modelmeta

ERROR = "[red]timed out[/red]\x1b[31m after 60 s"
THEN = datetime(2024, 11, 23, 12, tzinfo=UTC)
"""Long ago, so that what is out of date stays so."""
LARGE = "openai/tiny-large"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A registry with a history: a price, a window and a capability move on the 24th, a model leaves on the 25th,
    a provider on the 26th."""
    made = await create_database(kind, tmp_path_factory.mktemp("history"))
    engine = database.create_engine(made)
    await database.prepare(engine)
    await put(engine, tiny(), THEN)
    moved = tiny()
    large = moved[2].models[0]
    large.facts["context_window"] = 400_000
    large.capabilities["FINE_TUNING"] = True
    moved[1].models[0].rates[0] = RateClaim(Meter.INPUT, Decimal("2.75"))
    await put(engine, moved, THEN + timedelta(days=1))
    moved[2].models = [model for model in moved[2].models if model.provider != "azure"]
    await put(engine, moved, THEN + timedelta(days=2))
    later = THEN + timedelta(days=3)
    async with database.writing(engine) as connection:
        await insert(connection, tables.Revision, [{"number": 4, "created_at": later, "change_count": 2}])
        gone = {
            "revision_number": 4,
            "kind": ChangeKind.PROVIDER_REMOVED,
            "provider_slug": "gone",
            "observed_at": later,
        }
        exact = {"default": Decimal("0.1"), "seed": Decimal("12345678901234567890123")}
        fact = {"revision_number": 4, "kind": ChangeKind.FACT_CHANGED, "provider_slug": "openai", "model_ref": LARGE}
        await insert(connection, tables.Change, [gone])
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
    yield made
    await drop_database(made)


class Said(NamedTuple):
    code: Any
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What a command printed for programs."""
        assert self.code in (0, None), self.err
        return [json.loads(line, parse_float=Decimal) for line in self.out.splitlines()]

    @property
    def mistake(self) -> str:
        """The one line that a mistake is answered with."""
        assert (self.code, self.out) == (2, ""), self.err
        (line,) = self.err.splitlines()
        return line.removeprefix("modelmeta: ")


@pytest.fixture
def said(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line on that registry, in this process."""

    def run(*arguments: str) -> Said:
        for name in [name for name in os.environ if name.startswith("MODELMETA_")]:
            monkeypatch.delenv(name)
        monkeypatch.setattr(sys, "argv", ["modelmeta", *arguments, "--database-url", url])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return Said(end.value.code, printed.out, printed.err)

    return run


def brief(said: Said) -> list[tuple[int, str, str | None]]:
    return [(line["revision"], line["kind"], line["field"]) for line in said.lines]


REMOVED = (4, "PROVIDER_REMOVED", None)
PARAMETERS = (4, "FACT_CHANGED", "[b]parameters")
RETIRED = (3, "MODEL_RETIRED", "status")
PRICE = (2, "PRICE_CHANGED", "prices.STANDARD.INPUT")
WINDOW = (2, "LIMIT_CHANGED", "contextWindow")
TUNING = (2, "FACT_CHANGED", "capabilities.FINE_TUNING")
ALL = [PARAMETERS, REMOVED, RETIRED, PRICE, WINDOW, TUNING]

# sources


def test_sources_are_listed_as_the_graph_lists_them(said: Any, url: str) -> None:
    fields = "slug name url license status lastAttemptAt lastSuccessAt lastError modelCount quarantinedCount"
    asked = modelmeta("query", f"{{ registry {{ sources {{ {fields} }} }} }}", database_url=url)
    listed = said("sources", "--json").lines
    assert listed == json.loads(asked.stdout)["data"]["registry"]["sources"]
    assert [each["slug"] for each in listed] == ["overlay", "curated", "genai-prices", "models-dev", "openrouter"]
    assert listed[3]["lastError"] == ERROR


def test_sources_stand_in_a_table(url: str) -> None:
    done = modelmeta("sources", database_url=url)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows == [
        ["overlay", "DISABLED", "", "", "0", "0", ""],
        ["curated", "OK", "2024-11-25 12:00", "2024-11-25 12:00", "0", "0", ""],
        ["genai-prices", "STALE", "2024-11-25 12:00", "2024-11-25 12:00", "1", "0", ""],
        # Neither mark-up nor an escape of upstream's reaches the terminal.
        ["models-dev", "FAILED", "2024-11-25 12:00", "2024-11-26 12:00", "2", "1,234", ERROR.replace("\x1b", "\ufffd")],
        ["openrouter", "STALE", "", "", "0", "0", ""],
    ]


# changes


def test_changes_are_listed_the_newest_first_and_exactly(said: Any) -> None:
    answer = said("changes", "--json")
    assert brief(answer) == ALL
    assert answer.lines[3] == {
        "revision": 2,
        "observedAt": "2024-11-24T12:00:00Z",
        "kind": "PRICE_CHANGED",
        "model": LARGE,
        "provider": "openai",
        "field": "prices.STANDARD.INPUT",
        "before": "2.5",
        "after": "2.75",
    }
    assert '"after":{"default":0.1,"seed":12345678901234567890123}}' in answer.out.splitlines()[0]
    assert (answer.lines[1]["model"], answer.lines[1]["provider"]) == (None, "gone")
    assert answer.err == ""


def test_changes_stand_in_a_table(url: str) -> None:
    done = modelmeta("changes", database_url=url)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
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
    ("since", "found"),
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
def test_since_takes_a_day_a_moment_or_a_revision(said: Any, since: str, found: Any) -> None:
    answer = said("changes", "--json", "--since", since)
    assert brief(answer) == found
    assert answer.err == ("" if found else "No changes.\n")


@pytest.mark.parametrize(
    ("flags", "found"),
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
def test_what_is_asked_for_is_found_and_nothing_else(said: Any, flags: list[str], found: Any) -> None:
    assert brief(said("changes", "--json", *flags)) == found


def test_a_limit_says_how_many_it_left_out(said: Any) -> None:
    answer = said("changes", "--json", "--limit", "2")
    assert brief(answer) == ALL[:2]
    assert answer.err == "2 of 6 changes shown; --limit shows more.\n"


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
def test_bad_input_is_one_line(said: Any, flags: list[str], line: str) -> None:
    assert said("changes", *flags).mistake == line


@pytest.mark.parametrize("command", ["sources", "changes"])
async def test_an_empty_database_says_what_to_do(tmp_path: Path, command: str) -> None:
    done = modelmeta(command, database_url=await create_database("sqlite", tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "modelmeta: The database is empty. Load the registry with `modelmeta load`, or name another database with "
        "--database-url.\n"
    )
