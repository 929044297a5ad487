"""Orders, listings and cursors. Pages are cut by key, so a cursor stays valid when rows are inserted before it."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.orm import QueryableAttribute
from sqlmodel import SQLModel

from schema.column_types import FRACTION_DIGITS, ExactDecimal, check_exact, plain
from schema.declarations import check_size
from schema.errors import BAD_CURSOR, ClientError

T = TypeVar("T")
Column: TypeAlias = SQLColumnExpression[Any]
DEFAULT_PAGE = 20
LARGEST_PAGE = 100
Tie: TypeAlias = tuple[str, object]
"""The column and the value that tie a nested list to its parent."""


def attribute(column: SQLColumnExpression[T]) -> QueryableAttribute[T]:
    """The column with its name and its type."""
    assert isinstance(column, QueryableAttribute)
    return column


@dataclass(frozen=True)
class Order:
    """A total order: an optional column with nulls last, then a unique key. Without a column, the order of the key."""

    key: Column
    column: Column | None = None
    descending: bool = False

    @property
    def nullable(self) -> bool:
        return self.column is not None and bool(attribute(self.column).nullable)

    def by(self, reverse: bool) -> list[ColumnElement[Any]]:
        """The order as SQL. RELEASE_DATE, DESC -> release_date IS NULL, release_date DESC, ref."""
        parts: list[ColumnElement[Any]] = []
        if self.column is not None:
            if self.nullable:
                missing = self.column.is_(None)
                parts.append(missing.desc() if reverse else missing)
            parts.append(self.column.desc() if self.descending != reverse else self.column.asc())
        parts.append(self.key.desc() if self._key_descends(reverse) else self.key.asc())
        return parts

    def _key_descends(self, reverse: bool) -> bool:
        """Ties are broken by ascending key in both directions; only an order by the key alone can be descending."""
        return reverse != (self.descending and self.column is None)

    def beyond(self, value: object, key: object, reverse: bool) -> ColumnElement[bool]:
        """True for rows after (in reverse: before) the row of a cursor."""
        tie = self.key < key if self._key_descends(reverse) else self.key > key
        if self.column is None:
            return tie
        missing = self.column.is_(None)
        if value is None:
            return sa.or_(sa.not_(missing), sa.and_(missing, tie)) if reverse else sa.and_(missing, tie)
        further = self.column < value if self.descending != reverse else self.column > value
        parts = [further, sa.and_(self.column == value, tie)]
        return sa.or_(*parts, missing) if self.nullable and not reverse else sa.or_(*parts)


@dataclass(frozen=True)
class Listing:
    """What a connection lists: rows of a table under conditions, in an order. Equal if it has the same rows."""

    table: type[SQLModel] = field(compare=False)
    order: Order = field(compare=False)
    conditions: tuple[ColumnElement[bool], ...] = field(compare=False)
    signature: str
    """Names table, order and conditions; cursors carry its hash and are only valid for this listing."""
    scope: Any = field(default=None, compare=False)
    """Filter and search, for the facets of the listing."""
    ranking: Mapping[str, float] | None = field(default=None, compare=False)
    """Key -> score of every entry, if the order is by relevance: the highest score first, then by key."""

    @cached_property
    def stamp(self) -> str:
        return hashlib.blake2s(self.signature.encode(), digest_size=6).hexdigest()

    def column(self, name: str) -> Column:
        column: Column = getattr(self.table, name)
        return column


@dataclass(frozen=True)
class Page:
    """The page arguments of a connection, checked."""

    size: int
    after: str | None
    before: str | None
    backward: bool

    @staticmethod
    def of(first: int | None, after: str | None, last: int | None, before: str | None) -> "Page":
        """Raises a ClientError for arguments that can't be combined or are out of range."""
        if first is not None and last is not None:
            raise ClientError("Use either first or last, not both.")
        check_size("first", first, LARGEST_PAGE, "; page with after")
        check_size("last", last, LARGEST_PAGE, "; page with before")
        size = last if first is None else first
        return Page(DEFAULT_PAGE if size is None else size, after, before, last is not None)


@dataclass
class Slice(Generic[T]):
    """One page of rows: the value behind the types of a connection."""

    rows: Sequence[T]
    has_next: bool
    has_previous: bool
    listing: Listing
    parent: Tie | None = None
    total: int | None = None
    """Number of entries in the whole list, if it is known."""

    def cursor(self, row: T) -> str:
        """The row's position, as text: stamp of the listing, value of the ordered column or score, key."""
        order, ranking = self.listing.order, self.listing.ranking
        key = getattr(row, attribute(order.key).key)
        value: object = None
        if ranking is not None:
            value = ranking[key]
        elif order.column is not None:
            value = getattr(row, attribute(order.column).key)
        return encode(self.listing.stamp, value, key)


def encode(stamp: str, value: object, key: object) -> str:
    if isinstance(value, Decimal):
        value = plain(value)
    elif isinstance(value, date):
        value = value.isoformat()
    return base64.urlsafe_b64encode(orjson.dumps([stamp, value, key])).decode().rstrip("=")


def cut_page(
    listing: Listing, page: Page, found: Sequence[T], parent: Tie | None = None, total: int | None = None
) -> Slice[T]:
    """The page of rows read in its direction, of which one more than it holds was asked for."""
    more = len(found) > page.size
    rows = found[: page.size]
    return Slice(
        rows[::-1] if page.backward else rows,
        has_next=page.before is not None if page.backward else more,
        has_previous=more if page.backward else page.after is not None,
        listing=listing,
        parent=parent,
        total=total,
    )


def decode(listing: Listing, name: str, cursor: str) -> tuple[Any, Any]:
    """The (value, key) of a cursor. Raises a ClientError if it is invalid or belongs to another list."""
    order = listing.order
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        stamp, value, key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if stamp == listing.stamp:
            if listing.ranking is not None:
                return float(value), restored(order.key, key)
            column = None if value is None or order.column is None else restored(order.column, value)
            return column, restored(order.key, key)
    except (ValueError, TypeError, binascii.Error, ArithmeticError):
        raise ClientError(
            f"{name} is not a valid cursor. Use the cursor of an edge, or one of pageInfo.", BAD_CURSOR
        ) from None
    raise ClientError(
        f"{name} is a cursor of another list. Keep filter, search and orderBy the same from page to page.", BAD_CURSOR
    )


def restored(column: Column, value: Any) -> object:
    """A cursor's JSON value in the column's type. Raises an error if it can't be compared: cursors can be forged."""
    type_ = attribute(column).type
    if isinstance(type_, ExactDecimal):
        number = Decimal(value)
        # Our cursors contain plain decimals, so a large exponent, even of a zero, is forged.
        if not number and abs(number.adjusted()) > FRACTION_DIGITS:
            raise ValueError(f"{number} has more digits than are stored")
        return check_exact(number)
    if type_.python_type is date:
        return date.fromisoformat(value)
    fits = isinstance(value, type_.python_type) and not isinstance(value, bool)
    if not fits or (isinstance(value, int) and abs(value) >= 2**31) or (isinstance(value, str) and "\x00" in value):
        raise ValueError(f"{value!r} is not a {type_}")
    return value


def limits(listing: Listing, page: Page) -> list[ColumnElement[bool]]:
    """The conditions that the cursors of a page set."""
    cursors = (("after", page.after, False), ("before", page.before, True))
    return [
        listing.order.beyond(*decode(listing, name, cursor), reverse=reverse)
        for name, cursor, reverse in cursors
        if cursor is not None
    ]
