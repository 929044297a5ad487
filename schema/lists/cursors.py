"""Orders, listings and cursors. Pages are cut by key, so a cursor stays valid when rows are inserted before it."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.orm import QueryableAttribute
from sqlmodel import SQLModel

from schema.column_types import FRACTION_DIGITS, check_exact, plain
from schema.declarations import check_size
from schema.errors import BAD_CURSOR, ClientError

T = TypeVar("T")
DEFAULT_PAGE = 20
LARGEST_PAGE = 100


@dataclass(frozen=True)
class Order:
    """A total order: an optional column with nulls last, then a unique key. Without a column, the order of the key."""

    key: SQLColumnExpression[Any]
    column: SQLColumnExpression[Any] | None = None
    descending: bool = False
    nullable: bool = True
    restore: Callable[[Any], Any] = lambda value: value
    """Turns a cursor's JSON value back into the column's type."""

    def by(self, reverse: bool) -> list[ColumnElement[Any]]:
        parts: list[ColumnElement[Any]] = []
        if self.column is not None:
            if self.nullable:
                missing = self.column.is_(None)
                parts.append(missing.desc() if reverse else missing)
            parts.append(self.column.desc() if self.descending != reverse else self.column.asc())
        parts.append(self.key.desc() if self._key_descends(reverse) else self.key.asc())
        return parts

    def _key_descends(self, reverse: bool) -> bool:
        """A tie is broken upward whatever the direction; only an order by the key alone can be descending itself."""
        return reverse != (self.descending and self.column is None)

    def beyond(self, value: Any, key: Any, reverse: bool) -> ColumnElement[bool]:
        """True for rows after (in reverse: before) the row of a cursor."""
        tie: ColumnElement[bool] = self.key < key if self._key_descends(reverse) else self.key > key
        if self.column is None:
            return tie
        if value is None:
            missing = self.column.is_(None)
            return sa.or_(sa.not_(missing), sa.and_(missing, tie)) if reverse else sa.and_(missing, tie)
        further = self.column < value if self.descending != reverse else self.column > value
        parts = [further, sa.and_(self.column == value, tie)]
        if self.nullable and not reverse:
            parts.append(self.column.is_(None))
        return sa.or_(*parts)


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

    def stamp(self) -> str:
        return hashlib.blake2s(self.signature.encode(), digest_size=6).hexdigest()


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
    """One page of rows; the types of a connection show it."""

    rows: Sequence[T]
    cursor: Callable[[T], str]
    has_next: bool
    has_previous: bool
    listing: Listing
    parent: tuple[str, Any] | None = None
    """Column and value that tie a nested page to its parent."""
    total: int | None = None
    """Number of entries in the whole list, if it is known."""


def encode(stamp: str, value: Any, key: Any) -> str:
    if isinstance(value, Decimal):
        value = plain(value)
    elif isinstance(value, (date, datetime)):
        value = value.isoformat()
    return base64.urlsafe_b64encode(orjson.dumps([stamp, value, key])).decode().rstrip("=")


def decode(listing: Listing, name: str, cursor: str) -> tuple[Any, Any]:
    """The (value, key) of a cursor. Raises a ClientError if it is invalid or belongs to another list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        stamp, value, key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if stamp == listing.stamp():
            order = listing.order
            if listing.ranking is not None:
                return float(value), comparable(order.key, key)
            column = None if value is None or order.column is None else comparable(order.column, order.restore(value))
            return column, comparable(order.key, key)
    except (ValueError, TypeError, binascii.Error, ArithmeticError):
        raise ClientError(
            f"{name} is not a valid cursor. Use the cursor of an edge, or one of pageInfo.", BAD_CURSOR
        ) from None
    raise ClientError(
        f"{name} is a cursor of another list. Keep filter, search and orderBy the same from page to page.", BAD_CURSOR
    )


def comparable(column: SQLColumnExpression[Any], value: Any) -> Any:
    """The value itself. Raises ValueError if the column can't be compared with it: cursors can be forged."""
    if isinstance(value, Decimal):
        # A cursor of ours is written out, so its exponent is short, also that of a zero.
        if not value and abs(value.adjusted()) > FRACTION_DIGITS:
            raise ValueError(f"{value} has more digits than are stored")
        return check_exact(value)
    assert isinstance(column, (QueryableAttribute, ColumnElement))
    fits = isinstance(value, column.type.python_type) and not isinstance(value, bool)
    if not fits or (isinstance(value, int) and abs(value) >= 2**31) or (isinstance(value, str) and "\x00" in value):
        raise ValueError(f"{value!r} is not a {column.type}")
    return value


def limits(listing: Listing, page: Page) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if page.after is not None:
        found.append(listing.order.beyond(*decode(listing, "after", page.after), reverse=False))
    if page.before is not None:
        found.append(listing.order.beyond(*decode(listing, "before", page.before), reverse=True))
    return found


def name_of(column: SQLColumnExpression[Any]) -> str:
    """The attribute of a column in its rows."""
    assert isinstance(column, (QueryableAttribute, ColumnElement))
    return str(column.key)


def cut_page(listing: Listing, page: Page, found: list[Any], parent: tuple[str, Any] | None = None) -> Slice[Any]:
    """The page of rows read in its direction, of which one more than it holds was asked for."""
    more = len(found) > page.size
    rows = found[: page.size]
    if page.backward:
        rows.reverse()
    stamp = listing.stamp()
    column, key = listing.order.column, listing.order.key
    column_name, key_name = None if column is None else name_of(column), name_of(key)

    def cursor(row: Any) -> str:
        return encode(stamp, None if column_name is None else getattr(row, column_name), getattr(row, key_name))

    return Slice(
        rows,
        cursor,
        has_next=page.before is not None if page.backward else more,
        has_previous=more if page.backward else page.after is not None,
        listing=listing,
        parent=parent,
    )
