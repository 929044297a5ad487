"""The promise: everything OpenRouter says about its listings is parsed, to the last digit, and nothing is added."""

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import Meter, ModelStatus, ParameterKind, PricePublication, PriceUnit
from seeds.catalogue import ModelClaims
from seeds.feeds import openrouter
from seeds.feeds.fetch import FeedError
from seeds.load import Loaded
from seeds.merge.merge import merge
from tests.support.openrouter import OFFERS, listing, offer
from tests.support.registry import TODAY, asker, put

TOKENS = PriceUnit.PER_MILLION_TOKENS


def models() -> dict[str, ModelClaims]:
    return {model.slug: model for model in openrouter.parse(listing()).models}


def priced(ref: str = "acme/any", **pricing: Any) -> list[tuple[Any, ...]]:
    """The rates of a made-up listing: meter, amount, context size, start and end time."""
    given = {"prompt": "0.000001", "completion": "0.000002"} | pricing
    (model,) = openrouter.parse(listing(offer(ref, pricing=given))).models
    return [(r.meter, r.amount, r.min_context_tokens, r.daily_from, r.daily_to) for r in model.rates]


def test_every_listing_is_read() -> None:
    catalogue = openrouter.parse(listing())
    assert [model.key for model in catalogue.models] == [("openrouter", each["id"]) for each in OFFERS]
    assert (catalogue.source, catalogue.entries, catalogue.left_out) == ("openrouter", len(OFFERS), 0)
    assert catalogue.quarantined == []


def test_limits_modalities_and_dates_are_read() -> None:
    assert models()["google/gemini-2.5-pro"].facts == {
        "name": "Gemini 2.5 Pro",
        "context_window": 1_048_576,
        "max_output_tokens": 65_536,
        "input_modalities": frozenset({"TEXT", "IMAGE", "PDF", "AUDIO", "VIDEO"}),
        "output_modalities": frozenset({"TEXT"}),
        "knowledge_cutoff_text": "2025-01-31",
        "status": ModelStatus.DEPRECATED,
        "retirement_date": date(2027, 6, 17),
    }


def test_the_day_of_listing_is_not_a_release_date() -> None:
    assert not any("release_date" in model.facts for model in models().values())


def test_a_name_is_read_without_its_maker() -> None:
    found = models()
    assert found["openai/gpt-4.1-mini"].facts.get("name") == "GPT-4.1 Mini"
    assert found["openrouter/auto"].facts.get("name") == "Auto Router"


def test_capabilities_follow_from_the_parameters_and_content_a_model_accepts() -> None:
    found = models()
    assert found["openai/gpt-4.1-mini"].capabilities == {
        "FUNCTION_CALLING": True,
        "JSON_MODE": True,
        "STRUCTURED_OUTPUT": True,
        "PREDICTED_OUTPUT": True,
        "VISION": True,
        "FILE_INPUT": True,
    }
    assert found["openai/gpt-5.6-luna"].capabilities == {"REASONING": True, "FUNCTION_CALLING": True}
    assert found["perplexity/sonar-pro"].capabilities == {"WEB_SEARCH": True, "VISION": True}


def test_parameters_have_their_kind_and_the_default_that_is_stated() -> None:
    found = models()["anthropic/claude-sonnet-4.5"].parameters
    told = {name: (each.supported, each.kind, each.default) for name, each in found.items()}
    assert told == {
        "max_tokens": (True, ParameterKind.INTEGER, None),
        "temperature": (True, ParameterKind.NUMBER, 1),
        "top_p": (True, ParameterKind.NUMBER, 1),
        "stop": (True, None, None),
        "seed": (True, ParameterKind.INTEGER, None),
        "tools": (True, ParameterKind.ARRAY, None),
        "tool_choice": (True, None, None),
        "top_k": (True, ParameterKind.INTEGER, None),
        "reasoning": (True, ParameterKind.OBJECT, None),
        "include_reasoning": (True, ParameterKind.BOOLEAN, None),
    }
    effort = models()["openai/gpt-5.6-luna"].parameters["reasoning_effort"]
    assert (effort.default, effort.allowed_values) == ("medium", ("max", "xhigh", "high", "medium", "low", "none"))


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("0", 0),
        ("-2", -2),
        ("0.10", Decimal("0.1")),
        ("1.0", 1),
        ("true", None),
        ('"high"', None),
        ("[1]", None),
        ('{"a": 1}', None),
        (str(10**30), None),
        ("1e-30", None),
    ],
)
def test_only_a_number_is_the_default_of_a_parameter(text: str, default: int | Decimal | None) -> None:
    given = offer("acme/any", pricing={"prompt": "1", "completion": "1"}, default_parameters={"seed": 77})
    (model,) = openrouter.parse(listing(given).replace(b"77", text.encode())).models
    assert model.parameters["seed"].default == default


