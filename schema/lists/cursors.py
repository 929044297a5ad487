"""Connections after Relay's specification. Pages are cut by key: a cursor holds whatever is inserted before it."""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.orm import QueryableAttribute
from sqlmodel import SQLModel

from schema.column_types import check_exact, plain
from schema.errors import BAD_CURSOR, ClientError

T = TypeVar("T")
DEFAULT_PAGE = 20
LARGEST_PAGE = 100


@dataclass(frozen=True)
class Order:
    """A total order: an optional column, missing values last, then a unique key. Without a column the key's own."""

    key: SQLColumnExpression[Any]
    column: SQLColumnExpression[Any] | None = None
    descending: bool = False
    nullable: bool = True
    restore: Callable[[Any], Any] = lambda value: value
    """Turns the column's value in a cursor back into what it compares with."""

    def by(self, reverse: bool) -> list[ColumnElement[Any]]:
        parts: list[ColumnElement[Any]] = []
        if self.column is not None:
            if self.nullable:
                missing = self.column.is_(None)
                parts.append(missing.desc() if reverse else missing)
            parts.append(self.column.desc() if self.descending != reverse else self.column.asc())
        parts.append(self.key.desc() if self._falls(reverse) else self.key.asc())
        return parts

    def _falls(self, reverse: bool) -> bool:
        """Whether the key goes down: it does in reverse, or by itself where it is all there is."""
        return reverse != (self.descending and self.column is None)

    def beyond(self, value: Any, key: Any, reverse: bool) -> ColumnElement[bool]:
        """True for rows after (or, in reverse, before) the one a cursor stands on."""
        tie: ColumnElement[bool] = self.key < key if self._falls(reverse) else self.key > key
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
    """What a connection lists: rows of a table under conditions, in an order. Equal when it reads the same."""

    table: type[SQLModel] = field(compare=False)
    order: Order = field(compare=False)
    conditions: tuple[ColumnElement[bool], ...] = field(compare=False)
    signature: str
    """Names table, order and conditions; cursors carry its hash and fit no other listing."""
    scope: Any = field(default=None, compare=False)
    """What else the connection needs to know of how it was asked for: filter and search, for facets."""
    ranking: Mapping[str, float] | None = field(default=None, compare=False)
    """Key -> score, where the order is by relevance: the highest first, then by key. Nothing else is listed."""

    def stamp(self) -> str:
        return hashlib.blake2s(self.signature.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Page:
    """A checked page request. Raises a ClientError on arguments that make no page."""

    size: int
    after: str | None
    before: str | None
    backward: bool

    @staticmethod
    def of(first: int | None, after: str | None, last: int | None, before: str | None) -> "Page":
        if first is not None and last is not None:
            raise ClientError("Give either first or last, not both.")
        size = first if first is not None else last
        name = "last" if last is not None else "first"
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            raise ClientError(
                f"{name} is {size}; it has to be between 0 and {LARGEST_PAGE}. Ask for more with after or before."
            )
        return Page(DEFAULT_PAGE if size is None else size, after, before, last is not None)


@dataclass
class Slice(Generic[T]):
    """One page of rows, before it is shown as a connection."""

    rows: Sequence[T]
    cursor: Callable[[T], str]
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]]
    listing: Listing
    parent: tuple[str, Any] | None = None
    """Column and value that tie a nested page to what it hangs below."""


def encode(stamp: str, value: Any, key: Any) -> str:
    if isinstance(value, Decimal):
        value = plain(value)
    elif isinstance(value, (date, datetime)):
        value = value.isoformat()
    return base64.urlsafe_b64encode(orjson.dumps([stamp, value, key])).decode().rstrip("=")


def decode(listing: Listing, name: str, cursor: str) -> tuple[Any, Any]:
    """The (value, key) a cursor stands on. Raises a ClientError for a cursor that is garbage or another listing's."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        stamp, value, key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if stamp == listing.stamp():
            order = listing.order
            if listing.ranking is not None:
                return float(value), key
            column = None if value is None or order.column is None else comparable(order.column, order.restore(value))
            return column, comparable(order.key, key)
    except (ValueError, TypeError, binascii.Error, ArithmeticError):
        raise ClientError(
            f"{name} is no cursor of this API. Use an edge's cursor, or pageInfo's.", BAD_CURSOR
        ) from None
    raise ClientError(
        f"{name} is a cursor of another list: filter, search and order have to be those it was made with.", BAD_CURSOR
    )


def comparable(column: SQLColumnExpression[Any], value: Any) -> Any:
    """The value itself. Raises ValueError for one the column can't be compared with, as a forged cursor may hold."""
    if isinstance(value, Decimal):
        return check_exact(value)
    assert isinstance(column, (QueryableAttribute, ColumnElement))
    fits = isinstance(value, column.type.python_type) and not isinstance(value, bool)
    if not fits or (isinstance(value, int) and abs(value) >= 2**31) or (isinstance(value, str) and "\x00" in value):
        raise ValueError(f"{value!r} is no {column.type}")
    return value


def limits(listing: Listing, page: Page) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if page.after is not None:
        found.append(listing.order.beyond(*decode(listing, "after", page.after), reverse=False))
    if page.before is not None:
        found.append(listing.order.beyond(*decode(listing, "before", page.before), reverse=True))
    return found


def name_of(column: SQLColumnExpression[Any]) -> str:
    """The name a column goes by in its rows."""
    assert isinstance(column, (QueryableAttribute, ColumnElement))
    return str(column.key)


def cut_page(
    listing: Listing,
    page: Page,
    found: list[Any],
    count: Callable[[], Awaitable[int]],
    parent: tuple[str, Any] | None = None,
) -> Slice[Any]:
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
        count=count,
        listing=listing,
        parent=parent,
    )
