"""How many sockets and event streams are open, in total and from each address."""

from collections import Counter

from starlette.types import Scope


class ConnectionLimits:
    """Counts open connections. Every acquire that succeeds needs one release."""

    def __init__(self, per_address: int, total: int) -> None:
        self.per_address, self.total = per_address, total
        self.open = 0
        self._open_by_address: Counter[str] = Counter()

    def acquire(self, address: str) -> bool:
        """Whether one more connection from the address is within the limits."""
        if self.open >= self.total or self._open_by_address[address] >= self.per_address:
            return False
        self.open += 1
        self._open_by_address[address] += 1
        return True

    def release(self, address: str) -> None:
        self.open -= 1
        self._open_by_address[address] -= 1
        if not self._open_by_address[address]:
            del self._open_by_address[address]


def client_address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
