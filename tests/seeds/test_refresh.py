"""The promise: a refresh stores exactly what the feeds changed, in one revision; a feed that looks broken changes nothing."""

import json
import os
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.tables import table
from seeds import load
from seeds.catalogue import Catalogue
from seeds.feeds import models_dev
from seeds.refresh import Plan, Report
from server import database
from tests.support.faulty_upstream import faulty
from tests.support.feeds import ANYTHING_GOES, Publisher, catalogue, listing, publishing, refreshed
from tests.support.registry import Ask, asker

SOURCES = "{ registry { revision { number } sources { slug status lastError lastSuccessAt modelCount } } }"


async def states(ask: Ask) -> dict[str, tuple[str, str | None]]:
    found = (await ask(SOURCES))["registry"]["sources"]
    return {each["slug"]: (each["status"], each["lastError"]) for each in found}


async def revision(ask: Ask) -> int:
    return int((await ask(SOURCES))["registry"]["revision"]["number"])


async def everything(engine: AsyncEngine, *without: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    async with database.reading(engine) as connection:
        return {
            str(each.__tablename__): sorted(map(repr, (await connection.execute(sa.select(table(each)))).all()))
            for each in tables.REGISTRY
            if each.__tablename__ not in without
        }


async def changes(engine: AsyncEngine, number: int) -> list[tuple[str, str | None, str | None, Any, Any]]:
    change = table(tables.Change)
    async with database.reading(engine) as connection:
        rows = await connection.execute(
            sa.select(change).where(change.c.revision_number == number).order_by(change.c.id)
        )
        return [(row.kind.name, row.model_ref, row.field, row.before, row.after) for row in rows]


BEFORE = {
    "acme/one": listing(),
    "acme/two": listing(price=("0.5", "2")),
    "acme/three": listing(context=8_192),
    "acme/four": listing(price=None),
    "bolt/five": listing(),
    "bolt/six": listing(),
}


async def first(engine: AsyncEngine, feeds: Publisher) -> Report:
    """The first refresh into an empty database: nothing to compare with but the bundled copy."""
    return await refreshed(engine, waved(feeds.plan()))


def waved(asked: Plan, forced: frozenset[str] = frozenset()) -> Plan:
    return replace(asked, thresholds=ANYTHING_GOES, forced=forced)


# Changes


async def test_a_refresh_stores_what_the_feed_changed_in_one_revision(engine: AsyncEngine) -> None:
    with publishing({"models-dev": catalogue(BEFORE)}) as feeds:
        await first(engine, feeds)
        ask = asker(engine)
        assert await revision(ask) == 1
        after = {
            **BEFORE,
            "acme/two": listing(price=("0.75", "2")),
            "acme/three": listing(context=16_384, name="Renamed"),
            "acme/new": listing(),
        }
        del after["bolt/six"]
        feeds.documents["models-dev"] = catalogue(after)
        report = await refreshed(engine, feeds.plan())
        assert (report.revision, report.whole) == (2, True)
        # genai-prices has neither provider, so no other source has these models.
        assert await changes(engine, 2) == [
            ("MODEL_RETIRED", "bolt/six", "status", "ACTIVE", "RETIRED"),
            ("LIMIT_CHANGED", "acme/three", "contextWindow", 8_192, 16_384),
            ("FACT_CHANGED", "acme/three", "name", "A model", "Renamed"),
            ("PRICE_CHANGED", "acme/two", "prices.STANDARD.INPUT", "0.5", "0.75"),
            ("MODEL_ADDED", "acme/new", None, None, None),
        ]


async def test_each_content_is_parsed_once_in_a_refresh(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: Counter[bytes] = Counter()
    parse = models_dev.parse

    def counting(content: bytes) -> Catalogue:
        parsed[content] += 1
        return parse(content)

    monkeypatch.setattr(models_dev, "parse", counting)
    with publishing({"models-dev": catalogue(BEFORE)}) as feeds:
        await first(engine, feeds)
        for price in ("2", "3"):
            parsed.clear()
            feeds.documents["models-dev"] = catalogue({**BEFORE, "acme/two": listing(price=(price, price))})
            await refreshed(engine, feeds.plan())
            # The old content, which the guard compares, and the new one.
            assert sorted(parsed.values()) == [1, 1]
        parsed.clear()
        feeds.documents["models-dev"] = catalogue({"acme/one": listing()})
        assert not (await refreshed(engine, feeds.plan())).whole
        assert sorted(parsed.values()) == [1, 1]


async def test_the_same_content_again_writes_nothing(engine: AsyncEngine) -> None:
    with publishing({"models-dev": catalogue(BEFORE)}) as feeds:
        await first(engine, feeds)
        before = await everything(engine, "source")
        report = await refreshed(engine, feeds.plan())
        assert (report.revision, report.outcome) == (1, None)
        assert ("models-dev", 304) in feeds.asked
        # The same facts in another spelling, without a validator: they are merged, and nothing changes.
        feeds.documents["models-dev"] = json.dumps(catalogue(BEFORE), indent=1).encode()
        report = await refreshed(engine, feeds.plan())
        assert report.outcome is not None
        assert not report.outcome.wrote
        after = await everything(engine, "source")
        assert {name for name in before if before[name] != after[name]} == {"edition", "revision"}
        (row,) = (await everything(engine))["revision"]
        assert row.startswith("(1, ")


async def test_a_model_that_comes_back_is_listed_as_returned(engine: AsyncEngine) -> None:
    with publishing({"models-dev": catalogue(BEFORE)}) as feeds:
        await first(engine, feeds)
        feeds.documents["models-dev"] = catalogue({ref: each for ref, each in BEFORE.items() if ref != "acme/one"})
        await refreshed(engine, feeds.plan())
        feeds.documents["models-dev"] = catalogue(BEFORE)
        await refreshed(engine, feeds.plan())
        assert await changes(engine, 3) == [("MODEL_RETURNED", "acme/one", None, None, None)]


# Exactly the difference, by a plain comparison of two documents

prices = st.none() | st.tuples(st.sampled_from(["0.25", "1", "3.5"]), st.sampled_from(["2", "8", "15"]))
models = st.builds(listing, context=st.sampled_from([8_192, 128_000, 1_000_000]), price=prices)
documents = st.dictionaries(
    st.sampled_from([f"{provider}/{name}" for provider in ("acme", "bolt") for name in "abcdef"]), models, min_size=1
)


def plainly(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str, str | None, Any, Any]]:
    """The changes between two documents, by comparing them value by value."""
    found: set[tuple[str, str, str | None, Any, Any]] = set()
    for ref in before.keys() | after.keys():
        old, new = before.get(ref), after.get(ref)
        if old is None or new is None:
            kind, status = ("MODEL_ADDED", None) if old is None else ("MODEL_RETIRED", "status")
            found.add((kind, ref, status, None if status is None else "ACTIVE", status and "RETIRED"))
            continue
        if old["limit"]["context"] != new["limit"]["context"]:
            found.add(("LIMIT_CHANGED", ref, "contextWindow", old["limit"]["context"], new["limit"]["context"]))
        for meter in ("input", "output"):
            was, now = (amount(each, meter) for each in (old, new))
            if was != now:
                found.add(("PRICE_CHANGED", ref, f"prices.STANDARD.{meter.upper()}", was, now))
    return found


def amount(model: dict[str, Any], meter: str) -> str | None:
    if "cost" not in model:
        return None
    return format(Decimal(str(model["cost"][meter])).normalize(), "f")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=documents, after=documents)
