"""The promise: a client is answered in the media type it likes best, and told so when there is none."""

import pytest

from server.graphql.negotiation import EVENTS, GRAPHQL, JSON, MULTIPART, negotiate


@pytest.mark.parametrize(
    ("accept", "answered"),
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
def test_the_first_type_we_have_is_taken(accept: str | None, answered: str) -> None:
    assert negotiate(accept) == answered


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("application/json;q=0.5, application/graphql-response+json;q=0.6", GRAPHQL),
        ("application/json;q=0.9, application/graphql-response+json;q=0.1", JSON),
        ("application/json; q=0.2, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.001, */*;q=0", GRAPHQL),
        ("text/event-stream;q=0.1, application/json;q=0.2", JSON),
        ("image/png, */*;q=0.1", JSON),
    ],
)
def test_weights_come_before_the_order(accept: str, answered: str) -> None:
    assert negotiate(accept) == answered


def test_an_event_stream_named_last_does_not_win() -> None:
    # As urql writes it.
    urql = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream"
    assert negotiate(f"{urql}, multipart/mixed") == GRAPHQL


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png, text/plain", "application/json;q=0", "application/xml;q=1.0"]
)
def test_nothing_is_answered_to_those_who_take_nothing_we_have(accept: str) -> None:
    assert negotiate(accept) is None


@pytest.mark.parametrize("accept", ["application/json;q=0, */*;q=0.5", "*/*, application/json;q=0"])
def test_a_type_that_is_ruled_out_is_not_taken_for_a_wildcard(accept: str) -> None:
    assert negotiate(accept) == GRAPHQL


@pytest.mark.parametrize("weight", ["nan", "inf", "-1", "abc", ""])
def test_a_weight_that_is_no_weight_does_not_win(weight: str) -> None:
    assert negotiate(f"text/event-stream;q={weight}, application/json;q=0.1") == JSON


@pytest.mark.parametrize("accept", [",", " , ,", ";;;", ";q=1", "a" * 100_000, "application/json," * 20_000])
def test_garbage_is_read_without_complaint(accept: str) -> None:
    assert negotiate(accept) in (None, JSON)


def test_a_type_can_be_left_aside() -> None:
    assert negotiate("multipart/mixed, application/graphql-response+json", exclude=MULTIPART) == GRAPHQL
    assert negotiate("multipart/mixed", exclude=MULTIPART) is None
