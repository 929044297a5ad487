"""The promise: a cost equals genai-prices' own calculation, to the last digit, and unknown prices are never free."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import genai_prices.data
import pytest
from genai_prices.types import ModelInfo, Provider, Usage
from hypothesis import given, settings
from hypothesis import strategies as st

from schema import tables
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier
from schema.errors import ClientError
from schema.pricing.cost import estimate
from seeds.curated.providers import slugs_by_genai
from seeds.load import Loaded
from seeds.merge.claims import MergedRate
from seeds.store.rows import columns
from tests.support.registry import Ask

CONTEXTS: dict[ServiceTier, list[dict[str, str]]] = {
    ServiceTier.STANDARD: [{}],
    ServiceTier.BATCH: [{"processing": "batch"}],
    ServiceTier.FLEX: [{"service_tier": "flex"}],
    ServiceTier.PRIORITY: [{"service_tier": "priority"}],
    ServiceTier.FAST: [{"speed": "fast"}, {"service_tier": "fast"}],
}
USAGE_KEYS = {
    Meter.INPUT: "input_tokens",
    Meter.CACHE_READ: "cache_read_tokens",
    Meter.CACHE_WRITE: "cache_write_tokens",
    Meter.INPUT_AUDIO: "input_audio_tokens",
    Meter.OUTPUT: "output_tokens",
    Meter.REASONING: "output_reasoning_tokens",
    Meter.OUTPUT_AUDIO: "output_audio_tokens",
}


class Known(list[tuple[str, list[tables.Rate], Provider, ModelInfo]]):
    """Models that both the registry and the package have, with a short repr for failing examples."""

    def __repr__(self) -> str:
        return f"{len(self)} models"


def table_rate(rate: MergedRate) -> tables.Rate:
    values: dict[str, Any] = columns(rate)
    return tables.Rate(**values, model_id=0)


@pytest.fixture(scope="module")
def known(loaded: Loaded) -> Known:
    """Every model that both have: its rates in the registry, and its entry in the package."""
    ours = {slugs_by_genai().get(provider.id, provider.id): provider for provider in genai_prices.data.providers}
    found = Known()
    for model in loaded.merged.models:
        provider = ours.get(model.provider_slug)
        if provider is None or not any(rate.source_slug == "genai-prices" for rate in model.rates):
            continue
        entry = provider.find_model(model.slug, all_providers=genai_prices.data.providers)
        if entry is not None:
            found.append((model.ref, [table_rate(rate) for rate in model.rates], provider, entry))
    assert len(found) > 2_000
    return found


@st.composite
def usages(draw: st.DrawFn) -> dict[Meter, int]:
    """Counts whose parts fit into their totals, many of them around the context sizes at which prices change."""
    sizes = st.integers(0, 2_000_000) | st.sampled_from([0, 1, 128_000, 200_000, 200_001, 272_000, 272_001, 10**9])
    usage = {Meter.INPUT: draw(sizes), Meter.OUTPUT: draw(sizes)}
    for whole, parts in (
        (Meter.INPUT, (Meter.CACHE_READ, Meter.CACHE_WRITE, Meter.INPUT_AUDIO)),
        (Meter.OUTPUT, (Meter.REASONING, Meter.OUTPUT_AUDIO)),
    ):
        left = usage[whole]
        for part in draw(st.lists(st.sampled_from(parts), unique=True)):
            usage[part] = draw(st.integers(0, left))
            left -= usage[part]
    return usage


moments = st.integers(0, 5 * 365 * 24 * 60).map(
    lambda minutes: datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=10_000, deadline=None)
@given(place=st.integers(0, 10**6), usage=usages(), tier=st.sampled_from(sorted(ServiceTier, key=str)), moment=moments)
def test_ten_thousand_costs_equal_those_of_genai_prices(
    known: Known, place: int, usage: dict[Meter, int], tier: ServiceTier, moment: datetime
) -> None:
    ref, rates, provider, entry = known[place % len(known)]
    ours = estimate(rates, usage | {Meter.REQUEST: 1}, tier, moment)
    if ours.total is None:
        # For an unknown price the package adds nothing, or uses the standard tier.
        assert ours.unpriced
        return
    if any(line.rate.source_slug != "genai-prices" for line in ours.lines):
        # The tier comes from models.dev, so the package has nothing to compare with.
        assert tier is not ServiceTier.STANDARD
        return
    if (
        Meter.CACHE_READ_AUDIO in {rate.meter for rate in rates}
        and usage.get(Meter.INPUT_AUDIO)
        and usage.get(Meter.CACHE_READ)
    ):
        return  # the package needs the number of cached audio tokens, which a usage does not have
    counts = {USAGE_KEYS[meter]: count for meter, count in usage.items()}
    theirs = [
        entry.calc_price(
            Usage(**counts), provider, genai_request_timestamp=moment, price_context=context or None
        ).total_price
        for context in CONTEXTS[tier]
    ]
    assert ours.total in theirs, (ref, usage, tier, moment, ours.lines)


def rate(meter: Meter, amount: str | None, **more: Any) -> tables.Rate:
    values: dict[str, Any] = {
        "model_id": 1,
        "position": 0,
        "service_tier": ServiceTier.STANDARD,
        "meter": meter,
        "amount": None if amount is None else Decimal(amount),
        "publication": PricePublication.PUBLISHED,
        "unit": PriceUnit.PER_MILLION_TOKENS,
        "source_slug": "genai-prices",
    }
    return tables.Rate(**(values | more))


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAIN = [rate(Meter.INPUT, "2"), rate(Meter.OUTPUT, "8")]


def total(
    rates: list[tables.Rate], tier: ServiceTier = ServiceTier.STANDARD, moment: datetime = NOW, **usage: int
) -> Any:
    return estimate(rates, {Meter[name.upper()]: count for name, count in usage.items()}, tier, moment).total


def test_a_part_without_a_rate_of_its_own_is_billed_as_part_of_its_whole() -> None:
    assert total(PLAIN, input=1_000_000, cache_read=400_000) == 2
    assert total([*PLAIN, rate(Meter.CACHE_READ, "0.5")], input=1_000_000, cache_read=400_000) == Decimal("1.4")


def test_reasoning_and_audio_are_parts_of_the_output() -> None:
    rates = [*PLAIN, rate(Meter.REASONING, "3"), rate(Meter.OUTPUT_AUDIO, "64")]
    assert total(rates, output=1_000_000, reasoning=500_000, output_audio=250_000) == Decimal("2") + Decimal("1.5") + 16


def test_a_context_size_applies_to_the_whole_request_if_the_input_is_larger() -> None:
    rates = [
        *PLAIN,
        rate(Meter.INPUT, "4", min_context_tokens=200_000),
        rate(Meter.OUTPUT, "12", min_context_tokens=200_000),
    ]
    assert total(rates, input=200_000, output=100_000) == Decimal("1.2")
    assert total(rates, input=200_001, output=100_000) == Decimal("0.800004") + Decimal("1.2")


def test_a_tier_changes_the_prices_it_names_and_the_rest_keeps_its_standard_rate() -> None:
    rates = [*PLAIN, rate(Meter.INPUT, "1", service_tier=ServiceTier.BATCH)]
    assert total(rates, ServiceTier.BATCH, input=1_000_000, output=1_000_000) == 9


def test_a_tier_without_rates_has_no_total_even_if_nothing_is_used() -> None:
    assert total(PLAIN, ServiceTier.BATCH) is None
    assert total(PLAIN) == 0


def test_a_tier_without_published_rates_has_no_total() -> None:
    answer = estimate(PLAIN, {Meter.INPUT: 10, Meter.OUTPUT: 10}, ServiceTier.FLEX, NOW)
    assert (answer.total, answer.unpriced, answer.lines) == (None, [Meter.INPUT, Meter.OUTPUT], [])


def test_a_meter_without_a_published_rate_is_named_and_makes_the_total_unknown() -> None:
    answer = estimate([rate(Meter.INPUT, "2")], {Meter.INPUT: 10, Meter.OUTPUT: 10}, ServiceTier.STANDARD, NOW)
    assert (answer.total, answer.unpriced) == (None, [Meter.OUTPUT])
    assert [line.meter for line in answer.lines] == [Meter.INPUT]
    # Unused meters need no rate.
    assert total([rate(Meter.INPUT, "2")], input=1_000_000) == 2


def test_free_costs_nothing_and_included_has_no_total() -> None:
    free = [rate(meter, "0", publication=PricePublication.FREE) for meter in (Meter.INPUT, Meter.OUTPUT)]
    included = [rate(meter, None, publication=PricePublication.INCLUDED) for meter in (Meter.INPUT, Meter.OUTPUT)]
    assert total(free, input=5, output=5) == 0
    assert total(included, input=5, output=5) is None


def test_the_rates_of_the_day_and_the_time_of_day_apply() -> None:
    day = NOW.date()
    rates = [
        rate(Meter.INPUT, "4", effective_to=day),
        rate(Meter.INPUT, "2", effective_from=day),
        rate(Meter.INPUT, "1", daily_from=NOW.replace(hour=22).time(), daily_to=NOW.replace(hour=6).time()),
    ]
    assert total(rates, input=1_000_000) == 2
    assert total(rates, moment=NOW - timedelta(days=1), input=1_000_000) == 4
    assert total(rates, moment=NOW.replace(hour=23), input=1_000_000) == 1
    assert total(rates, moment=NOW.replace(hour=5), input=1_000_000) == 1
    assert total(rates, moment=NOW.replace(hour=6), input=1_000_000) == 2


def test_nothing_is_rounded() -> None:
    assert total([rate(Meter.INPUT, "0.000000000000000001")], input=1) == Decimal("1e-24")
    assert total([rate(Meter.INPUT, "1234567.123456789")], input=10**30) == Decimal("1234567123456789") * 10**15


def test_requests_cost_something_only_if_they_have_a_rate() -> None:
    each = rate(Meter.REQUEST, "5", unit=PriceUnit.PER_THOUSAND_REQUESTS)
    assert total([*PLAIN, each], input=1_000_000, request=3) == Decimal("2.015")
    assert total(PLAIN, input=1_000_000, request=3) == 2


@pytest.mark.parametrize(
    ("usage", "says"),
    [
        ({Meter.INPUT: -1}, "inputTokens is -1"),
        ({Meter.INPUT: 10, Meter.CACHE_READ: 11}, "cacheReadTokens add up to 11, but inputTokens"),
        (
            {Meter.INPUT: 10, Meter.CACHE_READ: 6, Meter.CACHE_WRITE: 6},
            "cacheReadTokens and cacheWriteTokens add up to 12",
        ),
        ({Meter.OUTPUT: 1, Meter.REASONING: 2}, "reasoningTokens add up to 2"),
    ],
)
def test_an_impossible_usage_is_refused_with_the_name_of_the_wrong_count(usage: dict[Meter, int], says: str) -> None:
    with pytest.raises(ClientError, match=says):
        estimate(PLAIN, usage, ServiceTier.STANDARD, NOW)


async def test_the_lines_of_a_cost_add_up_to_its_total(full: Ask) -> None:
    query = """query($usage: UsageInput!, $tier: ServiceTier!) { model(ref: "openai/gpt-4.1-mini") {
      cost(usage: $usage, serviceTier: $tier) {
        total currency unpricedMeters lines { meter quantity amount rate { amount } } } } }"""
    usage = {"inputTokens": 1_000_000, "cacheReadTokens": 250_000, "outputTokens": "500000"}
    assert (await full(query, {"usage": usage, "tier": "STANDARD"}))["model"]["cost"] == {
        "total": "1.125",
        "currency": "USD",
        "unpricedMeters": [],
        "lines": [
            {"meter": "INPUT", "quantity": 750_000, "amount": "0.3", "rate": {"amount": "0.4"}},
            {"meter": "OUTPUT", "quantity": 500_000, "amount": "0.8", "rate": {"amount": "1.6"}},
            {"meter": "CACHE_READ", "quantity": 250_000, "amount": "0.025", "rate": {"amount": "0.1"}},
        ],
    }
    batch = (await full(query, {"usage": usage, "tier": "BATCH"}))["model"]["cost"]
    assert batch["total"] == "0.575"  # cached input keeps its standard rate: 0.15 + 0.4 + 0.025
    bad = await full(query, {"usage": {"inputTokens": 1, "cacheReadTokens": 2}, "tier": "STANDARD"}, errors=True)
    assert bad["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