async def test_the_listed_changes_match_a_plain_comparison(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    file = tmp_path / f"{os.urandom(6).hex()}.sqlite"
    engine = database.create_engine(f"sqlite+aiosqlite:///{file}")
    try:
        await database.prepare(engine)
        with publishing({"models-dev": catalogue(before)}) as feeds:
            await first(engine, feeds)
            feeds.documents["models-dev"] = catalogue(after)
            report = await refreshed(engine, waved(feeds.plan()))
            listed = await changes(engine, 2) if report.revision == 2 else []
        told = {each for each in listed if each[0] not in ("PROVIDER_ADDED", "FACT_CHANGED")}
        assert told == plainly(before, after)
        assert len({each for each in listed if each[0] != "FACT_CHANGED"}) == len(
            [each for each in listed if each[0] != "FACT_CHANGED"]
        )
    finally:
        await engine.dispose()


def later(bundled: bytes) -> bytes:
    """The bundled document some weeks later: as many models removed, added and changed as in two months of 2026."""
    document = json.loads(bundled)
    refs = [(provider, slug) for provider, each in document.items() for slug in each["models"]]
    for place, (provider, slug) in enumerate(refs):
        entries = document[provider]["models"]
        if place % 10 == 3:
            del entries[slug]
        elif place % 5 == 1:
            entries[f"{slug}-next"] = {**entries[slug], "id": f"{slug}-next"}
        elif place % 15 == 7:
            entries[slug]["limit"]["context"] = entries[slug]["limit"].get("context", 0) + 1_000
        elif place % 20 == 9 and entries[slug].get("cost", {}).get("input"):
            entries[slug]["cost"]["input"] = 123.5
    return json.dumps(document).encode()


async def test_exactly_the_differences_from_the_bundled_copy_to_a_later_one_are_listed(
    engine: AsyncEngine, loaded: load.Loaded
) -> None:
    """TEST_LATER_MODELS_DEV may name a later `api.json` to use instead of a made-up one."""
    given_file = os.environ.get("TEST_LATER_MODELS_DEV")
    bundled = models_dev.bundled()
    content = Path(given_file).read_bytes() if given_file else later(bundled)
    async with database.writing(engine) as connection:
        await load.write(connection, loaded)
    ask = asker(engine)
    known = await sources_by_fact(engine)
    with publishing({"models-dev": content}) as feeds:
        del feeds.documents["genai-prices"]
        report = await refreshed(engine, feeds.plan())
        assert (report.revision, report.whole) == (2, True)
        listed = await changes(engine, 2)
        before, after = (plain(json.loads(each)) for each in (bundled, content))
        priced = next(each for each in loaded.catalogues if each.source == "genai-prices")
        others = {f"{model.provider}/{model.slug}" for model in priced.models}
        # Models that another source lists are neither added nor retired.
        of = {kind: {each[1] for each in listed if each[0] == kind} for kind, *_ in listed}
        assert of["MODEL_ADDED"] == {ref for ref in after.keys() - before.keys() if ref not in known}
        assert of["MODEL_RETIRED"] == {ref for ref in before.keys() - after.keys() if ref not in others}
        now_known = await sources_by_fact(engine)

        def alone(ref: str, *facts: str) -> bool:
            """Whether models.dev is the only source of these facts about a model, before and after."""
            ours = {"models-dev"}
            return all(each[ref].get(fact, ours) == ours for each in (known, now_known) for fact in facts)

        for change, facts, stated in (
            ("contextWindow", ("contextWindow",), "window"),
            ("maxOutputTokens", ("maxOutputTokens",), "answer"),
            ("prices.STANDARD.INPUT", ("price.input", "price.publication"), "input"),
            ("prices.STANDARD.OUTPUT", ("price.input", "price.publication"), "output"),
        ):
            both = {ref for ref in before.keys() & after.keys() if alone(ref, *facts)}
            # The meaning of a price of 0 or none depends on the provider; other tests check it.
            if change.startswith("prices"):
                both = {ref for ref in both if before[ref][stated] and after[ref][stated]}
            expected = {
                (ref, before[ref][stated], after[ref][stated])
                for ref in both
                if before[ref][stated] != after[ref][stated]
            }
            told = {(ref, old, new) for _, ref, field, old, new in listed if field == change and ref in both}
            assert told == expected, change
            assert expected or stated in ("answer", "output")
        assert await revision(ask) == 2
        again = await refreshed(engine, feeds.plan())
        assert (again.revision, again.outcome) == (2, None)


def plain(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    def price(model: dict[str, Any], meter: str) -> str | None:
        cost: dict[str, Any] = model.get("cost") or {}
        value = cost.get(meter)
        return None if not value else format(Decimal(str(value)).normalize(), "f")

    return {
        f"{provider}/{slug}": {
            "window": model.get("limit", {}).get("context") or None,
            "answer": model.get("limit", {}).get("output") or None,
            "input": price(model, "input"),
            "output": price(model, "output"),
        }
        for provider, each in document.items()
        for slug, model in each["models"].items()
    }


async def sources_by_fact(engine: AsyncEngine) -> dict[str, dict[str, set[str]]]:
    """Model -> fact -> the sources that state it."""
    claim, model = table(tables.Claim), table(tables.Model)
    found: dict[str, dict[str, set[str]]] = {}
    async with database.reading(engine) as connection:
        for row in await connection.execute(
            sa.select(model.c.ref, claim.c.field, claim.c.source_slug).join(claim, claim.c.model_id == model.c.id)
        ):
            found.setdefault(row.ref, {}).setdefault(row.field, set()).add(row.source_slug)
    return found


# The guard


def lost(share: int) -> dict[str, Any]:
    return {f"acme/{n}": listing() for n in range(100) if n >= share}


def moved(share: int) -> dict[str, Any]:
    return {f"acme/{n}": listing(price=("2", "9") if n < share else ("1", "4")) for n in range(100)}


def spoilt(share: int) -> dict[str, Any]:
    return {f"acme/{n}": {"limit": "none"} if n < share else listing() for n in range(100)}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lost, "100 models would be removed"),
        (moved, "200 prices would change"),
        (spoilt, "100 entries fail validation"),
    ],
)
async def test_a_feed_that_looks_broken_is_held_back_until_the_operator_forces_it(
    engine: AsyncEngine, spoil: Any, words: str
) -> None:
    with publishing({"models-dev": catalogue(lost(0))}) as feeds:
        await first(engine, feeds)
        ask = asker(engine)
        feeds.documents["models-dev"] = catalogue(spoil(26))
        before = await everything(engine, "source")
        report = await refreshed(engine, feeds.plan())
        assert not report.whole
        status, reason = (await states(ask))["models-dev"]
        assert status == "HELD"
        assert reason is not None
        assert words in reason
        assert "modelmeta refresh --force models-dev" in reason
        assert await everything(engine, "source") == before
        # It is fetched again every time, and held back while its content is the same.
        await refreshed(engine, feeds.plan())
        assert (await states(ask))["models-dev"][0] == "HELD"

        asked = feeds.plan()
        forced = replace(asked, forced=frozenset({"models-dev"}))
        report = await refreshed(engine, forced)
        assert (report.whole, report.revision) == (True, 2)
        assert (await states(ask))["models-dev"] == ("OK", None)