def test_rates_are_exact_and_per_million_or_thousand() -> None:
    rates = {rate.meter: (rate.amount, rate.unit) for rate in models()["openai/gpt-4.1-mini"].rates}
    assert rates == {
        Meter.INPUT: (Decimal("0.4"), TOKENS),
        Meter.OUTPUT: (Decimal("1.6"), TOKENS),
        Meter.CACHE_READ: (Decimal("0.1"), TOKENS),
        Meter.WEB_SEARCH: (Decimal(10), PriceUnit.PER_THOUSAND_SEARCHES),
    }
    audio = {rate.meter: rate.amount for rate in models()["openai/gpt-audio"].rates}
    assert audio == {Meter.INPUT: Decimal("2.5"), Meter.OUTPUT: 10, Meter.INPUT_AUDIO: 32, Meter.OUTPUT_AUDIO: 64}
    image = {rate.meter: rate.amount for rate in models()["google/gemini-2.5-flash-image"].rates}
    assert image[Meter.CACHE_WRITE] == Decimal("0.08333333333333334")
    assert image.keys() == {Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ, Meter.CACHE_WRITE}
    (request,) = [r for r in priced(request="0.005") if r[0] is Meter.REQUEST]
    assert request[1] == 5


@given(st.decimals(min_value="1e-12", max_value=1, places=15))
def test_no_digit_of_a_price_is_lost(price: Decimal) -> None:
    ((_, amount, *_),) = [rate for rate in priced(prompt=f"{price:f}") if rate[0] is Meter.INPUT] or [(0, Decimal(0))]
    assert amount == price * 1_000_000


def test_long_prompts_and_times_of_day_have_separate_rates() -> None:
    assert priced(
        overrides=[
            {"min_prompt_tokens": 200_000, "prompt": "0.000003"},
            {"min_prompt_tokens": 200_000, "prompt": "0.000004"},
            {"utc_start": 1630, "utc_end": 30, "completion": "0.000001"},
            {"weekdays": [1], "prompt": "9"},
            {"utc_start": 100, "prompt": "9"},
        ]
    ) == [
        (Meter.INPUT, 1, 0, None, None),
        (Meter.OUTPUT, 2, 0, None, None),
        (Meter.INPUT, 4, 200_000, None, None),
        (Meter.OUTPUT, 1, 0, time(16, 30), time(0, 30)),
    ]


def test_a_price_of_minus_one_or_with_a_discount_is_unknown() -> None:
    assert priced(prompt="-1", completion="-1") == []
    assert priced(discount=0.5) == []
    assert len(priced(discount=0)) == 2


def test_a_zero_is_free_only_if_the_providers_policy_says_so() -> None:
    def publications(ref: str, **pricing: str) -> list[tuple[Any, Any, Any]]:
        given = {"prompt": "0", "completion": "0"} | pricing
        (model,) = openrouter.parse(listing(offer(ref, pricing=given))).models
        return [(rate.meter, rate.amount, rate.publication) for rate in model.rates]

    free = [(Meter.INPUT, 0, PricePublication.FREE), (Meter.OUTPUT, 0, PricePublication.FREE)]
    assert publications("acme/any:free") == free
    assert publications("acme/any:free", web_search="0.01") == [
        *free,
        (Meter.WEB_SEARCH, 10, PricePublication.PUBLISHED),
    ]
    assert publications("acme/any") == []
    assert publications("acme/pictures:free", image_output="0.04") == []
    assert publications("acme/any", completion="0.000002") == [(Meter.OUTPUT, 2, PricePublication.PUBLISHED)]


