"""How a snapshot encodes each kind of value. Every value has exactly one encoding; all others are refused."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlmodel import AutoString

from schema.column_types import ExactDecimal, ExactJson, Instant, check_exact, dump_json, plain
from schema.scalars import serialize_datetime


@dataclass(frozen=True, slots=True)
class Codec:
    """Encodes and decodes one kind of value."""

    kind: str
    encode: Callable[[Any], object] | None
    """Returns the JSON value; None if the value is its own JSON."""
    parse: Callable[[Any], object]
    expected: str

    def decode(self, value: object) -> object:
        """Raises ValueError for anything but what `expected` describes, in the one encoding it has."""
        try:
            decoded = self.parse(value)
        except (TypeError, LookupError, ArithmeticError, RecursionError) as error:
            raise ValueError(value) from error
        if self.encode and self.encode(decoded) != value:
            raise ValueError(value)
        return decoded


def codec(column_type: Any, postgresql: bool = False) -> Codec:
    """The codec of a column type. Decoded values fit into SQLite, or into PostgreSQL if `postgresql` is set."""
    match column_type:
        case ExactDecimal():
            return Codec("decimal", plain, _parse_decimal, 'a decimal in plain digits such as "0.175"')
        case ExactJson():
            return Codec("json", None, _check_json, "JSON of valid Unicode, nested at most 250 levels deep")
        case Instant():
            expected = 'a UTC time such as "2026-11-23T12:00:00Z"'
            return Codec("instant", serialize_datetime, datetime.fromisoformat, expected)
        case sa.Enum():
            members = column_type.enum_class
            assert members
            expected = f"one of {', '.join(members.__members__)}"
            return Codec("word", _encode_enum, members.__getitem__, expected)
        case AutoString() | sa.String():
            return Codec("text", None, partial(_check_text, postgresql), "a string of valid Unicode")
        case sa.Boolean():
            return Codec("boolean", None, _check_boolean, "true or false")
        case sa.Integer():
            bits = 32 if postgresql else 64
            return Codec("integer", None, partial(_check_integer, 2 ** (bits - 1)), f"a {bits}-bit integer")
        case sa.Date():
            return Codec("date", date.isoformat, date.fromisoformat, 'a date such as "2026-11-23"')
        case sa.Time():
            return Codec("time", _encode_time, time.fromisoformat, 'a time of day such as "16:30:00"')
        case sa.LargeBinary():
            return Codec("bytes", _encode_bytes, partial(b64decode, validate=True), "base64 with padding")
        case _:
            raise TypeError(f"a snapshot has no encoding for {column_type!r}")


def _encode_enum(value: Enum) -> str:
    return value.name


def _encode_bytes(value: bytes) -> str:
    return b64encode(value).decode()


def _encode_time(value: time) -> str:
    return value.replace(tzinfo=None).isoformat()


def _parse_decimal(text: str) -> Decimal:
    # Characters are checked before parsing: an exponent could expand to more digits than fit in memory.
    if set(text) - set("0123456789.-"):
        raise ValueError(text)
    return check_exact(Decimal(text))


def _check_json(value: object) -> object:
    dump_json(value)
    return value


def _check_text(postgresql: bool, text: object) -> str:
    if not isinstance(text, str) or (postgresql and "\x00" in text):
        raise ValueError(text)
    if not text.isascii():
        text.encode()
    return text


def _check_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _check_integer(limit: int, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
        raise ValueError(value)
    return value
