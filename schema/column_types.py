"""Column types that store values exactly, on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeGuard

import orjson
import sqlalchemy as sa
from sqlalchemy import DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import NUMERIC
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString

from schema.strict_json import JsonParser, exact_integer

WHOLE_DIGITS = 20
"""Digits before the point in the sortable text on SQLite."""
LARGEST_INTEGER = 2_147_483_647
"""The largest whole number a column can store."""
FRACTION_DIGITS = 18
"""Digits after the point; values with more are refused, never rounded."""

MOST_ZEROS = 100
"""Zeros that writing out a decimal may add to its own digits: 1E+1000000000 would take 1 GB."""

_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def plain(value: Decimal) -> str:
    """A decimal as a plain string without exponent or trailing zeros: "0.175". Raises ValueError for 1E+1000."""
    if not value:
        return "0"
    if abs(value.adjusted()) > MOST_ZEROS + len(value.as_tuple().digits):
        raise ValueError(f"{value:.6E} is too large or too small to be written out.")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_exact(value: Decimal) -> Decimal:
    """The value itself. Raises ValueError if a column can't store it to the last digit."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not a finite number.")
    if not value:
        return Decimal(0)  # without an exponent: written out, 0E-1000000000 would take 1 GB
    # By the digits themselves: arithmetic would round to the context's precision first.
    fraction = -exponent - (len(digits) - len("".join(map(str, digits)).rstrip("0")))
    if fraction > FRACTION_DIGITS or value.adjusted() >= WHOLE_DIGITS:
        raise ValueError(
            f"{value} has more digits than are stored ({WHOLE_DIGITS} before the point, {FRACTION_DIGITS} after)."
        )
    return value


def sortable(value: Decimal) -> str:
    """A text that sorts like the number, since SQLite has no exact decimal type: 1.5 -> 00000000000000000001.5."""
    whole, _, fraction = plain(check_exact(value).copy_abs()).partition(".")
    digits = whole.zfill(WHOLE_DIGITS) + ("." + fraction if fraction else "")
    # Negative numbers sort in reverse: complement every digit and end with a high character.
    return "-" + digits.translate(_COMPLEMENT) + "~" if value < 0 else digits


def from_sortable(text: str) -> Decimal:
    if text.startswith("-"):
        return Decimal(text[1:-1].translate(_COMPLEMENT)).copy_negate()
    return Decimal(text.lstrip("0") or "0")


class ExactDecimal(TypeDecorator[Decimal]):
    """NUMERIC on PostgreSQL, a text that sorts like numbers on SQLite. Never a float."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        if dialect.name == "postgresql":
            exact: NUMERIC[Decimal] = NUMERIC()
            return dialect.type_descriptor(exact)
        return dialect.type_descriptor(Text())

    def coerce_compared_value(self, op: object, value: object) -> TypeEngine[Decimal]:
        return self

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        if value is None:
            return None
        return check_exact(value) if dialect.name == "postgresql" else sortable(value)

    def process_literal_param(self, value: Decimal | None, dialect: Dialect) -> str:
        return "NULL" if value is None else f"'{self.process_bind_param(value, dialect)}'"

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        return from_sortable(value) if isinstance(value, str) else value


def _fragment(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dump_json(value: object) -> str:
    """JSON text with sorted keys; decimals become numbers with all their digits."""
    return orjson.dumps(value, default=_fragment, option=orjson.OPT_SORT_KEYS).decode()


_STORED = JsonParser(integer=exact_integer, unique_keys=False)  # written by dump_json, so there is nothing to check


def load_json(text: str) -> Any:
    """Parses stored JSON; numbers with a fraction become Decimal, digit for digit."""
    return _STORED.parse(text)


def is_object(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, (list, tuple))


class ExactJson(TypeDecorator[Any]):
    """A JSON value, stored as text. None is SQL NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else dump_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else load_json(value)


@compiles(AutoString, "postgresql")
def text_column(_: AutoString, compiler: PGTypeCompiler, **options: object) -> str:
    """A column of text on PostgreSQL: it sorts by its bytes, as on SQLite, whatever the collation of the database.

    Only the column says so. Every index, order and comparison of it follows.
    """
    return compiler.visit_VARCHAR(sa.VARCHAR(collation="C"), **options)


class Instant(TypeDecorator[datetime]):
    """A time in UTC. SQLite has no time zones, so it is added when a row is read."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
