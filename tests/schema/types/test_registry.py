"""The promise: the bundled sources alone make a complete registry, which never presents an unknown value as known."""

import json
from decimal import Decimal

from schema.enums import Meter, PricePublication, ServiceTier
from seeds.curated.providers import policies
from seeds.feeds import models_dev
from seeds.load import Loaded
from tests.support.registry import Ask


async def test_the_registry_holds_what_it_promises(full: Ask) -> None:
    registry = (await full("{ registry { modelCount providerCount familyCount revision { number changeCount } } }"))[
        "registry"
    ]
    assert registry["modelCount"] >= 4_800
    assert registry["providerCount"] >= 130
    assert registry["familyCount"] > 50
    assert registry["revision"] == {"number": 1, "changeCount": 0}


async def test_every_source_says_where_it_comes_from_and_how_fresh_it_is(full: Ask) -> None:
    sources = (await full("{ registry { sources { slug name status license modelCount lastSuccessAt } } }"))[
        "registry"
    ]["sources"]
    by_slug = {source["slug"]: source for source in sources}
    assert [source["slug"] for source in sources] == ["overlay", "curated", "genai-prices", "models-dev", "openrouter"]
    for slug in ("curated", "genai-prices", "models-dev"):
        # The bundled copy is used until the feed is fetched.
        assert by_slug[slug]["status"] == ("OK" if slug == "curated" else "STALE")
        assert by_slug[slug]["license"] == "MIT"
        assert by_slug[slug]["modelCount"] > 0
        assert by_slug[slug]["lastSuccessAt"]
    assert by_slug["models-dev"]["modelCount"] >= 4_800
    assert by_slug["openrouter"]["lastSuccessAt"] is None


def test_a_price_is_zero_only_if_it_is_stated_as_free(loaded: Loaded) -> None:
    prices = ("price_input", "price_output", "price_cache_read", "price_cache_write")
    for model in loaded.merged.models:
        if any(getattr(model, name) == 0 for name in prices):
            assert model.price_publication is PricePublication.FREE, model.ref
        if model.price_publication is PricePublication.NOT_PUBLISHED:
            assert all(getattr(model, name) is None for name in prices[:2]), model.ref
        for rate in model.rates:
            assert (rate.amount == 0) == (rate.publication is PricePublication.FREE), model.ref
            assert (rate.amount is None) == (rate.publication is PricePublication.INCLUDED), model.ref


def test_zeros_are_free_only_at_providers_declared_to_be_free(loaded: Loaded) -> None:
    free = {m.provider_slug for m in loaded.merged.models if m.price_publication is PricePublication.FREE}
    assert free == {
        "aihubmix",
        "google",
        "kilo",
        "llmgateway",
        "openai",
        "opencode",
        "openrouter",
        "siliconflow-cn",
        "zai",
        "zenmux",
        "zhipuai",
    }
    for slug in free:
        assert policies()[slug].zeros_reason


def test_no_window_is_zero_and_no_name_is_empty(loaded: Loaded) -> None:
    for model in loaded.merged.models:
        for name in ("context_window", "max_input_tokens", "max_output_tokens"):
            assert getattr(model, name) is None or getattr(model, name) > 0, model.ref
        assert model.name.strip()


def test_every_provider_has_a_declared_kind(loaded: Loaded) -> None:
    assert loaded.merged.unknown_providers == []
    assert loaded.merged.unmatched_rules == []


def test_nothing_bundled_is_quarantined(loaded: Loaded) -> None:
    assert [line for catalogue in loaded.catalogues for line in catalogue.quarantined] == []


def test_every_fact_has_a_source(loaded: Loaded) -> None:
    columns = {
        "context_window": "contextWindow",
        "max_output_tokens": "maxOutputTokens",
        "release_date": "releaseDate",
        "price_input": "price.input",
        "family_slug": "family",
        "license": "license",
        "status": "status",
        "access_type": "accessType",
    }
    for model in loaded.merged.models:
        believed = {claim.field for claim in model.claims if claim.rank == 0}
        for column, field in columns.items():
            if getattr(model, column) is not None:
                assert field in believed, (model.ref, field)


def test_prices_keep_the_digits_of_the_feed(loaded: Loaded) -> None:
    document = json.loads(models_dev.bundled(), parse_float=str)
    checked = 0
    for model in loaded.merged.models:
        entry = document.get(model.provider_slug, {}).get("models", {}).get(model.slug, {})
        for rate in model.rates:
            if rate.source_slug != "models-dev" or rate.amount is None or rate.min_context_tokens:
                continue
            if rate.service_tier is ServiceTier.STANDARD and rate.meter is Meter.INPUT and rate.amount:
                assert rate.amount == Decimal(str(entry["cost"]["input"])), model.ref
                checked += 1
    assert checked > 2_000