def test_the_permanent_slug_is_an_alias_except_for_variants_and_moving_aliases() -> None:
    found = models()
    assert found["openai/gpt-5.6-luna"].aliases == ("openai/gpt-5.6-luna-20260709",)
    assert found["meta-llama/llama-3.3-70b-instruct:free"].aliases == ()
    assert found["~anthropic/claude-opus-latest"].aliases == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"pricing": {"prompt": "-2", "completion": "1"}}, "amount: Input should be greater than or equal to 0"),
        ({"pricing": {"prompt": "cheap", "completion": "1"}}, "pricing.prompt: Input should be a valid decimal"),
        ({"pricing": {"prompt": "1e-30", "completion": "1"}}, "E-24 has more digits than are stored"),
        ({"pricing": {"prompt": "0e-999999999", "completion": "1"}}, "amount: the number has too many digits"),
        ({"pricing": None}, "pricing: Input should be a valid dictionary or instance of PricingShape"),
        ({"id": "x" * 100_000}, "id: String should have at most 300 characters"),
        ({"id": "acme/\u0000"}, "id: it is blank or contains control characters"),
        ({"name": "\ud800"}, "name: Input should be a valid string, unable to parse raw data as a unicode string"),
        ({"context_length": 10**12}, "context_length: Input should be less than or equal to 2147483647"),
        ({"id": "openai/gpt-4.1-mini"}, "it is listed twice"),
    ],
)
def test_an_invalid_listing_is_left_out_with_a_line_that_says_why(change: dict[str, Any], why: str) -> None:
    bad = offer("acme/any", pricing={"prompt": "1", "completion": "1"}) | change
    catalogue = openrouter.parse(listing(OFFERS[0], bad))
    assert [model.slug for model in catalogue.models] == ["openai/gpt-4.1-mini"]
    assert (catalogue.entries, catalogue.left_out) == (2, 1)
    (line,) = catalogue.quarantined
    assert why in line
    assert line.isprintable()
    assert len(line) < 400


def test_a_price_without_a_meter_is_reported_once() -> None:
    pricing = {"prompt": "1", "completion": "1", "per_smile": "1"}
    catalogue = openrouter.parse(listing(offer("acme/a", pricing=pricing), offer("acme/b", pricing=pricing)))
    assert catalogue.quarantined == ["2 models: no meter is known for the price per_smile"]
    assert (len(catalogue.models), catalogue.left_out) == (2, 0)


def test_one_page_of_several_is_refused() -> None:
    page = listing(OFFERS[0], total_count=546, links={"next": "/api/v1/models?offset=1&limit=1"})
    with pytest.raises(FeedError) as caught:
        openrouter.parse(page)
    assert str(caught.value) == (
        "The content is one page of OpenRouter's models: 1 of 546. "
        "Remove limit and offset from its URL to get all of them."
    )


def test_with_the_other_sources_no_model_is_lost_or_listed_twice(loaded: Loaded) -> None:
    catalogue = openrouter.parse(listing())
    merged = merge([*loaded.catalogues, catalogue], TODAY)
    before = {model.ref: model for model in loaded.merged.models}
    after = {model.ref: model for model in merged.models}
    assert len(after) == len(merged.models)
    assert after.keys() == before.keys() | {f"openrouter/{each['id']}" for each in OFFERS}
    assert len(after) - len(before) <= 1  # at most one is not in the other sources
    assert merged.model_counts["openrouter"] == len(OFFERS)
    assert merged.providers.keys() == loaded.merged.providers.keys()
    assert {ref: after[ref].canonical for ref in before} == {ref: model.canonical for ref, model in before.items()}

    mini = after["openrouter/openai/gpt-4.1-mini"]
    assert (mini.price_input, mini.price_output) == (Decimal("0.4"), Decimal("1.6"))
    assert (mini.context_window, mini.max_output_tokens) == (1_047_576, 32_768)
    said = {claim.field: claim for claim in mini.claims if claim.source == "openrouter"}
    assert not any(claim.disputed for claim in said.values())
    assert {"price.input", "price.output", "price.cacheRead", "contextWindow"} <= said.keys()
    assert {"seed", "tools", "prediction"} <= {parameter.name for parameter in mini.parameters}
    free = after["openrouter/meta-llama/llama-3.3-70b-instruct:free"]
    assert free.price_publication is PricePublication.FREE


async def test_prices_of_openrouter_keep_every_digit_up_to_the_answer(engine: AsyncEngine) -> None:
    await put(engine, [openrouter.parse(listing())])
    data = await asker(engine)(
        """{
          model(ref: "openrouter/google/gemini-2.5-flash-image") { price { input cacheWrite } }
          effort: model(ref: "openrouter/openai/gpt-5.6-luna-20260709") {
            ref
            parameters { name kind default allowedValues }
          }
        }"""
    )
    assert data["model"]["price"] == {"input": "0.3", "cacheWrite": "0.08333333333333334"}
    assert data["effort"]["ref"] == "openrouter/openai/gpt-5.6-luna"
    (effort,) = [each for each in data["effort"]["parameters"] if each["name"] == "reasoning_effort"]
    assert effort == {
        "name": "reasoning_effort",
        "kind": "ENUM",
        "default": "medium",
        "allowedValues": ["max", "xhigh", "high", "medium", "low", "none"],
    }
