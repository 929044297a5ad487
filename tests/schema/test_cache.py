"""The promise: a cache never exceeds its bytes, drops the least recently used entries, and does the same work only once at a time."""

import asyncio

import pytest

from schema.cache import ENTRY_BYTES, Cache


def cache_of(entries: int) -> Cache[str]:
    """A cache with room for this many entries of size 100."""
    return Cache(entries * (100 + ENTRY_BYTES))


def test_the_least_recently_used_entry_is_dropped_first() -> None:
    cache = cache_of(4)
    for key in "abcd":
        cache.put(key, key.upper(), 100)
    assert cache.get("a") == "A"
    cache.put("e", "E", 100)
    assert [cache.get(key) for key in "abcde"] == ["A", None, "C", "D", "E"]
    assert (len(cache), cache.bytes) == (4, cache.max_bytes)


def test_a_large_entry_displaces_several_and_one_over_a_quarter_is_not_cached() -> None:
    cache = cache_of(8)
    for key in "abcdefgh":
        cache.put(key, key, 100)
    cache.put("large", "large", 2 * 100 + ENTRY_BYTES)
    assert [cache.get(key) for key in ("a", "b", "c", "large")] == [None, None, "c", "large"]
    cache.put("huge", "huge", cache.max_bytes // 4)
    assert (cache.get("huge"), cache.get("large")) == (None, "large")


def test_a_value_that_replaces_another_counts_once() -> None:
    cache = cache_of(4)
    for value in ("old", "new"):
        cache.put("a", value, 100)
    assert (cache.get("a"), len(cache), cache.bytes) == ("new", 1, 100 + ENTRY_BYTES)
    cache.put("a", "too large", cache.max_bytes)
    assert (cache.get("a"), len(cache), cache.bytes) == (None, 0, 0)


def test_empty_values_are_bounded_too() -> None:
    cache = cache_of(10)
    for number in range(10_000):
        cache.put(number, "", 0)
    assert cache.bytes <= cache.max_bytes
    assert len(cache) < 20


async def test_callers_at_the_same_time_share_the_work_and_later_ones_its_value() -> None:
    cache, started, finish = cache_of(4), 0, asyncio.Event()

    async def work() -> tuple[str, int]:
        nonlocal started
        started += 1
        await finish.wait()
        return "value", 100

    callers = [asyncio.create_task(cache.load("key", work)) for _ in range(10)]
    await asyncio.sleep(0)
    finish.set()
    assert await asyncio.gather(*callers) == ["value"] * 10
    assert await cache.load("key", work) == cache.get("key") == "value"
    assert started == 1


async def test_work_continues_when_the_caller_that_started_it_is_cancelled() -> None:
    cache, finish = cache_of(4), asyncio.Event()

    async def work() -> tuple[str, int]:
        await finish.wait()
        return "value", 100

    first, second = (asyncio.create_task(cache.load("key", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    finish.set()
    assert await second == "value"
    assert first.cancelled()


async def test_an_error_reaches_every_caller_and_is_not_cached() -> None:
    cache, errors = cache_of(4), [ZeroDivisionError("once")]

    async def work() -> tuple[str, int]:
        await asyncio.sleep(0)
        if errors:
            raise errors.pop()
        return "value", 100

    outcomes = await asyncio.gather(*(cache.load("key", work) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["once"] * 3
    assert await cache.load("key", work) == "value"


async def test_closing_cancels_the_work_under_way() -> None:
    cache = cache_of(4)

    async def work() -> tuple[str, int]:
        await asyncio.get_running_loop().create_future()
        return "never", 0

    caller = asyncio.create_task(cache.load("key", work))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert cache.get("key") is None
