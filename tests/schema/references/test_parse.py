"""The promise: a reference is split as its author meant it, and every word that decides how is looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.enums import ProviderKind
from schema.references import parse
from schema.references.parse import Separator
from schema.references.prefixes import CARRIERS, PROVIDERS
from schema.references.vocabulary import Vocabulary

LAB, CLOUD, GATEWAY = ProviderKind.LAB, ProviderKind.CLOUD, ProviderKind.GATEWAY
KNOWN = Vocabulary(
    providers={
        "openai": LAB,
        "anthropic": LAB,
        "google": LAB,
        "amazon-bedrock": CLOUD,
        "azure": CLOUD,
        "openrouter": GATEWAY,
        "huggingface": GATEWAY,
        "huggingface-groq": GATEWAY,
    },
    makers={
        "openai": frozenset({"openai"}),
        "anthropic": frozenset({"anthropic"}),
        "google": frozenset({"google"}),
        "meta-llama": frozenset({"llama"}),
    },
    paths=frozenset({"meta-llama", "hub"}),
    served={"openai": frozenset({"openai"}), "anthropic": frozenset({"anthropic"}), "google": frozenset({"google"})},
)


def first(ref: str) -> parse.Parsed:
    return next(parse.parse(parse.split(ref), KNOWN))


@pytest.mark.parametrize(
    ("ref", "providers", "makers", "key"),
    [
        ("gpt-4.1-mini", None, None, "gpt-mini/4.1/"),
        ("openai/gpt-4.1-mini", ("openai",), {"openai"}, "gpt-mini/4.1/"),
        ("OpenAI: GPT-4.1 mini", ("openai",), {"openai"}, "gpt-mini/4.1/"),
        ("gpt-4.1-mini@azure", ("azure",), None, "gpt-mini/4.1/"),
        ("openrouter/meta-llama/llama-3.3-70b-instruct:free", ("openrouter",), {"llama"}, "instruct-llama/3.3-70b/"),
        ("azure_openai/azure-gpt-4o", ("azure",), None, "gpt/4o/"),
        ("gemini/gemini-2.5-pro", ("google",), {"google"}, "gemini-pro/2.5/"),
        ("huggingface/groq/openai/gpt-oss-120b", ("huggingface-groq",), {"openai"}, "gpt-oss/120b/"),
        ("us.anthropic.claude-opus-4-1-v1:0", ("amazon-bedrock",), {"anthropic"}, "claude-opus/4.1/"),
        ("anyscale/meta-llama/llama-3-8b", (), {"llama"}, "llama/3-8b/"),
        ("litellm/gpt-4o", None, None, "gpt/4o/"),
        ("https://openrouter.ai/openai/gpt-4o/providers?x=1", ("openrouter",), {"openai"}, "gpt/4o/"),
        (
            "arn:aws:bedrock:us-east-1:123:inference-profile/us.anthropic.claude-opus-4-1-v1:0",
            ("amazon-bedrock",),
            {"anthropic"},
            "claude-opus/4.1/",
        ),
    ],
)
def test_a_reference_is_split_into_its_parts(
    ref: str, providers: tuple[str, ...] | None, makers: set[str] | None, key: str
) -> None:
    parsed = first(ref)
    assert (parsed.providers, parsed.makers, parsed.id.plain.key) == (providers, makers, key)
    assert not parsed.foreign


def test_an_unknown_word_makes_it_another_model() -> None:
    assert first("someone/gpt-4o").foreign
    assert not first("hub/gpt-4o").foreign


def test_a_region_in_front_is_kept() -> None:
    assert first("bedrock/us.anthropic.claude-opus-4-1-v1:0").region == "us"


def test_after_a_slash_a_lab_may_stand_as_the_maker_alone() -> None:
    assert first("openai/gpt-4o").open
    assert not first("openai:gpt-4o").open
    assert not first("openrouter/gpt-4o").open
    assert first("ollama/gpt-4o").open


def test_a_makers_name_with_a_dash_is_tried_last() -> None:
    splits = parse.split("openai-gpt-4o")
    assert [split.separator for split in splits] == [Separator.SLASH, Separator.DASH]
    assert [parsed.id.plain.key for parsed in parse.parse(splits, KNOWN)] == ["gpt-openai/4o/", "gpt/4o/"]


@pytest.mark.parametrize("ref", ["", " ", "/", "//", "https://example.com/openai/gpt-4o"])
def test_an_empty_reference_has_no_reading(ref: str) -> None:
    assert parse.split(ref) == []


# ---- words and keys to look up ----

WORDS = [
    *("openai", "azure", "google-vertex", "google-vertex-anthropic", "huggingface", "huggingface-azure", "zai", "qwen"),
    *("meta-llama", "amazon-bedrock", "models", "us-east-1", *sorted(PROVIDERS)[:12], *sorted(CARRIERS)[:4]),
]
PIECES = st.sampled_from(
    [
        *WORDS, *"/:@-_. ~+", "gpt-4.1", "us.anthropic.", "qwen.", "2025-04-14", "-v1:0", ":free", "latest", "70b", "-maas",
        "https://openrouter.ai/", "arn:aws:bedrock:", "@20241022", "%2F",
    ]
)  # fmt: skip
REFS = st.lists(PIECES, max_size=9).map("".join)
SETS = st.frozensets(st.sampled_from(WORDS))
VOCABULARIES = st.builds(
    Vocabulary,
    providers=st.dictionaries(st.sampled_from(WORDS), st.sampled_from(ProviderKind)),
    makers=st.dictionaries(st.sampled_from([*WORDS, "anthropic", "gpt"]), SETS),
    paths=SETS,
    served=st.dictionaries(st.sampled_from(WORDS), SETS),
)


@given(REFS, VOCABULARIES)
def test_every_form_of_a_reading_is_looked_up_with_any_vocabulary(ref: str, vocabulary: Vocabulary) -> None:
    splits = parse.split(ref)
    forms = parse.forms(splits)
    for parsed in parse.parse(splits, vocabulary):
        plain = parsed.id.plain
        assert {parsed.id.full, plain, plain.settled, plain.undated} <= forms


@given(REFS, VOCABULARIES)
def test_a_reading_depends_only_on_the_words_that_are_looked_up(ref: str, vocabulary: Vocabulary) -> None:
    splits = parse.split(ref)
    words = parse.words(splits)
    part = Vocabulary(
        {slug: kind for slug, kind in vocabulary.providers.items() if slug in words},
        {word: makers for word, makers in vocabulary.makers.items() if word in words},
        vocabulary.paths & words,
        {slug: makers for slug, makers in vocabulary.served.items() if slug in words},
    )
    assert list(parse.parse(splits, part)) == list(parse.parse(splits, vocabulary))