@pytest.mark.parametrize("spoil", [lost, moved, spoilt])
async def test_a_feed_with_up_to_a_quarter_changed_is_accepted(engine: AsyncEngine, spoil: Any) -> None:
    with publishing({"models-dev": catalogue(lost(0))}) as feeds:
        await first(engine, feeds)
        feeds.documents["models-dev"] = catalogue(spoil(25))
        assert (await refreshed(engine, feeds.plan())).whole
        assert (await states(asker(engine)))["models-dev"] == ("OK", None)


# Sources fail one by one


async def test_a_feed_that_fails_keeps_its_last_valid_facts_and_does_not_affect_others(engine: AsyncEngine) -> None:
    with publishing({"models-dev": catalogue(BEFORE), "genai-prices": b"[{]"}) as feeds:
        await first(engine, feeds)
        ask = asker(engine)
        assert (await states(ask))["genai-prices"][0] == "FAILED"
        feeds.documents["models-dev"] = b"<!doctype html><title>Moved</title>"
        assert not (await refreshed(engine, feeds.plan())).whole
        status, reason = (await states(ask))["models-dev"]
        assert status == "FAILED"
        assert reason
        found = (await ask('{ model(ref: "acme/one") { contextWindow status } }'))["model"]
        assert found == {"contextWindow": 128_000, "status": "ACTIVE"}
        feeds.documents["models-dev"] = catalogue({**BEFORE, "acme/seven": listing()})
        await refreshed(engine, feeds.plan())
        assert (await states(ask))["models-dev"] == ("OK", None)
        assert (await ask('{ model(ref: "acme/seven") { status } }'))["model"] == {"status": "ACTIVE"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/silent", "did not finish answering within"),
        ("/drip", "did not finish answering within"),
        ("/truncated", "expected 1000"),
        ("/understated", "JSON"),
        ("/huge", "sends more than the"),
        ("/bomb", "sends more than the"),
        ("/malformed", "JSON"),
        ("/other-format", "providers"),
        ("/html", "answered with a web page"),
        ("/always-500", "answered 500 Internal Server Error"),
        ("/garbage", "did not answer in full: illegal status line"),
        ("/redirect?to=http://10.0.0.1/", "which is not on the public internet (10.0.0.1)"),
        ("/loop", "redirects more than 5 times"),
    ],
)
async def test_a_faulty_upstream_does_not_stop_the_others_and_its_source_says_what_is_wrong(
    engine: AsyncEngine, path: str, words: str
) -> None:
    listed = catalogue({"openai/one": listing(price=None), "acme/one": listing()})
    priced = [
        {
            "id": "openai",
            "name": "OpenAI",
            "api_pattern": "openai",
            "models": [{"id": "one", "match": {"equals": "one"}, "prices": {"input_mtok": 3}}],
        }
    ]
    async with faulty() as upstream:
        with publishing({"models-dev": listed, "genai-prices": priced}) as feeds:
            await first(engine, feeds)
            priced[0]["models"][0]["prices"]["input_mtok"] = 4  # type: ignore[index] # JSON
            asked = waved(feeds.plan())
            urls = {**asked.urls, "models-dev": f"{upstream.base}{path}"}
            report = await refreshed(engine, replace(asked, urls=urls, timeout=3.0, limit=1_000_000))
            assert not report.whole
        ask = asker(engine)
        status, reason = (await states(ask))["models-dev"]
        assert status == "FAILED"
        assert reason is not None
        assert words in reason, reason
        assert "\n" not in reason
        assert (await states(ask))["genai-prices"] == ("OK", None)
        assert await changes(engine, 2) == [("PRICE_CHANGED", "openai/one", "prices.STANDARD.INPUT", "3", "4")]
        found = (await ask('{ model(ref: "acme/one") { contextWindow price { input } status } }'))["model"]
        assert found == {"contextWindow": 128_000, "price": {"input": "1"}, "status": "ACTIVE"}


