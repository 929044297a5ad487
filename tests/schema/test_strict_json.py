"""The promise: JSON from outside is parsed exactly, and invalid JSON is refused with a reason, in little time and memory."""

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.scalars import ExactNumber
from schema.strict_json import JsonError, JsonParser, exact_integer

STRICT = JsonParser(max_digits=40, max_exponent=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=20,
)


@given(value=JSON)
def test_json_from_another_writer_is_parsed(value: object) -> None:
    assert STRICT.parse(orjson.dumps(value)) == value


@pytest.mark.parametrize("text", ["0.1", "0.100", "1e30", "12345678901234567890.1234567890123456789", "-0.0"])
def test_numbers_keep_every_digit(text: str) -> None:
    number = STRICT.parse(text)
    assert isinstance(number, Decimal)
    assert number.as_tuple() == Decimal(text).as_tuple()
    exact = JsonParser(decimal=ExactNumber).parse(text)
    assert isinstance(exact, ExactNumber)
    assert exact.text == text


def test_integers_beyond_64_bits_can_become_decimals() -> None:
    parser = JsonParser(integer=exact_integer)
    assert parser.parse("[7, 12345678901234567890]") == [7, Decimal("12345678901234567890")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expecting value at line 1, column 1"),
        (b'{"a":\n 1,}', "illegal trailing comma before end of object|expecting property name"),
        (b"{} {}", "extra data at line 1, column 4"),
        (b'"\xff"', "it is not UTF-8 at byte 1"),
        ('{"a": "ü"}'.encode("utf-16"), "it is not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "expecting value at line 1, column 1"),
        (b'"\n"', "invalid control character at"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
        (b"[NaN]", "it contains NaN, which is not JSON"),
        (b"[-Infinity]", "it contains -Infinity, which is not JSON"),
        (b"1e31", "it contains the number 1e31, which is out of range"),
        (b"1e-31", "it contains the number 1e-31, which is out of range"),
        (b"0e999999999", "it contains the number 0e999999999, which is out of range"),
        (b"1e9999999999999999999999999999", "it contains the number 1e9999999999999999999999999999, which is"),
        (b"0." + b"1" * 5_000, "it contains the number 0.1111111111111111111111111111…, which is out of range"),
        (b"9" * 41, "it contains a number of 41 digits"),
        (b'[{"b": 1, "a": 2, "b": 3}]', 'it contains the key "b" twice in one object'),
        (rb'{"\ud800": 1, "\ud800": 2}', 'it contains the key "\\\\ud800" twice in one object'),
    ],
)
def test_invalid_json_is_refused_with_a_reason(content: bytes, message: str) -> None:
    with pytest.raises(JsonError, match=f"^(?:{message.replace('.1', '[.]1')})"):
        STRICT.parse(content)


def test_a_byte_order_mark_is_skipped_where_files_may_have_one() -> None:
    assert JsonParser(byte_order_mark=True).parse(b"\xef\xbb\xbf{}") == {}


def test_the_last_of_two_equal_keys_counts_where_they_are_allowed() -> None:
    assert JsonParser(unique_keys=False).parse('{"a": 1, "a": 2}') == {"a": 2}
