"""The promise: a comparison shows what the registry knows, and marks a value as best only if values can be ranked."""

import json
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import Capability, Meter, ParameterKind, PricePublication, PriceUnit, ServiceTier
from schema.pricing.rates import rate_values
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, ProviderClaims, RateClaim, known_facts
from tests.support.registry import TODAY, Ask, asker, put

ROWS = """query($refs: [String!]!, $only: Boolean) {
  compare(refs: $refs) { rows(onlyDifferences: $only) { field label values unit differs best } } }"""


def plain(answer: Any) -> Any:
    """A response as a client parses it, with numbers as the text that was sent."""
    return json.loads(orjson.dumps(answer))


async def rows(ask: Ask, *refs: str, only: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plain(await ask(ROWS, {"refs": list(refs), "only": only}))["compare"]["rows"]
    return found


async def test_all_models_of_the_tiny_registry_are_compared(ask: Ask) -> None:
    query = """{ compare(refs: ["openai:tiny-large", "tiny-small", "tiny-small@azure"]) {
      models { ref }
      rows { field label values unit differs best } } }"""
    tokens, long = "PER_MILLION_TOKENS", "prices.STANDARD.INPUT.over100000"
    assert plain(await ask(query))["compare"] == {
        "models": [{"ref": "openai/tiny-large"}, {"ref": "openai/tiny-small"}, {"ref": "azure/tiny-small"}],
        "rows": [
            {"field": field, "label": label, "values": values, "unit": unit, "differs": differs, "best": best}
            for field, label, values, unit, differs, best in (
                ("provider", "Provider", ["OpenAI", "OpenAI", "Microsoft Azure"], None, True, []),
                ("family", "Family", ["Tiny", "Tiny", "Tiny"], None, False, []),
                ("status", "Status", ["ACTIVE", "ACTIVE", "DEPRECATED"], None, True, []),
                ("accessType", "Access type", ["CLOSED", "CLOSED", "CLOSED"], None, False, []),
                ("releaseDate", "Release date", ["2026-03-01", "2026-01-01", None], None, True, [0]),
                # Known for one model only, so there is no best.
                ("knowledgeCutoffText", "Knowledge cutoff", ["2025-06", None, None], None, True, []),
                ("contextWindow", "Context window", [200_000, None, None], None, True, []),
                ("maxOutputTokens", "Maximum output tokens", [32_768, None, None], None, True, []),
                ("inputModalities", "Input modalities", [["IMAGE", "TEXT"], [], []], None, True, []),
                ("outputModalities", "Output modalities", [["TEXT"], [], []], None, True, []),
                ("price.publication", "Pricing", ["PUBLISHED", "PUBLISHED", "NOT_PUBLISHED"], None, True, []),
                ("price.input", "Input price", ["2.5", "0.1", None], tokens, True, [1]),
                ("price.output", "Output price", ["10", "0.4", None], tokens, True, [1]),
                ("price.cacheRead", "Cached input price", ["0.25", None, None], tokens, True, []),
                (long, "Input price above 100,000 tokens", ["5", None, None], tokens, True, []),
                ("prices.BATCH.INPUT", "Batch input price", ["1.25", None, None], tokens, True, []),
                ("prices.BATCH.OUTPUT", "Batch output price", ["5", None, None], tokens, True, []),
                ("capabilities.FUNCTION_CALLING", "Function calling", [True, True, False], None, True, [0, 1]),
                ("capabilities.REASONING", "Reasoning", [True, False, False], None, True, [0]),
                ("parameters.temperature", "Temperature", [{"supported": True}, None, None], None, True, []),
            )
        ],
    }


async def test_only_differences_omits_exactly_the_rows_with_equal_values(ask: Ask) -> None:
    refs = ("openai/tiny-large", "openai/tiny-small")
    everything = await rows(ask, *refs)
    shared = [row["field"] for row in everything if not row["differs"]]
    assert shared == [
        "provider", "family", "status", "accessType", "price.publication", "capabilities.FUNCTION_CALLING"
    ]  # fmt: skip
    assert await rows(ask, *refs, only=True) == [row for row in everything if row["differs"]]
    nothing = """{ compare(refs: ["tiny-large", "tiny-small"]) { rows(onlyDifferences: null) { field } } }"""
    assert len((await ask(nothing))["compare"]["rows"]) == len(everything)


# What is best


def model(slug: str, *rates: RateClaim, **facts: Any) -> ModelClaims:
    return ModelClaims("openai", slug, facts=known_facts({"name": slug, **facts}), rates=list(rates))


async def compared(engine: AsyncEngine, *models: ModelClaims) -> list[dict[str, Any]]:
    """The rows of a comparison of these models in a registry that has no others."""
    catalogue = Catalogue("models-dev", list(models), {"openai": ProviderClaims("OpenAI")})
    await put(engine, [catalogue])
    return await rows(asker(engine), *(each.slug for each in models))


async def by_field(engine: AsyncEngine, *models: ModelClaims) -> dict[str, dict[str, Any]]:
    found = await compared(engine, *models)
    assert len({row["field"] for row in found}) == len(found)
    return {row["field"]: row for row in found}


def seen(row: dict[str, Any]) -> tuple[list[Any], bool, list[int]]:
    return row["values"], row["differs"], row["best"]


async def test_tied_values_are_all_best(engine: AsyncEngine) -> None:
    found = await by_field(
        engine,
        model("alpha", context_window=100, max_output_tokens=10, max_input_tokens=7, release_date=date(2026, 1, 1)),
        model("beta", context_window=200, max_output_tokens=10, max_input_tokens=7, release_date=date(2026, 2, 1)),
        model("gamma", context_window=200, max_output_tokens=10, release_date=date(2026, 2, 1)),
    )
    assert seen(found["contextWindow"]) == ([100, 200, 200], True, [1, 2])
    assert seen(found["releaseDate"]) == (["2026-01-01", "2026-02-01", "2026-02-01"], True, [1, 2])
    assert seen(found["maxOutputTokens"]) == ([10, 10, 10], False, [])
    # An unknown value differs, but does not make the others best.
    assert seen(found["maxInputTokens"]) == ([7, 7, None], True, [])


async def test_knowledge_cutoffs_are_compared_as_days_at_any_precision(engine: AsyncEngine) -> None:
    found = await by_field(
        engine,
        model("alpha", knowledge_cutoff_text="2024"),
        model("beta", knowledge_cutoff_text="2024-11-30"),
        model("gamma", knowledge_cutoff_text="2024-12"),
        model("delta"),
    )
    assert seen(found["knowledgeCutoffText"]) == (["2024", "2024-11-30", "2024-12", None], True, [2])


async def test_free_is_best_and_an_included_or_unknown_price_is_never_free(engine: AsyncEngine) -> None:
    both = (Meter.INPUT, Meter.OUTPUT)
    found = await by_field(
        engine,
        model("alpha", *(RateClaim(meter, Decimal("0.000000000000000001")) for meter in both)),
        model("beta", *(RateClaim(meter, Decimal(0), publication=PricePublication.FREE) for meter in both)),
        model("gamma", *(RateClaim(meter, None, publication=PricePublication.INCLUDED) for meter in both)),
        model("delta"),
    )
    states = ["PUBLISHED", "FREE", "INCLUDED", "NOT_PUBLISHED"]
    assert seen(found["price.publication"]) == (states, True, [])
    for field in ("price.input", "price.output"):
        assert seen(found[field]) == (["0.000000000000000001", "0", None, None], True, [1])


async def test_an_included_rate_has_no_amount(engine: AsyncEngine) -> None:
    batch = ServiceTier.BATCH
    found = await by_field(
        engine,
        model("alpha", RateClaim(Meter.INPUT, Decimal(3), service_tier=batch)),
        model("beta", RateClaim(Meter.INPUT, None, service_tier=batch, publication=PricePublication.INCLUDED)),
        model("gamma", RateClaim(Meter.INPUT, Decimal(4), service_tier=batch)),
    )
    assert seen(found["prices.BATCH.INPUT"]) == (["3", "INCLUDED", "4"], True, [0])


async def test_amounts_in_different_units_have_separate_rows(engine: AsyncEngine) -> None:
    found = await compared(
        engine,
        model("alpha", RateClaim(Meter.OUTPUT_IMAGE, Decimal("0.04"), PriceUnit.PER_IMAGE)),
        model("beta", RateClaim(Meter.OUTPUT_IMAGE, Decimal(30))),
        model("gamma", RateClaim(Meter.OUTPUT_IMAGE, Decimal(40))),
    )
    name, label = "prices.STANDARD.OUTPUT_IMAGE", "Output image price"
    assert [(row["unit"], row["label"], *seen(row)) for row in found if row["field"] == name] == [
        ("PER_IMAGE", f"{label} per image", ["0.04", None, None], True, []),
        ("PER_MILLION_TOKENS", label, [None, "30", "40"], True, [1]),
    ]


async def test_only_the_rates_in_force_now_are_compared(engine: AsyncEngine) -> None:
    long_ago, far_off = date(2020, 1, 1), date(2999, 1, 1)
    batch = ServiceTier.BATCH

    def rates(*amounts: int) -> list[RateClaim]:
        spans = ((None, long_ago), (long_ago, far_off), (far_off, None))
        return [
            RateClaim(Meter.INPUT, Decimal(amount), service_tier=batch, effective_from=start, effective_to=end)
            for amount, (start, end) in zip(amounts, spans, strict=True)
        ]

    flex = RateClaim(Meter.INPUT, Decimal(1), service_tier=ServiceTier.FLEX, effective_from=far_off)
    found = await by_field(engine, model("alpha", *rates(1, 5, 2)), model("beta", *rates(9, 4, 8), flex))
    assert seen(found["prices.BATCH.INPUT"]) == (["5", "4"], True, [1])
    assert "prices.FLEX.INPUT" not in found


async def test_every_rate_has_a_display_name(engine: AsyncEngine) -> None:
    one, batch = Decimal(1), ServiceTier.BATCH
    rates = {
        "price.cacheWrite": ("Cache write price", RateClaim(Meter.CACHE_WRITE, one)),
        "prices.STANDARD.CACHE_WRITE_1H": ("1-hour cache write price", RateClaim(Meter.CACHE_WRITE_1H, one)),
        "prices.STANDARD.AUDIO_TIME": ("Audio price per hour", RateClaim(Meter.AUDIO_TIME, one, PriceUnit.PER_HOUR)),
        "prices.STANDARD.WEB_SEARCH": (
            "Web search price per 1,000 searches",
            RateClaim(Meter.WEB_SEARCH, one, PriceUnit.PER_THOUSAND_SEARCHES),
        ),
        "prices.STANDARD.INPUT.from16:30": (
            "Input price from 16:30 UTC",
            RateClaim(Meter.INPUT, one, daily_from=time(16, 30), daily_to=time(0, 30)),
        ),
        "prices.BATCH.CACHE_READ.over200000": (
            "Batch cached input price above 200,000 tokens",
            RateClaim(Meter.CACHE_READ, one, service_tier=batch, min_context_tokens=200_000),
        ),
    }
    found = await by_field(engine, model("alpha", *(rate for _, rate in rates.values())), model("beta"))
    priced = {field: row["label"] for field, row in found.items() if field.startswith(("price.c", "prices."))}
    assert priced == {field: label for field, (label, _) in rates.items()}
    # Named as in changes.
    changed = rate_values((rate for _, rate in rates.values()), TODAY)
    assert set(changed) - {"prices.STANDARD.CACHE_WRITE"} == set(priced) - {"price.cacheWrite"}


async def test_a_parameter_row_shows_what_is_known_about_it(engine: AsyncEngine) -> None:
    alpha, beta, gamma = model("alpha"), model("beta"), model("gamma")
    number = ParameterKind.NUMBER
    alpha.parameters = {
        "temperature": ParameterClaim(
            "temperature", True, "Temperature", number, Decimal("0.7"), minimum=Decimal(0), maximum=Decimal("1.50")
        ),
        "depth": ParameterClaim("depth", True, "Depth", default=True),
        "style": ParameterClaim("style", True, "Style", allowed_values=("plain", "rich")),
    }
    beta.parameters = {
        "depth": ParameterClaim("depth", True, "Depth of search", default=1),
        "temperature": ParameterClaim("temperature", False),
    }
    found = await by_field(engine, gamma, beta, alpha)
    parameters = [row for field, row in found.items() if field.startswith("parameters.")]
    # Parameters of two models come before those of one.
    assert [(row["field"], row["label"]) for row in parameters] == [
        ("parameters.depth", "Depth of search"),
        ("parameters.temperature", "Temperature"),
        ("parameters.style", "Style"),
    ]
    depth, temperature, style = (row["values"] for row in parameters)
    assert depth == [None, {"supported": True, "default": 1}, {"supported": True, "default": True}]
    assert [type(each["default"]) for each in depth[1:]] == [int, bool]
    range = {"supported": True, "default": 0.7, "minimum": "0", "maximum": "1.5"}
    assert temperature == [None, {"supported": False}, range]
    assert style == [None, None, {"supported": True, "allowedValues": ["plain", "rich"]}]
    assert all(row["differs"] and row["best"] == [] for row in parameters)


async def test_a_default_of_true_differs_from_one(engine: AsyncEngine) -> None:
    alpha, beta = model("alpha"), model("beta")
    alpha.parameters = {"depth": ParameterClaim("depth", True, default=True)}
    beta.parameters = {"depth": ParameterClaim("depth", True, default=1)}
    assert (await by_field(engine, alpha, beta))["parameters.depth"]["differs"]


# The whole registry

FIELDS = """ref provider { name } family { name } status accessType license parameterSize releaseDate
  knowledgeCutoff knowledgeCutoffText deprecationDate retirementDate contextWindow maxInputTokens maxOutputTokens
  inputModalities outputModalities endpoints useCases price { publication input output cacheRead cacheWrite }
  prices { serviceTier meter amount publication unit minContextTokens dailyWindow { start } }
  capabilities parameters { name label supported default minimum maximum allowedValues }"""
WHOLE = (
    "query($refs: [String!]!) { compare(refs: $refs) { models { %s } rows { field label values unit differs best } } }"
)
Model = dict[str, Any]
COLUMNS = (
    *("status", "accessType", "license", "parameterSize", "releaseDate", "knowledgeCutoffText", "deprecationDate"),
    *("retirementDate", "contextWindow", "maxInputTokens", "maxOutputTokens"),
    *("inputModalities", "outputModalities", "endpoints", "useCases"),
)
STANDARD = {"INPUT", "OUTPUT", "CACHE_READ", "CACHE_WRITE"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def refs(full_engine: AsyncEngine) -> dict[str, list[str]]:
    """All references, and those of providers whose models have much data."""
    ask, found, cursor = asker(full_engine), list[Any](), None
    while True:
        query = "query($after: String) { models(first: 100, after: $after) { nodes { ref } pageInfo { endCursor hasNextPage } } }"
        page = (await ask(query, {"after": cursor}))["models"]
        found += [node["ref"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    known = ("openai/", "anthropic/", "google/", "mistral/", "xai/", "cohere/", "deepseek/")
    return {"all": sorted(found), "known": sorted(ref for ref in found if ref.startswith(known))}


def foremost(measures: Sequence[Any], sign: int) -> list[int]:
    """Indexes of the largest value (smallest with a sign of -1), if there are at least two different values."""
    known = [measure for measure in measures if measure is not None]
    beaten = [any(sign * each < sign * other for other in known) if each is not None else True for each in measures]
    return [place for place, lost in enumerate(beaten) if not lost] if len(set(known)) > 1 else []


def ordinal(day: str | None) -> int | None:
    return None if day is None else date.fromisoformat(day).toordinal()


def amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def spelled(rate: dict[str, Any]) -> str:
    over = f".over{rate['minContextTokens']}" if rate["minContextTokens"] else ""
    start = f".from{rate['dailyWindow']['start']}" if rate["dailyWindow"] else ""
    return f"prices.{rate['serviceTier']}.{rate['meter']}{over}{start}"


def known_members(parameter: dict[str, Any]) -> dict[str, Any]:
    return {key: parameter[key] for key in parameter if key not in ("name", "label") and parameter[key] is not None}


def expected(models: list[Model]) -> dict[str, tuple[list[Any], list[int]]]:
    """Field -> the values and the indexes of the best ones, computed from the models."""
    plainly = {
        "provider": [each["provider"]["name"] for each in models],
        "family": [each["family"] and each["family"]["name"] for each in models],
        **{column: [each[column] for each in models] for column in COLUMNS},
    }
    answer: dict[str, tuple[list[Any], list[int]]] = {field: (values, []) for field, values in plainly.items()}
    for field in ("contextWindow", "maxInputTokens", "maxOutputTokens"):
        answer[field] = (plainly[field], foremost(plainly[field], 1))
    for field, day in (("releaseDate", "releaseDate"), ("knowledgeCutoffText", "knowledgeCutoff")):
        answer[field] = (plainly[field], foremost([ordinal(each[day]) for each in models], 1))
    answer["price.publication"] = ([each["price"]["publication"] for each in models], [])
    for meter in ("input", "output", "cacheRead", "cacheWrite"):
        values = [each["price"][meter] for each in models]
        answer[f"price.{meter}"] = (values, foremost([amount(each) for each in values], -1))
    others: dict[str, dict[int, dict[str, Any]]] = {}
    for place, each in enumerate(models):
        for rate in each["prices"]:
            if rate["serviceTier"] == "STANDARD" and rate["meter"] in STANDARD and "." not in spelled(rate)[16:]:
                continue
            others.setdefault(spelled(rate), {})[place] = rate
    for field, rates in others.items():
        # In the bundled sources each meter is always billed in the same unit.
        assert len({rate["unit"] for rate in rates.values()}) == 1
        held = [rates.get(place) for place in range(len(models))]
        values = [rate and (rate["amount"] or rate["publication"]) for rate in held]
        answer[field] = (values, foremost([rate and amount(rate["amount"]) for rate in held], -1))
    for capability in Capability:
        has = [capability.name in each["capabilities"] for each in models]
        if any(has):
            places = [place for place, true in enumerate(has) if true]
            answer[f"capabilities.{capability.name}"] = (has, [] if all(has) else places)
    for name in {parameter["name"] for each in models for parameter in each["parameters"]}:
        by_name = [{parameter["name"]: parameter for parameter in each["parameters"]} for each in models]
        answer[f"parameters.{name}"] = ([known_members(each[name]) if name in each else None for each in by_name], [])
    return {field: pair for field, pair in answer.items() if any(value not in (None, []) for value in pair[0])}


def order(field: str) -> tuple[int, ...]:
    """Sort key of a row; parameters may be in any order among themselves."""
    head = ("provider", "family", *COLUMNS, "price.publication")
    head += ("price.input", "price.output", "price.cacheRead", "price.cacheWrite")
    first, *parts = field.split(".")
    if first == "prices":
        over = next((int(part[4:]) for part in parts if part.startswith("over")), 0)
        return (
            1,
            [each.name for each in ServiceTier].index(parts[0]),
            over,
            [each.name for each in Meter].index(parts[1]),
        )
    if first == "capabilities":
        return 2, [each.name for each in Capability].index(parts[0])
    return (3,) if first == "parameters" else (0, head.index(field))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_rows_match_the_fields_of_random_models(
    full: Ask, refs: dict[str, list[str]], data: st.DataObject
) -> None:
    one = st.sampled_from(refs["known"]) | st.sampled_from(refs["all"])
    chosen = data.draw(st.lists(one, min_size=2, max_size=8, unique=True))
    comparison = plain(await full(WHOLE % FIELDS, {"refs": chosen}))["compare"]
    assert [each["ref"] for each in comparison["models"]] == chosen

    found, known = comparison["rows"], expected(comparison["models"])
    assert {row["field"]: (row["values"], row["best"]) for row in found} == known
    assert len(found) == len(known)
    for row in found:
        assert row["differs"] is any(json.dumps(each) != json.dumps(row["values"][0]) for each in row["values"]), row
        assert row["label"][0].upper() == row["label"][0]
        assert (row["unit"] is not None) is row["field"].startswith(("price.i", "price.o", "price.c", "prices."))
    places = [order(row["field"]) for row in found]
    assert places == sorted(places)

    turned = await rows(full, *reversed(chosen))
    assert [(row["field"], row["values"]) for row in turned] == [(row["field"], row["values"][::-1]) for row in found]


async def test_eight_models_with_every_edge_take_at_most_eight_statements(full: Ask, statements: list[str]) -> None:
    eight = ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o3", "o4-mini", "gemini-2.5-pro", "gemini-2.5-flash"]
    found = (await full(WHOLE % FIELDS, {"refs": [*eight, "anthropic/claude-haiku-4-5"]}))["compare"]
    assert (len(found["models"]), len(found["rows"]) > 60) == (8, True)
    selects = [each for each in statements if each.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert 0 < len(selects) <= 8, selects


# Refused comparisons


@pytest.mark.parametrize(
    ("refs", "message"),
    [
        ([], "compare needs 2 to 8 references (got none). Add another model."),
        (["tiny-large"], 'compare needs 2 to 8 references (got "tiny-large"). Add another model.'),
        (
            [f"m{number}" for number in range(10)],
            'compare needs 2 to 8 references (got 10). Remove "m8" and "m9".',
        ),
        (
            [f"m{number}" for number in range(20)],
            'compare needs 2 to 8 references (got 20). Remove "m8", "m9", "m10", "m11", "m12", "m13", "m14", "m15" and 4 more.',
        ),
        (
            ["tiny-large", "tiny-lager"],
            'No model matches "tiny-lager". The query resolveModel suggests similar models.',
        ),
        (
            ["nobody/nothing", "tiny-large", " ", "x" * 500],
            f'No model matches "nobody/nothing", "" or "{"x" * 80}…". The query resolveModel suggests similar models.',
        ),
        (
            ["tiny-large", "azure/tiny-small", " openai:tiny-large "],
            '"tiny-large" and "openai:tiny-large" mean the same model, openai/tiny-large. Remove all but one; the query resolveModel shows how each was matched.',
        ),
        (["tiny-large", "x" * 501], "Each of refs must have at most 500 characters (got 501)."),
    ],
    ids=["none", "one", "ten", "twenty", "unknown", "several_unknown", "twice_the_same", "too_long"],
)
async def test_references_that_cannot_be_compared_are_named(ask: Ask, refs: list[str], message: str) -> None:
    answer = await ask(ROWS, {"refs": refs}, errors=True)
    assert [(each["message"], each["extensions"]["code"]) for each in answer["errors"]] == [(message, "BAD_USER_INPUT")]
    assert answer["data"] is None