async def test_a_feed_that_is_switched_off_is_not_fetched_and_keeps_its_facts(engine: AsyncEngine) -> None:
    with publishing({"models-dev": catalogue(BEFORE)}) as feeds:
        await first(engine, feeds)
        feeds.asked.clear()
        del feeds.documents["models-dev"]
        assert (await refreshed(engine, feeds.plan())).whole
        ask = asker(engine)
        assert (await states(ask))["models-dev"] == ("DISABLED", None)
        assert "models-dev" not in dict(feeds.asked)
        assert (await ask('{ model(ref: "acme/one") { status } }'))["model"] == {"status": "ACTIVE"}


async def test_an_overlay_is_read_at_each_refresh_and_one_with_a_mistake_is_ignored(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[models."acme/one"]\ncontext_window = 1000\n')
    query = '{ model(ref: "acme/one") { contextWindow } }'
    with publishing({"models-dev": catalogue(BEFORE)}) as feeds:
        ask = asker(engine)
        await first(engine, feeds)
        assert (await ask(query))["model"] == {"contextWindow": 128_000}
        await refreshed(engine, feeds.plan(overlay=file))
        assert (await ask(query))["model"] == {"contextWindow": 1_000}
        file.write_text('[models."acme/one"]\ncontext_window = "a lot"\n')
        assert not (await refreshed(engine, feeds.plan(overlay=file))).whole
        status, reason = (await states(ask))["overlay"]
        assert status == "FAILED"
        assert reason is not None
        assert 'mine.toml: models."acme/one".context_window: ' in reason
        assert (await ask(query))["model"] == {"contextWindow": 1_000}
        file.write_text('[models."acme/one"]\ncontext_window = 2000\n')
        await refreshed(engine, feeds.plan(overlay=file))
        assert (await states(ask))["overlay"] == ("OK", None)
        assert (await ask(query))["model"] == {"contextWindow": 2_000}
        await refreshed(engine, feeds.plan())
        assert (await states(ask))["overlay"] == ("DISABLED", None)
        assert (await ask(query))["model"] == {"contextWindow": 128_000}
