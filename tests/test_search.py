"""The promise: what people type finds what they mean, the best match first, the same on both databases."""

import pytest
from conftest import Ask

SEARCH = """query($text: String!, $first: Int, $after: String, $last: Int, $before: String, $filter: ModelFilter, $order: ModelOrder) {
  models(search: $text, first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    totalCount nodes { ref } pageInfo { hasNextPage endCursor hasPreviousPage startCursor } } }"""
TYPED = {
    "gpt-4.1-mini": "openai/gpt-4.1-mini",
    "gtp 4.1 mini": "openai/gpt-4.1-mini",
    "mini gpt 4.1": "openai/gpt-4.1-mini",
    "gpt 4 1 mini": "openai/gpt-4.1-mini",
    "gpt4o": "openai/gpt-4o",
    "GPT-4o mini": "openai/gpt-4o-mini",
    "o3-mini": "openai/o3-mini",
    "gemini 2.5 pro": "google/gemini-2.5-pro",
    "gemni 2.5 pro": "google/gemini-2.5-pro",
    "gemini-2.5-flash": "google/gemini-2.5-flash",
    "sonar pro": "perplexity/sonar-pro",
    "mercury 2": "inception/mercury-2",
    "text embedding 3 small": "openai/text-embedding-3-small",
    "voyage 3 large": "voyageai/voyage-3-large",
    "whisper 1": "openai/whisper-1",
    "gpt-5.4 nano": "openai/gpt-5.4-nano",
    "openai o3": "openai/o3",
}
FAMILIES_TYPED = {
    "claude sonet": "anthropic/claude-sonnet",
    "opus": "anthropic/claude-opus",
    "haiku": "anthropic/claude",
    "claude 3.5 haiku": "anthropic/claude-3-5-haiku",
    "qwen coder": "alibaba/qwen",
    "mistral large": "mistral/mistral-large",
    "grok": "xai/grok",
    "command r plus": "cohere/command-r-plus",
    "codestral": "mistral/codestral",
    "nemotron": "nvidia/nvidia/",
}
"""Searches that name a line of models: the first has to be one of the maker's own."""


@pytest.mark.parametrize(("text", "ref"), sorted(TYPED.items()))
async def test_what_people_type_finds_what_they_mean_first(full: Ask, text: str, ref: str) -> None:
    nodes = (await full(SEARCH, {"text": text, "first": 5}))["models"]["nodes"]
    assert nodes[0]["ref"] == ref, [node["ref"] for node in nodes]


@pytest.mark.parametrize(("text", "start"), sorted(FAMILIES_TYPED.items()))
async def test_a_line_of_models_is_led_by_its_makers_own(full: Ask, text: str, start: str) -> None:
    nodes = (await full(SEARCH, {"text": text, "first": 5}))["models"]["nodes"]
    assert nodes[0]["ref"].startswith(start), [node["ref"] for node in nodes]


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "'",
        "%",
        "_",
        "*",
        "gpt* OR 1=1",
        "NEAR(gpt, 4)",
        'name:"gpt"',
        "😀",
        "\x00",
        "-",
        "(((",
        "a" * 10_000,
        "gpt " * 2_000,
    ],
)
async def test_whatever_is_typed_is_data(full: Ask, text: str) -> None:
    answer = await full(SEARCH, {"text": text, "first": 3})
    assert answer["models"]["totalCount"] >= 0


async def test_nothing_typed_is_no_search_and_nonsense_finds_nothing(full: Ask) -> None:
    everything = (await full("{ models { totalCount } }"))["models"]["totalCount"]
    for text in ("", "   "):
        assert (await full(SEARCH, {"text": text}))["models"]["totalCount"] == everything
    assert (await full(SEARCH, {"text": "zzqqxxyy"}))["models"] == {
        "totalCount": 0,
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "endCursor": None, "hasPreviousPage": False, "startCursor": None},
    }


async def test_pages_of_a_search_follow_one_another_both_ways(full: Ask) -> None:
    forward: list[str] = []
    cursor: str | None = None
    while True:
        page = (await full(SEARCH, {"text": "claude haiku", "first": 9, "after": cursor}))["models"]
        forward += [node["ref"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(forward) == len(set(forward)) == page["totalCount"] > 20
    backward: list[str] = []
    cursor = None
    while True:
        page = (await full(SEARCH, {"text": "claude haiku", "last": 7, "before": cursor}))["models"]
        backward = [node["ref"] for node in page["nodes"]] + backward
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == forward


async def test_a_search_keeps_to_the_filter_and_to_another_order(full: Ask) -> None:
    filter = {"providers": ["openrouter"]}
    found = (await full(SEARCH, {"text": "gpt mini", "first": 50, "filter": filter}))["models"]
    assert found["nodes"]
    assert all(node["ref"].startswith("openrouter/") for node in found["nodes"])
    order = {"field": "NAME"}
    named = (await full(SEARCH, {"text": "gpt mini", "first": 50, "filter": filter, "order": order}))["models"]
    assert named["totalCount"] == found["totalCount"]
    assert {node["ref"] for node in named["nodes"]} == {node["ref"] for node in found["nodes"]}
    assert named["nodes"] != found["nodes"]


async def test_a_cursor_of_one_search_is_none_of_another(full: Ask) -> None:
    cursor = (await full(SEARCH, {"text": "gpt", "first": 1}))["models"]["pageInfo"]["endCursor"]
    answer = await full(SEARCH, {"text": "claude", "first": 1, "after": cursor}, errors=True)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


async def test_a_provider_is_searched_within(full: Ask) -> None:
    query = """{ providers(filter: {slugs: ["openai", "anthropic"]}) { nodes { slug
      models(search: "mini", first: 3) { totalCount nodes { ref } } } } }"""
    openai = {node["slug"]: node["models"] for node in (await full(query))["providers"]["nodes"]}
    assert all("mini" in node["ref"] for node in openai["openai"]["nodes"])
    assert openai["openai"]["totalCount"] > 3
    assert openai["anthropic"]["nodes"] == []


async def test_providers_and_families_are_searched_too(full: Ask) -> None:
    query = "query($text: String!) { providers(search: $text, first: 3) { nodes { slug } } families(search: $text, first: 3) { nodes { slug } } }"
    assert (await full(query, {"text": "antropic"}))["providers"]["nodes"][0] == {"slug": "anthropic"}
    assert (await full(query, {"text": "bedrock"}))["providers"]["nodes"][0] == {"slug": "amazon-bedrock"}
    assert (await full(query, {"text": "claude sonet"}))["families"]["nodes"][0]["slug"].startswith("claude-sonnet")
