"""How many sockets and event streams are open, in all and from each address."""

from collections import Counter
from typing import Any


class Places:
    """Counts what is open. Whoever takes a place has to leave it."""

    def __init__(self, each: int, most: int) -> None:
        self.each, self.most = each, most
        self.taken = 0
        self._by_address: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Whether there was a place left."""
        if self.taken >= self.most or self._by_address[address] >= self.each:
            return False
        self.taken += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        self.taken -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def address(scope: Any) -> str:
    """Where a connection comes from."""
    client = scope.get("client")
    return str(client[0]) if client else ""
