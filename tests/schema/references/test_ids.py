"""The promise: only spelling is normalized. Ids that differ in a size, a version, a date or a word stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.references.ids import Form, form, normalize_id, normalize_word, split_day

TEXTS = st.text(st.sampled_from("abvp0123459.-_/:@~+ é"), max_size=40)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("gpt-4.1-mini", "gpt-mini/4.1/"),
        ("GPT_4_1_mini", "gpt-mini/4.1/"),
        ("gpt 4.1 mini", "gpt-mini/4.1/"),
        ("claude-3-5-haiku-20241022", "claude-haiku/3.5/20241022"),
        ("claude-haiku-3.5@20241022", "claude-haiku/3.5/20241022"),
        ("llama-v3p3-70b-instruct", "instruct-llama/3.3-70b/"),
        ("Llama-3_3-70B-Instruct", "instruct-llama/3.3-70b/"),
        ("qwen2-5-vl-72b", "qwen-vl/2.5-72b/"),
        ("command-r+", "command-plus-r//"),
        ("command-r-08-2024", "command-r//202408"),
        ("glm-4.6:free", "glm/4.6/"),
        ("glm-4.6:thinking", "glm-thinking/4.6/"),
        ("llama-3.3-70b-instruct-maas", "instruct-llama/3.3-70b/"),
        ("amazon-nova-pro-v1:0", "amazon-nova-pro//"),
        ("mistral-7b-instruct-v0:2", "instruct-mistral/7b-0.2/"),
        ("claude-3-5-sonnet-v2@20241022", "claude-sonnet/3.5/20241022"),
        ("", "//"),
    ],
)
def test_a_plain_id_has_one_form(name: str, key: str) -> None:
    assert normalize_id(name).plain.key == key


def test_the_full_form_keeps_how_a_model_is_routed_or_sold() -> None:
    assert normalize_id("glm-4.6:free").full == form("glm-4.6-free")
    assert normalize_id("claude-opus-4-1@default").full == form("claude-opus-4-1-default")


def test_a_reseller_may_write_its_own_name_in_front() -> None:
    assert normalize_id("databricks-claude-opus-4-6", ["databricks"]).plain == form("claude-opus-4-6")
    assert normalize_id("databricks", ["databricks"]).plain == form("databricks")


def test_a_bare_release_is_dropped_after_a_vendor_only() -> None:
    assert normalize_id("claude-opus-4-6-v1", dotted=True).plain == form("claude-opus-4-6")
    assert normalize_id("claude-opus-4-6-v1").plain != form("claude-opus-4-6")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("gpt-4o-2024-08-06", "20240806"),
        ("claude-opus-4-20250514", "20250514"),
        ("command-r-08-2024", "202408"),
        ("deepseek-v3.2-251201", "20251201"),
        ("deepseek-r1-0528", ""),
        ("gpt-4-9999", ""),
    ],
)
def test_a_day_is_a_day_in_any_spelling(text: str, day: str) -> None:
    assert split_day(text)[1] == day


def test_a_settled_form_ignores_the_version() -> None:
    assert form("gpt-4o-2024-08-06").settled == form("gpt-4o-latest").settled == form("gpt-4o")
    assert form("gpt-4o-2024-08-06").undated == form("gpt-4o")


def test_words_are_normalized_as_in_the_tables() -> None:
    assert [normalize_word(part) for part in (" Together_AI ", "~openai", "Vertex  AI")] == [
        "together-ai",
        "openai",
        "vertex-ai",
    ]


@given(TEXTS)
def test_a_key_contains_the_whole_form(text: str) -> None:
    assert Form.read(form(text).key) == form(text)
    assert form(text.upper()) == form(text)
