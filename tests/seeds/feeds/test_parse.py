"""The promise: whatever a feed sends, parsing gives a catalogue that can be stored, or one line that says why not."""

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.column_types import is_array, is_object, load_json
from seeds.catalogue import MAX_QUARANTINE_LINES
from seeds.feeds import FEEDS, genai_prices, models_dev, openrouter
from seeds.feeds.fetch import Feed, FeedError
from seeds.feeds.match_rules import matcher, spellings
from seeds.merge.merge import merge
from tests.support.openrouter import OFFERS
from tests.support.registry import TODAY

EXPECTED = {feed.SLUG: feed.EXPECTED for feed in (genai_prices, models_dev, openrouter)}
everywhere = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.SLUG)


@cache
def genuine(slug: str) -> str:
    """A few real entries of each upstream that contain every part of its format."""
    if slug == openrouter.SLUG:
        return json.dumps({"data": OFFERS[:4], "total_count": 4, "links": {"next": None}})
    if slug == models_dev.SLUG:
        listed = json.loads(models_dev.bundled())
        chosen = {
            "openai": ("gpt-5.4", "text-embedding-3-small"),
            "anthropic": ("claude-opus-4-7",),
            "google": ("gemini-2.5-pro",),
            "lmstudio": tuple(listed["lmstudio"]["models"])[:1],
        }
        return json.dumps(
            {
                provider: listed[provider] | {"models": {name: listed[provider]["models"][name] for name in names}}
                for provider, names in chosen.items()
            }
        )
    known = {entry["id"]: entry for entry in json.loads(genai_prices.bundled())}
    wanted = {"anthropic": 3, "deepseek": 1, "google": 2, "huggingface_novita": 1}
    return json.dumps([known[name] | {"models": known[name]["models"][:count]} for name, count in wanted.items()])


def outcome(feed: Feed, content: bytes) -> str | None:
    """None if the content gives a catalogue that can be merged and stored; else the message of the FeedError."""
    try:
        catalogue = feed.parse(content)
    except FeedError as error:
        message = str(error)
        assert message.startswith("The content is "), message
        assert message.isprintable(), message
        assert len(message) < 800, message
        return message
    assert catalogue.models
    assert catalogue.entries == len(catalogue.models) + catalogue.left_out
    assert len(catalogue.quarantined) <= MAX_QUARANTINE_LINES
    for line in catalogue.quarantined:
        assert line.isprintable(), line
        assert len(line) < 400, line
    keys = [model.key for model in catalogue.models]
    assert len(keys) == len(set(keys))
    merged = merge([catalogue], TODAY)
    text = repr([merged.providers, merged.models])
    text.encode()
    assert "\\x00" not in text
    return None


@everywhere
def test_real_content_of_the_upstreams_is_read_completely(feed: Feed) -> None:
    assert outcome(feed, genuine(feed.SLUG).encode()) is None
    catalogue = feed.parse(genuine(feed.SLUG).encode())
    assert (catalogue.left_out, catalogue.quarantined) == (0, [])
    assert feed.parse(b"\xef\xbb\xbf" + genuine(feed.SLUG).encode()).entries == catalogue.entries


@everywhere
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expecting value at line 1, column 1. It starts with: "),
        (b'{"a": ', "expecting value at line 1, column 7. It starts with: {"),
        (b"Not found\n\x1b[31m", "It starts with: Not found\\n\\x1b[31m"),
        (b'{"a": 1} {"b": 2}', "extra data at line 1, column 10."),
        (b'{"a": "\xff"}', "it is not UTF-8 at byte 7."),
        ('{"a": "ü"}'.encode("utf-16"), "it is not UTF-8 at byte 0."),
        (b"[" * 100_000, "it is nested too deeply."),
        (b'{"a":' * 100_000, "it is nested too deeply."),
        (b'{"a": NaN}', "it contains NaN, which is not JSON."),
        (b'{"a": -Infinity}', "it contains -Infinity, which is not JSON."),
        (b'{"a": 1e999}', "it contains the number 1e999, which is out of range."),
        (b'{"a": 1e-999999999999999999999}', "it contains the number 1e-999999999999999999999, which is out of range."),
        (
            b'{"a": 0.' + b"1" * 5_000 + b"}",
            "it contains the number 0.1111111111111111111111111111…, which is out of range.",
        ),
        (b'{"a": ' + b"9" * 5_000 + b"}", "it contains a number of 5,000 digits."),
        (b'{"a": {"b": 1, "b": 2}}', 'it contains the key "b" twice in one object.'),
        (b"{}", "it contains no model."),
        (b"[]", "it contains no model."),
        (b"null", "it contains no model."),
        (b'"models"', "it contains no model."),
        (b"12", "it contains no model."),
        (b'{"data": []}', "it contains no model."),
    ],
)
def test_content_in_another_format_is_refused_with_what_was_expected(feed: Feed, content: bytes, words: str) -> None:
    message = outcome(feed, content)
    assert message
    assert message.startswith(f"The content is not {EXPECTED[feed.SLUG]}: "), message
    assert words in message or "none of its" in message, message


