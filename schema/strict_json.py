"""JSON from outside, parsed strictly: UTF-8, no NaN or Infinity, no repeated keys, numbers bounded and exact."""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn, TypeAlias

JsonValue: TypeAlias = "bool | int | float | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
SHOWN: Final = 30
"""Characters of a key or number that an error quotes."""


class JsonError(ValueError):
    """The text is not acceptable JSON. The message is a clause about it, such as "it is not UTF-8"."""


class JsonParser:
    """Parses JSON. The arguments set the limits, and the Python types of numbers."""

    def __init__(
        self,
        *,
        decimal: Callable[[str], Decimal | float] = Decimal,
        integer: Callable[[str], int | Decimal] = int,
        max_digits: int | None = None,
        max_exponent: int | None = None,
        unique_keys: bool = True,
        byte_order_mark: bool = False,
    ) -> None:
        self.max_digits, self.max_exponent = max_digits, max_exponent
        self._decimal, self._integer = decimal, integer
        self._encoding = "utf-8-sig" if byte_order_mark else "utf-8"
        self._decoder = json.JSONDecoder(
            parse_float=decimal if max_digits is None and max_exponent is None else self._bounded_decimal,
            parse_int=integer if max_digits is None else self._bounded_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique if unique_keys else None,
        )

    def parse(self, content: bytes | str) -> JsonValue:
        """The value. Raises JsonError."""
        try:
            value: JsonValue = self._decoder.decode(
                content if isinstance(content, str) else content.decode(self._encoding)
            )
        except UnicodeDecodeError as error:
            raise JsonError(f"it is not UTF-8 at byte {error.start:,}") from error
        except json.JSONDecodeError as error:
            where = f"line {error.lineno:,}, column {error.colno:,}"
            raise JsonError(f"{error.msg[:1].lower()}{error.msg[1:]} at {where}") from error
        except RecursionError as error:
            raise JsonError("it is nested too deeply") from error
        return value

    def _bounded_decimal(self, text: str) -> Decimal | float:
        if self.max_digits is None or len(text) <= self.max_digits:
            # Check the exponent before anything expands the number: 1e999999999 would exhaust memory.
            try:
                exponent = abs(Decimal(text).adjusted())
            except InvalidOperation:
                exponent = None
            if exponent is not None and (self.max_exponent is None or exponent <= self.max_exponent):
                return self._decimal(text)
        raise JsonError(f"it contains the number {_shortened(text)}, which is out of range")

    def _bounded_integer(self, text: str) -> int | Decimal:
        if self.max_digits is not None and len(text) > self.max_digits:
            raise JsonError(f"it contains a number of {len(text):,} digits")
        return self._integer(text)


def exact_integer(text: str) -> int | Decimal:
    """The integer, as a Decimal beyond 64 bits: no JSON writer accepts such an int."""
    return int(text) if len(text) < 19 else Decimal(text)


def _refuse_constant(text: str) -> NoReturn:
    raise JsonError(f"it contains {text}, which is not JSON")


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise JsonError(f"it contains the key {json.dumps(_shortened(repeated))} twice in one object")
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
