"""Work done once for all who ask for the same at the same time, or soon after."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Answers by key, those under way included. What was used longest ago is forgotten once they weigh too much."""

    def __init__(self, weigh: Callable[[T], int], most: int) -> None:
        self.weigh, self.most, self.weight = weigh, most, 0
        self._under_way: dict[Hashable, asyncio.Future[T]] = {}
        self._known: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    async def get(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What the work gives. The key has to name all that it depends on; an error is never kept.

        Work goes on when the one who asked first gives up: others may wait for it.
        """
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key][0]
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(work())
            task.add_done_callback(lambda done: self._settled(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _settled(self, key: Hashable, done: asyncio.Future[T]) -> None:
        del self._under_way[key]
        # Asking for the exception also tells asyncio that somebody knows of it.
        if done.cancelled() or done.exception() is not None:
            return
        answer = done.result()
        weight = self.weigh(answer)
        self._known[key] = answer, weight
        self.weight += weight
        while self.weight > self.most:
            self.weight -= self._known.popitem(last=False)[1][1]
