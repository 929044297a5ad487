"""Answers of batch functions that later requests use again, for as long as the registry stays at one revision."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from schema.cache import Cache
from schema.column_types import is_array

F = TypeVar("F", bound=Callable[..., Awaitable[Sequence[Any]]])
V = TypeVar("V")
ROW_BYTES: Final = 60
VALUE_BYTES: Final = 40
"""What a row and each of its values take, besides its texts. Measured."""

_KEPT: set[object] = set()


class RevisionChangedError(Exception):
    """The database has another revision than the one a request began with; it has to begin again."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def by_revision(batch: F) -> F:
    """A batch function whose answers depend on nothing but the key and the revision, so that they can be kept.

    Nobody may change such an answer.
    """
    _KEPT.add(batch)
    return batch


class RevisionCache(Generic[V]):
    """A cache of what holds for the latest revision only, bounded in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.revision = 0
        self._cache: Cache[V] = Cache(max_bytes)

    def at(self, revision: int) -> Cache[V] | None:
        """The cache of a revision; None for one that has been replaced."""
        if revision > self.revision:
            # Requests that began before keep the cache they have.
            self.revision, self._cache = revision, Cache(self.max_bytes)
        return self._cache if revision == self.revision else None


def is_kept(batch: object) -> bool:
    return batch in _KEPT


def size_of(key: Hashable, answer: object) -> int:
    """Estimated bytes of a key and its answer."""
    return (len(key) if isinstance(key, str) else 0) + _size(answer)


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    fields = getattr(value, "_fields", None)
    if is_array(value):
        # Most values of a row are short or shared: only its texts count by their length.
        texts = sum(len(entry) for entry in value if isinstance(entry, str)) if fields else sum(map(_size, value))
        return ROW_BYTES + texts + (VALUE_BYTES * len(value) if fields else 0)
    if isinstance(value, Mapping):
        return ROW_BYTES + sum(_size(entry) for entry in cast("Mapping[object, object]", value).values())
    rows = getattr(value, "rows", None)
    return ROW_BYTES + (_size(rows) if is_array(rows) else 0)
