"""The promise: different spellings of a model have one identity; ids that differ otherwise have one only if declared."""

import time
import tomllib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schema.enums import ProviderKind
from seeds.catalogue import ModelKey
from seeds.curated.providers import policies
from seeds.load import Loaded
from seeds.merge import identity
from seeds.merge.makers import declared, makers_by_prefix, makers_by_word

CHECKED: dict[str, Any] = tomllib.loads((Path(__file__).parent / "identities.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def known(loaded: Loaded) -> dict[str, str]:
    """Reference -> identity in the bundled registry."""
    return {model.ref: model.canonical for model in loaded.merged.models}


def one(*refs: str) -> bool:
    """Whether all refs (provider/slug) mean one model."""
    keys = [(provider, slug) for provider, _, slug in (ref.partition("/") for ref in refs)]
    return len(set(identity.canonicals(keys, {}).values())) == 1


# ---- the bundled registry ----


@pytest.mark.parametrize("model", CHECKED["models"], ids=lambda model: str(model["of"]))
def test_offers_are_complete_and_contain_no_other_model(model: dict[str, Any], known: dict[str, str]) -> None:
    of = known[next(ref for ref in model["offers"] if ref in known)]
    at = set(CHECKED["at"])
    offers = {ref for ref, canonical in known.items() if canonical == of}
    here = {ref for ref in offers if ref.partition("/")[0] in at}
    assert here == {ref for ref in model["offers"] if ref in known}
    # A source may leave out a duplicate, but not the only listing of a provider.
    assert {ref.partition("/")[0] for ref in here} == {ref.partition("/")[0] for ref in model["offers"]}
    assert not offers.intersection(model["strangers"])
    assert len({ref.partition("/")[0] for ref in offers}) >= 3


def test_forty_models_were_checked_by_hand_and_the_models_they_exclude_exist(known: dict[str, str]) -> None:
    assert len(CHECKED["models"]) >= 40
    strangers = [ref for model in CHECKED["models"] for ref in model["strangers"]]
    assert sum(ref in known for ref in strangers) > 0.9 * len(strangers)


def test_at_least_300_models_are_known_at_three_or_more_providers(known: dict[str, str]) -> None:
    providers: dict[str, set[str]] = defaultdict(set)
    for ref, canonical in known.items():
        providers[canonical].add(ref.partition("/")[0])
    assert sum(len(slugs) >= 3 for slugs in providers.values()) >= 300


def test_identities_do_not_depend_on_the_order_of_models(loaded: Loaded) -> None:
    keys = [(model.provider_slug, model.slug) for model in loaded.merged.models]
    assert identity.canonicals(keys, {}) == identity.canonicals(keys[::-1], {})


def test_ten_thousand_models_take_less_than_a_second() -> None:
    keys = [
        (f"gateway-{n % 100}", f"maker-{n % 7}/family-{n}.1-{n % 90}b-instruct-2025-04-14:free") for n in range(10_000)
    ]
    taken: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        identity.canonicals(keys, {})
        taken.append(time.perf_counter() - start)
    assert min(taken) < 1


# ---- the declared table ----


def test_every_prefix_and_family_has_one_maker() -> None:
    makers = declared().makers
    prefixes = [prefix for slug, maker in makers.items() for prefix in (slug, *maker.prefixes)]
    families = [word for maker in makers.values() for word in (*maker.families, *maker.marks)]
    assert len(prefixes) == len(set(prefixes))
    assert len(families) == len(set(families))
    assert set(makers_by_prefix().values()) == set(makers)
    assert set(makers_by_word().values()) <= set(makers)


def test_declared_providers_exist() -> None:
    own = {slug for maker in declared().makers.values() for slug in maker.providers}
    assert own | set(declared().providers) <= set(policies())
    assert not own.intersection(declared().makers.keys() - {"stepfun"})


def test_a_labs_own_models_have_it_as_their_maker() -> None:
    own = {provider: slug for slug, maker in declared().makers.items() for provider in maker.providers}
    labs = [slug for slug, policy in policies().items() if policy.kind is ProviderKind.LAB]
    answer = identity.canonicals([(slug, "own-1") for slug in labs], {})
    assert answer == {(slug, "own-1"): f"{own.get(slug, slug)}/own-1" for slug in labs}


def test_every_exception_names_a_maker_and_changes_something() -> None:
    seen: set[tuple[str, str]] = set()
    for entry in declared().same:
        maker, _, slug = entry.of.partition("/")
        assert maker in declared().makers, entry.of
        assert entry.reason.endswith(".")
        for spelling in entry.spellings:
            assert (maker, spelling) not in seen, spelling
            seen.add((maker, spelling))
            assert one(f"vercel/{maker}/{slug}", f"openrouter/{maker}/{spelling}"), spelling


# ---- spelling ----


@pytest.mark.parametrize(
    "refs",
    [
        (
            "openai/gpt-4.1-mini",
            "openrouter/openai/gpt-4.1-mini",
            "nano-gpt/GPT-4.1-mini",
            "digitalocean/openai-gpt-4.1-mini",
        ),
        (
            "anthropic/claude-opus-4-6",
            "amazon-bedrock/us.anthropic.claude-opus-4-6-v1",
            "sap-ai-core/anthropic--claude-4.6-opus",
        ),
        ("anthropic/claude-opus-4-6", "google-vertex/claude-opus-4-6@default", "databricks/databricks-claude-opus-4-6"),
        ("zai/glm-4.7", "zhipuai/GLM-4.7", "fireworks-ai/accounts/fireworks/models/glm-4p7", "nvidia/z-ai/glm4.7"),
        (
            "zai/glm-4.7",
            "zai-coding-plan/glm-4.7",
            "synthetic/hf:zai-org/GLM-4.7",
            "siliconflow-cn/Pro/zai-org/GLM-4.7",
        ),
        ("llama/llama-3.1-8b-instruct", "groq/Llama_3_1-8B-Instruct", "vercel/meta/llama-3.1-8b-instruct:free"),
        ("llama/llama-3.1-8b-instruct", "cloudflare-workers-ai/@cf/meta/llama-3.1-8b-instruct"),
        ("alibaba/qwen2.5-72b-instruct", "alibaba-cn/qwen2-5-72b-instruct", "huggingface/Qwen/Qwen2.5-72B-Instruct"),
        (
            "mistral/mistral-small-2603",
            "vercel/mistral/mistral-small-2603",
            "amazon-bedrock/mistral.mistral-small-2603-v1:0",
        ),
        ("cohere/command-r-08-2024", "azure/cohere-command-r-08-2024"),
        ("xai/grok-4-0709", "nano-gpt/x-ai/grok-4-07-09", "poe/xai/grok-4"),
    ],
)
def test_spellings_of_one_model_have_one_identity(refs: tuple[str, ...]) -> None:
    assert one(*refs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("openrouter/qwen/qwen3-8b", "openrouter/qwen/qwen3.8b"),
        ("openrouter/openai/gpt-5", "openrouter/openai/gpt-5:batch"),
        ("nano-gpt/z-ai/glm-4.6", "nano-gpt/z-ai/glm-4.6:thinking"),
        ("openai/gpt-4o-2024-08-06", "openrouter/openai/gpt-4o"),
        ("openai/gpt-6-luna", "openai-decisions/gpt-6-luna"),
        ("amazon-bedrock/amazon.titan-embed-text-v1", "amazon-bedrock/amazon.titan-embed-text-v2:0"),
        ("amazon-bedrock/mistral.mistral-7b-instruct-v0:2", "openrouter/mistralai/mistral-7b-instruct-v0.1"),
        ("openrouter/nousresearch/hermes-2-pro-llama-3-8b", "openrouter/nousresearch/hermes-3-pro-llama-2-8b"),
        ("deepseek/deepseek-chat", "kilo/deepseek/deepseek-chat"),
        ("nano-gpt/Llama-3.3-70B-Electra-R1", "openrouter/meta-llama/llama-3.3-70b-instruct"),
    ],
)
def test_ids_that_differ_in_more_than_spelling_stay_apart(ours: str, theirs: str) -> None:
    assert not one(ours, theirs)


def test_an_undated_claude_is_its_only_snapshot_but_neither_of_two() -> None:
    only = (
        "anthropic/claude-haiku-9-5-20271001",
        "openrouter/anthropic/claude-haiku-9.5",
        "anthropic/claude-haiku-9-5-latest",
    )
    assert one(*only)
    again = [
        ("anthropic", "claude-haiku-9-5-20271001"),
        ("anthropic", "claude-haiku-9-5-20280101"),
        ("poe", "claude-haiku-9.5"),
    ]
    assert len(set(identity.canonicals(again, {}).values())) == 3


def test_a_model_no_rule_identifies_keeps_its_own_identity() -> None:
    keys = [("poe", "auto"), ("kilo", "auto"), ("nano-gpt", "Llama-3.3-70B-Nova")]
    assert identity.canonicals(keys, {}) == {key: f"{key[0]}/{key[1].lower()}" for key in keys}


def test_a_curated_identity_overrides_any_rule() -> None:
    keys = [("mistral", "zai-glm-5-3"), ("zai", "GLM-5.3"), ("openrouter", "z-ai/glm-5.3")]
    chosen = {keys[0]: "zai/glm-5.3"}
    assert set(identity.canonicals(keys, chosen).values()) == {"zai/glm-5.3"}


# ---- properties ----


@dataclass(frozen=True)
class Parts:
    version: str
    size: str | None
    words: tuple[str, ...]
    day: str | None

    def spelled(self, style: int) -> ModelKey:
        """The id in one of the providers' styles."""
        version = (self.version, self.version.replace(".", "-"), self.version.replace(".", "p"))[style % 3]
        glue = ("", "-")[style // 3 % 2]
        text = "-".join(filter(None, (f"qwen{glue}{version}", self.size, *self.words, self.day)))
        provider, head = (
            ("openrouter", "qwen/"),
            ("huggingface", "Qwen/"),
            ("fireworks-ai", "accounts/fireworks/models/"),
            ("alibaba", ""),
            ("amazon-bedrock", "us.qwen."),
            ("poe", "hf:Qwen/"),
        )[style // 6 % 6]
        if style % 5 == 0:
            text = text.upper()
        return provider, f"{head}{text}{(':free', '')[style % 2]}"


WORDS = ("mini", "nano", "turbo", "instruct", "thinking", "vision", "fp8", "int4", "max", "flash", "preview", "fast")
parts = st.builds(
    Parts,
    version=st.sampled_from(("6", "6.1", "6.10", "6.5", "7", "16")),
    size=st.sampled_from((None, "7b", "8b", "70b", "30b-a3b", "30b")),
    words=st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(lambda words: tuple(words)),
    day=st.sampled_from((None, "0528", "2507", "2025-04-14", "20250514", "08-2024")),
)
styles = st.integers(0, 179)


@given(parts, styles, styles)
def test_a_model_has_one_identity_in_any_two_styles(model: Parts, ours: int, theirs: int) -> None:
    keys = [model.spelled(ours), model.spelled(theirs)]
    assert len(set(identity.canonicals(keys, {}).values())) == 1, keys


@given(parts, parts, styles, styles)
def test_models_that_differ_in_any_part_stay_apart(left: Parts, right: Parts, ours: int, theirs: int) -> None:
    assume(replace(left, words=tuple(sorted(left.words))) != replace(right, words=tuple(sorted(right.words))))
    keys = [left.spelled(ours), right.spelled(theirs)]
    assert len(set(identity.canonicals(keys, {}).values())) == 2, keys


SLUGS = st.text(st.sampled_from("abvq0123459.-_/:@~ pé"), min_size=1, max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["openrouter", "alibaba", "amazon-bedrock", "nobody"]), SLUGS)))
def test_any_id_has_an_identity(keys: list[ModelKey]) -> None:
    answer = identity.canonicals(keys, {})
    assert answer.keys() == set(keys)
    assert all(maker and model for maker, _, model in (each.partition("/") for each in answer.values()))


