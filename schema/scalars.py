"""Custom scalars. Each names its specification and refuses values it can't represent exactly."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal as PythonDecimal
from decimal import InvalidOperation
from typing import NewType
from urllib.parse import urlsplit

import orjson
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode, value_from_ast_untyped
from strawberry import scalar
from strawberry.types.scalar import ScalarDefinition

from schema.column_types import is_array, is_object, plain

BigInt = NewType("BigInt", int)
URL = NewType("URL", str)
JSON = NewType("JSON", object)

LARGEST = 10**30
"""Counts above this are a mistake, not a usage."""
DIGITS = re.compile(r"-?[0-9]{1,38}")
"""-250000000"""


class ExactNumber(float):
    """A JSON number: a float that keeps its original text, for Decimal."""

    text: str

    def __new__(cls, text: str) -> "ExactNumber":
        number = super().__new__(cls, text)
        number.text = text
        return number


def _quoted(value: object) -> str:
    return f"{value!s:.60}"


def parse_decimal(value: object) -> PythonDecimal:
    if isinstance(value, ExactNumber):
        value = value.text
    if isinstance(value, bool) or not isinstance(value, (str, int, PythonDecimal)):
        raise GraphQLError(f'Decimal does not accept {_quoted(value)}: write it as a string, for example "0.175".')
    try:
        number = PythonDecimal(value)
    except InvalidOperation:
        raise GraphQLError(f'Decimal does not accept "{_quoted(value)}": write digits, for example "0.175".') from None
    if not number.is_finite() or abs(number.adjusted()) > 40 or len(number.as_tuple().digits) > 60:
        raise GraphQLError(f'Decimal does not accept "{_quoted(value)}": the number is out of range.')
    return number


def parse_decimal_literal(node: ValueNode, _: object = None) -> PythonDecimal:
    # A number in the document is read from its own digits, never through a float.
    text = getattr(node, "value", None)
    if not isinstance(text, str):
        raise GraphQLError('Decimal accepts a string or a number, for example "0.175".', node)
    return parse_decimal(text)


def parse_big_int(value: object) -> int:
    if isinstance(value, str) and DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, ExactNumber) and value.is_integer() and abs(value) <= LARGEST:
        value = int(PythonDecimal(value.text))
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError(f"BigInt does not accept {_quoted(value)}: write a whole number, or its digits as a string.")
    return value


def parse_big_int_literal(node: ValueNode, _: object = None) -> int:
    if isinstance(node, (IntValueNode, StringValueNode)):
        return parse_big_int(node.value)
    raise GraphQLError("BigInt accepts a whole number, or its digits as a string.", node)


def serialize_big_int(value: int) -> int | str:
    # JavaScript reads numbers beyond 2^53 wrongly; those go out as strings of digits.
    return value if abs(value) < 2**53 else str(value)


def parse_date(value: object) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise GraphQLError(f'Date does not accept "{_quoted(value)}": write YYYY-MM-DD.')


def parse_datetime(value: object) -> datetime:
    """A moment; without an offset it is taken as UTC."""
    if isinstance(value, str) and 10 <= len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(f'DateTime does not accept "{_quoted(value)}": write YYYY-MM-DDThh:mm:ssZ.')


def serialize_datetime(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_url(value: object) -> str:
    if isinstance(value, str) and urlsplit(value).scheme in ("http", "https"):
        return value
    raise GraphQLError(f'URL does not accept "{_quoted(value)}": write an http or https address.')


def serialize_json(value: object) -> object:
    """The value with decimals as numbers, digit for digit."""
    if isinstance(value, PythonDecimal):
        return orjson.Fragment(plain(value))
    if is_object(value):
        return {str(key): serialize_json(each) for key, each in value.items()}
    if is_array(value):
        return [serialize_json(entry) for entry in value]
    return value


SCALARS: dict[object, ScalarDefinition] = {
    PythonDecimal: scalar(
        name="Decimal",
        description='Exact decimal number, written as a plain string without exponent or trailing zeros: "0.175".',
        specified_by_url="https://speleotrove.com/decimal/daconvs.html",
        serialize=plain,
        parse_value=parse_decimal,
        parse_literal=parse_decimal_literal,
    ),
    BigInt: scalar(
        name="BigInt",
        description="Whole number beyond 32 bits, e.g. a month's token count. Beyond 2^53 it is written as a string.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
        serialize=serialize_big_int,
        parse_value=parse_big_int,
        parse_literal=parse_big_int_literal,
    ),
    date: scalar(
        name="Date",
        description="Calendar day: YYYY-MM-DD.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    datetime: scalar(
        name="DateTime",
        description="Moment in UTC: YYYY-MM-DDThh:mm:ssZ. Input without an offset is taken as UTC.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=serialize_datetime,
        parse_value=parse_datetime,
    ),
    JSON: scalar(
        name="JSON",
        description="Any JSON value. Amounts of money inside are strings, other numbers keep every digit.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=serialize_json,
        parse_value=lambda value: value,
        parse_literal=lambda node, _: value_from_ast_untyped(node),
    ),
    URL: scalar(
        name="URL",
        description="Address on the web, http or https.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=parse_url,
    ),
}
