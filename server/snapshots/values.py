"""How a snapshot encodes each kind of value. Every value has exactly one encoding; all others are refused."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import AutoString

from schema.column_types import ExactDecimal, ExactJson, Instant, check_exact, dump_json, plain
from schema.scalars import serialize_datetime

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Codec:
    """Encodes and decodes one kind of value. `decode` raises ValueError for anything but what `expected` describes."""

    kind: str
    encode: Callable[[Any], Any] | None
    """Returns the JSON value; None if the value is its own JSON."""
    decode: Callable[[Any], Any]
    expected: str


def codec(column_type: Any, postgresql: bool = False) -> Codec:
    """The codec of a column type. Decoded values fit into SQLite, or into PostgreSQL if `postgresql` is set."""
    match column_type:
        case ExactDecimal():
            return Codec("decimal", plain, _decode_decimal, 'a decimal in plain digits such as "0.175"')
        case ExactJson():
            return Codec("json", None, _decode_json, "JSON of valid Unicode, nested at most 250 levels deep")
        case Instant():
            return Codec("instant", serialize_datetime, _decode_instant, 'a UTC time such as "2026-11-23T12:00:00Z"')
        case sa.Enum():
            members = column_type.enum_class
            assert members
            expected = f"one of {', '.join(members.__members__)}"
            return Codec("word", _encode_enum, partial(_decode_enum, members), expected)
        case AutoString() | sa.String():
            return Codec("text", None, partial(_decode_text, postgresql), "a string of valid Unicode")
        case sa.Boolean():
            return Codec("boolean", None, _decode_boolean, "true or false")
        case sa.Integer():
            bits = 32 if postgresql else 64
            return Codec("integer", None, partial(_decode_integer, 2 ** (bits - 1)), f"a {bits}-bit integer")
        case sa.Date():
            return Codec("date", date.isoformat, _decode_date, 'a date such as "2026-11-23"')
        case sa.Time():
            return Codec("time", time.isoformat, _decode_time, 'a time of day such as "16:30:00"')
        case sa.LargeBinary():
            return Codec("bytes", _encode_bytes, _decode_bytes, "base64 with padding")
        case _:
            raise TypeError(f"a snapshot has no encoding for {column_type!r}")


def _encode_enum(value: Enum) -> str:
    return value.name


def _encode_bytes(value: bytes) -> str:
    return b64encode(value).decode()


def _canonical(text: str, value: T, encoded: object) -> T:
    """Returns the value if `text` is its only accepted encoding."""
    if text != encoded:
        raise ValueError(text)
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _decode_decimal(value: Any) -> Decimal:
    text = _string(value)
    # Characters are checked before parsing: an exponent could expand to more digits than fit in memory.
    if set(text) - set("0123456789.-"):
        raise ValueError(text)
    try:
        number = check_exact(Decimal(text))
    except ArithmeticError:
        raise ValueError(text) from None
    return _canonical(text, number, plain(number))


def _decode_json(value: Any) -> Any:
    try:
        dump_json(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(value) from error
    return value


def _decode_instant(value: Any) -> datetime:
    text = _string(value)
    if not text.endswith("Z"):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return _canonical(text, moment, serialize_datetime(moment))


def _decode_date(value: Any) -> date:
    day = date.fromisoformat(_string(value))
    return _canonical(value, day, day.isoformat())


def _decode_time(value: Any) -> time:
    moment = time.fromisoformat(_string(value))
    return _canonical(value, moment, moment.replace(tzinfo=None).isoformat())


def _decode_enum(members: type[Enum], value: Any) -> Enum:
    if _string(value) not in members.__members__:
        raise ValueError(value)
    return members[value]


def _decode_text(postgresql: bool, value: Any) -> str:
    text = _string(value)
    if not text.isascii():
        text.encode()
    if postgresql and "\x00" in text:
        raise ValueError(text)
    return text


def _decode_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _decode_integer(limit: int, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
        raise ValueError(value)
    return value


def _decode_bytes(value: Any) -> bytes:
    content = b64decode(_string(value), validate=True)
    return _canonical(value, content, _encode_bytes(content))