@everywhere
@pytest.mark.parametrize("other", [*EXPECTED, "error"])
def test_the_format_of_another_source_is_refused(feed: Feed, other: str) -> None:
    if other == feed.SLUG:
        return
    content = '{"error": {"code": 403, "message": "no"}}' if other == "error" else genuine(other)
    assert outcome(feed, content.encode()) is not None


@everywhere
def test_if_no_entry_can_be_read_the_first_reason_is_given(feed: Feed) -> None:
    content = {
        "genai-prices": '[{"id": "acme", "name": "Acme", "models": [{"id": 1}, {"id": 2}]}]',
        "models-dev": '{"acme": {"id": "acme", "name": "Acme", "models": {"a": {"id": 1}, "b": {}}}}',
        "openrouter": '{"data": [{"id": 1}, {}]}',
    }[feed.SLUG]
    message = outcome(feed, content.encode())
    assert message
    assert "none of its 2 entries can be read, the first is " in message


def test_an_invalid_entry_is_left_out_and_the_others_stay() -> None:
    document = json.loads(genuine("models-dev"))
    models = document["openai"]["models"]
    good = models["gpt-5.4"]
    models |= {
        "long": good | {"id": "x" * 100_000},
        "control": good | {"id": "a\x07b"},
        "half": good | {"id": "\ud800"},
        "turned": good | {"name": "gpt\u202e4"},
        "negative": good | {"id": "negative", "cost": {"input": -1}},
        "huge": good | {"id": "huge", "cost": {"input": 10**25}},
        "fine": good | {"id": "fine", "cost": {"input": 0.1234567890123456789}},
        "window": good | {"id": "window", "limit": {"context": 10**15}},
        "twice": good,
        "none": None,
    }
    document["other"] = {"id": "Not a slug", "name": "Other", "models": {"a": {}, "b": {}}}
    catalogue = models_dev.parse(json.dumps(document).encode())
    assert [line.partition(":")[0] for line in catalogue.quarantined] == [
        "openai/long",
        "openai/control",
        "openai/half",
        "openai/turned",
        "openai/negative",
        "openai/huge",
        "openai/window",
        "openai/twice",
        "openai/none",
        "provider other",
    ]
    assert (catalogue.entries, catalogue.left_out) == (len(catalogue.models) + 11, 11)


def test_of_very_many_invalid_entries_the_first_are_listed_and_all_are_counted() -> None:
    document = json.loads(genuine("models-dev"))
    document["openai"]["models"] |= {f"bad-{number}": {} for number in range(MAX_QUARANTINE_LINES + 500)}
    catalogue = models_dev.parse(json.dumps(document).encode())
    assert (len(catalogue.quarantined), catalogue.left_out) == (MAX_QUARANTINE_LINES, MAX_QUARANTINE_LINES + 500)


def test_links_that_are_not_web_addresses_are_ignored() -> None:
    document = json.loads(genuine("models-dev"))
    document["openai"] |= {"doc": "javascript:alert(1)", "api": "https://api.openai.com/v1"}
    provider = models_dev.parse(json.dumps(document).encode()).providers["openai"]
    assert provider.docs_url is None
    assert provider.api_base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "clause",
    [
        {},
        [],
        "gpt",
        None,
        {"equals": 1},
        {"equals": "a", "contains": "b"},
        {"equals": ""},
        {"equals": "x" * 301},
        {"sounds_like": "gpt"},
        {"or": {"equals": "a"}},
        {"or": ["a"]},
        {"or": [{"equals": "a"}] * 1_001},
        {"regex": "("},
        {"regex": "(a+)+$"},
        {"regex": "(a|a)*$"},
        {"regex": "(a|b){1,999}c"},
        {"regex": "a*a*a*a*a*b"},
        {"regex": "a{99999999999999999999}"},
    ],
)
def test_a_rule_that_is_invalid_or_could_take_forever_is_refused(clause: Any) -> None:
    with pytest.raises(ValueError, match="match clause"):
        matcher(clause)


