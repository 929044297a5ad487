"""How a snapshot spells each kind of value: one way to write it, and nothing else is read."""

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
class Spelling:
    """One kind of value. Reading raises ValueError; `wanted` says what is read instead."""

    kind: str
    write: Callable[[Any], Any] | None
    """Gives what JSON holds; None where that is the value itself."""
    read: Callable[[Any], Any]
    wanted: str


def spelling(of: Any, postgresql: bool = False) -> Spelling:
    """The spelling of a column's type; what is read fits into SQLite, or into PostgreSQL where that is asked for."""
    match of:
        case ExactDecimal():
            return Spelling("decimal", plain, _decimal, 'a decimal in plain digits such as "0.175"')
        case ExactJson():
            return Spelling("json", None, _json, "JSON in whole characters, nested no deeper than 250 levels")
        case Instant():
            return Spelling("instant", serialize_datetime, _instant, 'a moment such as "2026-11-23T12:00:00Z"')
        case sa.Enum():
            words = of.enum_class
            assert words
            return Spelling("word", _name, partial(_word, words), f"one of {', '.join(words.__members__)}")
        case AutoString() | sa.String():
            return Spelling("text", None, partial(_text, postgresql), "a string in whole characters")
        case sa.Boolean():
            return Spelling("boolean", None, _boolean, "true or false")
        case sa.Integer():
            bits = 32 if postgresql else 64
            return Spelling("integer", None, partial(_integer, 2 ** (bits - 1)), f"a whole number in {bits} bits")
        case sa.Date():
            return Spelling("date", date.isoformat, _date, 'a day such as "2026-11-23"')
        case sa.Time():
            return Spelling("time", time.isoformat, _time, 'a time of day such as "16:30:00"')
        case sa.LargeBinary():
            return Spelling("bytes", _base64, _bytes, "base64 with padding")
        case _:
            raise TypeError(f"a snapshot has no spelling for {of!r}")


def _name(value: Enum) -> str:
    return value.name


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _kept(given: str, read: T, again: object) -> T:
    """What was read, given that writing it again gives what was given."""
    if given != again:
        raise ValueError(given)
    return read


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _decimal(value: Any) -> Decimal:
    text = _string(value)
    # By its characters first: an exponent could stand for more digits than there is memory.
    if set(text) - set("0123456789.-"):
        raise ValueError(text)
    try:
        number = check_exact(Decimal(text))
    except ArithmeticError:
        raise ValueError(text) from None
    return _kept(text, number, plain(number))


def _json(value: Any) -> Any:
    try:
        dump_json(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(value) from error
    return value


def _instant(value: Any) -> datetime:
    text = _string(value)
    if not text.endswith("Z"):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return _kept(text, moment, serialize_datetime(moment))


def _date(value: Any) -> date:
    day = date.fromisoformat(_string(value))
    return _kept(value, day, day.isoformat())


def _time(value: Any) -> time:
    moment = time.fromisoformat(_string(value))
    return _kept(value, moment, moment.replace(tzinfo=None).isoformat())


def _word(words: type[Enum], value: Any) -> Enum:
    if _string(value) not in words.__members__:
        raise ValueError(value)
    return words[value]


def _text(postgresql: bool, value: Any) -> str:
    text = _string(value)
    if not text.isascii():
        text.encode()
    if postgresql and "\x00" in text:
        raise ValueError(text)
    return text


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _integer(beyond: int, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -beyond <= value < beyond:
        raise ValueError(value)
    return value


def _bytes(value: Any) -> bytes:
    content = b64decode(_string(value), validate=True)
    return _kept(value, content, _base64(content))
