"""The promise: a client is answered in the media type it prefers, or told that none is supported."""

import pytest

from server.graphql.negotiation import EVENTS, GRAPHQL, JSON, MULTIPART, negotiate


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/json, application/graphql-response+json", JSON),
        ("text/event-stream", EVENTS),
        ("text/*", EVENTS),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json", MULTIPART),
    ],
)
def test_the_first_supported_type_is_chosen(accept: str | None, expected: str) -> None:
    assert negotiate(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json;q=0.5, application/graphql-response+json;q=0.6", GRAPHQL),
        ("application/json;q=0.9, application/graphql-response+json;q=0.1", JSON),
        ("application/json; q=0.2, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.001, */*;q=0", GRAPHQL),
        ("text/event-stream;q=0.1, application/json;q=0.2", JSON),
        ("image/png, */*;q=0.1", JSON),
    ],
)
def test_weights_count_before_order(accept: str, expected: str) -> None:
    assert negotiate(accept) == expected


def test_an_event_stream_named_last_does_not_win() -> None:
    # As urql sends it.
    urql = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream"
    assert negotiate(f"{urql}, multipart/mixed") == GRAPHQL


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png, text/plain", "application/json;q=0", "application/xml;q=1.0"]
)
def test_no_type_is_chosen_when_none_is_acceptable(accept: str) -> None:
    assert negotiate(accept) is None


@pytest.mark.parametrize("accept", ["application/json;q=0, */*;q=0.5", "*/*, application/json;q=0"])
def test_an_excluded_type_does_not_match_a_wildcard(accept: str) -> None:
    assert negotiate(accept) == GRAPHQL


@pytest.mark.parametrize("weight", ["nan", "inf", "-1", "abc", ""])
def test_an_invalid_weight_excludes_its_type(weight: str) -> None:
    assert negotiate(f"text/event-stream;q={weight}, application/json;q=0.1") == JSON


@pytest.mark.parametrize("accept", [",", " , ,", ";;;", ";q=1", "a" * 100_000, "application/json," * 20_000])
def test_malformed_headers_raise_nothing(accept: str) -> None:
    assert negotiate(accept) in (None, JSON)


def test_the_caller_can_exclude_a_type() -> None:
    assert negotiate("multipart/mixed, application/graphql-response+json", exclude=MULTIPART) == GRAPHQL
    assert negotiate("multipart/mixed", exclude=MULTIPART) is None