def test_deeply_nested_rules_are_refused() -> None:
    clause: Any = {"equals": "a"}
    for _ in range(400):
        clause = {"or": [clause]}
    with pytest.raises(ValueError, match="nested too deeply"):
        matcher(clause)
    document = json.loads(genuine("genai-prices"))
    document[0]["models"][0]["match"] = clause
    assert genai_prices.parse(json.dumps(document).encode()).left_out == 1


def test_every_bundled_rule_is_valid() -> None:
    for provider in load_json(genai_prices.bundled().decode()):
        for model in provider["models"]:
            fits = matcher(model["match"])
            assert all(
                fits(name.lower()) for name in spellings(model["match"]) if model["match"].keys() <= {"equals", "or"}
            )


JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    0.5,
    -0.5,
    1e30,
    10**30,
    2**31,
    "",
    " ",
    "a",
    "-1",
    "1e999999999",
    "0e-999999999",
    "NaN",
    "Infinity",
    "2026-02-30",
    "0001-01-01",
    "x" * 100_000,
    "a\x00b",
    "\ud800",
    "\u202e",
    "$ref",
    [],
    {},
    [None],
    {"": None},
    [[[]]],
    {"id": "a"},
    {"equals": "a"},
    ["text"] * 1_000,
    {str(number): number for number in range(300)},
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    pending = [value]
    while pending:
        each = pending.pop()
        keys: list[Any] = list(each) if is_object(each) else list(range(len(each))) if is_array(each) else []
        for key in keys:
            yield each, key
            pending.append(each[key])


def drop(container: Any, key: Any, _: Any) -> None:
    del container[key]


def replace(container: Any, key: Any, junk: Any) -> None:
    container[key] = junk


def rename(container: Any, key: Any, junk: Any) -> None:
    if is_object(container):
        container[junk if isinstance(junk, str) else str(junk)[:50]] = container.pop(key)


def wrap(container: Any, key: Any, junk: Any) -> None:
    container[key] = [container[key], junk]


def retype(container: Any, key: Any, _: Any) -> None:
    value = container[key]
    container[key] = str(value) if not isinstance(value, str) else len(value)


CHANGES: list[Callable[[Any, Any, Any], None]] = [drop, replace, rename, wrap, retype]


@everywhere
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 8))
def test_a_document_changed_anywhere_is_read_or_refused(feed: Feed, seed: int, count: int) -> None:
    # The keys are not known when the example is drawn, so it draws a seed.
    chance = random.Random(seed)
    document = json.loads(genuine(feed.SLUG))
    for _ in range(count):
        found = list(places(document))
        if not found:
            break
        container, key = chance.choice(found)
        chance.choice(CHANGES)(container, key, json.loads(json.dumps(chance.choice(JUNK))))
    outcome(feed, json.dumps(document).encode())


@everywhere
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_document_cut_or_overwritten_anywhere_is_read_or_refused(feed: Feed, data: st.DataObject) -> None:
    content = genuine(feed.SLUG).encode()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 200)) | st.just(len(content)))
    scraps = [b"", b"NaN", b"1e999", b"9" * 5_000, b"[" * 2_000, b'"', b"\\ud800", b"\x00", b"\xff", b"{}", b"null,"]
    outcome(feed, content[:start] + data.draw(st.sampled_from(scraps) | st.binary(max_size=20)) + content[end:])


@everywhere
@settings(max_examples=50, deadline=None)
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["id", "name", "models", "data", "prices", "match", "cost"]), inner)
        ),
        max_leaves=20,
    )
)
def test_any_json_is_read_or_refused(feed: Feed, document: Any) -> None:
    outcome(feed, json.dumps(document).encode())