# ---- versions ----


@pytest.mark.parametrize(
    ("provider", "older", "newest", "alias"),
    [
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-11-20", "gpt-4o"),
        ("openai", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("anthropic", "claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("google-vertex", "claude-x-1@20240620", "claude-x-1@20241022", "claude-x-1"),
        ("mistral", "mistral-large-2411", "mistral-large-2512", "mistral-large-latest"),
        ("xai", "grok-9-0401", "grok-9-0501", "grok-9"),
        ("cohere", "command-r-08-2024", "command-r-03-2025", "command-r"),
        ("google", "gemini-9-flash-001", "gemini-9-flash-002", "gemini-9-flash"),
        ("google", "gemini-2.5-flash-preview-05-20", "gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash-preview"),
    ],
)
def test_the_newest_snapshot_and_the_alias_are_the_latest(provider: str, older: str, newest: str, alias: str) -> None:
    keys = [(provider, slug) for slug in (older, newest, alias)]
    answer = identity.versions(keys, {}, identity.canonicals(keys, {}))
    assert [answer[key] for key in keys] == [(alias, False), (alias, True), (alias, True)]


def test_digits_that_are_not_a_date_are_not_a_version() -> None:
    keys = [("voyageai", "voyage-01"), ("voyageai", "voyage"), ("deepseek", "x-2024"), ("deepseek", "y")]
    assert identity.versions(keys, {}, identity.canonicals(keys, {})) == {}
