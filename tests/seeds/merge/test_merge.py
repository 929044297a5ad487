"""The promise: the most trusted source wins, the claims of the others are kept, and nothing is invented."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schema.enums import Meter, ParameterKind, PricePublication, ServiceTier
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, RateClaim, Rule
from seeds.feeds.match_rules import matcher
from seeds.merge.claims import MergedModel
from seeds.merge.merge import merge
from tests.support.registry import TODAY, tiny


def catalogue(source: str, **model: Any) -> Catalogue:
    found = Catalogue(source)
    found.models = [ModelClaims("openai", "m", **model)]
    return found


def only(*catalogues: Catalogue) -> MergedModel:
    (model,) = merge(catalogues, TODAY).models
    return model


def rate(amount: str, meter: Meter = Meter.INPUT, **more: Any) -> RateClaim:
    return RateClaim(meter, Decimal(amount), **more)


def test_the_most_trusted_source_wins_and_the_other_value_stays_as_a_claim() -> None:
    model = only(
        catalogue("models-dev", facts={"release_date": date(2025, 1, 1)}),
        catalogue("curated", facts={"release_date": date(2025, 1, 2)}),
    )
    assert model.release_date == date(2025, 1, 2)
    claims = [(c.source, c.rank, c.value, c.disputed) for c in model.claims if c.field == "releaseDate"]
    assert claims == [("curated", 0, "2025-01-02", False), ("models-dev", 1, "2025-01-01", True)]


def test_a_source_that_says_nothing_makes_no_claim_and_no_dispute() -> None:
    model = only(catalogue("models-dev", facts={"context_window": 1000}), catalogue("genai-prices"))
    assert [(c.source, c.disputed) for c in model.claims if c.field == "contextWindow"] == [("models-dev", False)]
    assert model.max_output_tokens is None


def test_prices_compare_as_decimals_and_sets_as_sets() -> None:
    model = only(
        catalogue("genai-prices", rates=[rate("0.50")], facts={"input_modalities": frozenset({"TEXT", "IMAGE"})}),
        catalogue("models-dev", rates=[rate("0.5")], facts={"input_modalities": frozenset({"IMAGE", "TEXT"})}),
    )
    assert not any(claim.disputed for claim in model.claims)


def test_models_dev_is_trusted_before_genai_prices_for_limits() -> None:
    model = only(
        catalogue("genai-prices", facts={"context_window": 1_000_000}),
        catalogue("models-dev", facts={"context_window": 1_047_576}),
    )
    assert model.context_window == 1_047_576


def test_a_price_list_is_used_as_a_whole_if_sources_disagree() -> None:
    model = only(
        catalogue("genai-prices", rates=[rate("2"), rate("8", Meter.OUTPUT)]),
        catalogue("models-dev", rates=[rate("3"), rate("9", Meter.OUTPUT), rate("0.3", Meter.CACHE_READ)]),
    )
    assert [(r.meter, r.amount, r.source_slug) for r in model.rates] == [
        (Meter.INPUT, Decimal(2), "genai-prices"),
        (Meter.OUTPUT, Decimal(8), "genai-prices"),
    ]


def test_a_tier_the_first_source_leaves_out_comes_from_one_with_the_same_standard_price() -> None:
    more = [rate("0.3", Meter.CACHE_READ), rate("6", service_tier=ServiceTier.PRIORITY)]
    first = catalogue("genai-prices", rates=[rate("3"), rate("9", Meter.OUTPUT)])
    agreeing = catalogue("models-dev", rates=[rate("3"), rate("9", Meter.OUTPUT), *more])
    differing = catalogue("models-dev", rates=[rate("4"), rate("9", Meter.OUTPUT), *more])
    chosen = [(r.service_tier, r.meter, r.source_slug) for r in only(first, agreeing).rates]
    assert (ServiceTier.PRIORITY, Meter.INPUT, "models-dev") in chosen
    assert (ServiceTier.STANDARD, Meter.CACHE_READ, "models-dev") not in chosen
    assert {r.source_slug for r in only(first, differing).rates} == {"genai-prices"}


def test_todays_price_is_the_one_in_force_today() -> None:
    rates = [
        rate("4", effective_to=TODAY),
        rate("3", effective_from=TODAY),
        rate("1", service_tier=ServiceTier.BATCH),
        rate("6", min_context_tokens=200_000),
    ]
    model = only(catalogue("genai-prices", rates=rates))
    assert model.price_input == 3
    assert len(model.rates) == 4


def test_an_included_price_has_no_amount() -> None:
    included = RateClaim(Meter.INPUT, None, publication=PricePublication.INCLUDED)
    model = only(catalogue("models-dev", rates=[included]))
    assert (model.price_input, model.price_publication) == (None, PricePublication.INCLUDED)


def test_a_rule_applies_to_every_model_it_matches_and_an_entry_by_name_overrides_it() -> None:
    listed = Catalogue("models-dev")
    listed.models = [ModelClaims("openai", slug) for slug in ("gpt-a", "gpt-b", "other")]
    curated = Catalogue("curated")
    own = ModelClaims("", "", facts={"license": "mit"}, capabilities={"VISION": False})
    curated.rules = [
        Rule(("openai",), ("gpt-a",), (), own, "by name", own=True),
        Rule(
            ("openai",),
            ("GPT-*",),
            (),
            ModelClaims("", "", facts={"license": "closed"}, capabilities={"VISION": True}),
            "rule 1",
        ),
        Rule(("openai",), ("nothing-*",), (), ModelClaims("", ""), "rule 2"),
    ]
    merged = merge([curated, listed], TODAY)
    licenses = {model.slug: model.license for model in merged.models}
    assert licenses == {"gpt-a": "mit", "gpt-b": "closed", "other": None}
    assert merged.unmatched_rules == ["rule 2"]
    assert merged.model_counts == {"models-dev": 3, "curated": 2}


def test_a_bound_can_be_the_models_own_limit() -> None:
    claim = ParameterClaim(
        "max_tokens", True, "Maximum tokens", ParameterKind.INTEGER, minimum=Decimal(1), maximum="max_output_tokens"
    )
    model = only(
        catalogue("curated", parameters={"max_tokens": claim}),
        catalogue("models-dev", facts={"max_output_tokens": 4096}),
    )
    assert (model.parameters[0].minimum, model.parameters[0].maximum) == (1, 4096)


def test_a_match_rule_gives_snapshots_the_prices_of_their_model() -> None:
    priced = Catalogue("genai-prices")
    group = ModelClaims("openai", "gpt-x", rates=[rate("2")], facts={"name": "GPT X", "context_window": 5})
    group.match = matcher({"starts_with": "gpt-x"})
    priced.models = [group]
    listed = Catalogue("models-dev")
    listed.models = [ModelClaims("openai", "gpt-x-2025-01-01")]
    models = {model.slug: model for model in merge([priced, listed], TODAY).models}
    snapshot = models["gpt-x-2025-01-01"]
    assert snapshot.price_input == 2
    assert snapshot.name == "gpt-x-2025-01-01"  # the name of the group is not the name of the snapshot
    assert (snapshot.version_of, models["gpt-x"].version_of) == ("gpt-x", "gpt-x")
    assert snapshot.is_latest_version is True


@given(st.permutations(range(3)))
def test_the_order_of_catalogues_makes_no_difference(order: list[int]) -> None:
    catalogues = tiny()
    ours = merge(catalogues, TODAY)
    theirs = merge([catalogues[place] for place in order], TODAY)
    assert [m.fingerprint for m in ours.models] == [m.fingerprint for m in theirs.models]


def test_merging_does_not_change_the_catalogues() -> None:
    def catalogues() -> list[Catalogue]:
        group = ModelClaims("openai", "tiny-large", rates=[rate("2")])
        other = ModelClaims("openai", "tiny", rates=[rate("1")])
        matching = Catalogue("genai-prices", [other, group])
        other.match = str.isascii
        group.match = str.isdigit
        return [*tiny(), matching]

    merged = catalogues()
    merge(merged, TODAY)
    assert merged == catalogues()


def test_a_fingerprint_changes_exactly_when_something_about_the_model_does() -> None:
    first = only(catalogue("models-dev", facts={"name": "A"}, rates=[rate("1")]))
    same = only(catalogue("models-dev", facts={"name": "A"}, rates=[rate("1.0")]))
    moved = only(catalogue("models-dev", facts={"name": "A"}, rates=[rate("1.1")]))
    assert first.fingerprint == same.fingerprint != moved.fingerprint


def test_a_feeds_pattern_that_matches_another_model_is_not_an_alias() -> None:
    feed = Catalogue("genai-prices")
    feed.models = [
        ModelClaims("openai", "gpt-9.1", aliases=("gpt-9-1", "gpt-9-1-codex", "gpt-9.1-chat", "gpt-9.1-turbo")),
        ModelClaims("openai", "gpt-9.1-codex"),
        ModelClaims("openai", "gpt-9.1-chat-latest"),
        ModelClaims("azure", "gpt-9.1-chat", facts={"canonical": "openai/gpt-9.1-chat-latest"}),
    ]
    models = {model.ref: model for model in merge([feed], TODAY).models}
    assert [name for name, _ in models["openai/gpt-9.1"].aliases] == ["gpt-9-1", "gpt-9.1-turbo"]
    # A curated entry overrides the pattern.
    feed.source = "curated"
    (model,) = [each for each in merge([feed], TODAY).models if each.ref == "openai/gpt-9.1"]
    assert len(model.aliases) == 4
