"""Functions that make the objects of a response, generated once for each list of members.

For the members `name` (an attribute), `amount` (an attribute with a serializer) and `source` (a computed column):

    def build(rows, c2):
        return [
            {"name": row.name, "amount": null("amount") if (v := row.amount) is None else s1(v), "source": v2}
            for row, v2 in zip(rows, c2)
        ]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeAlias

Build: TypeAlias = Callable[..., list[dict[str, Any]]]
"""(rows, columns of the computed members) -> objects."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: an attribute of its row, a computed column, or the name of the type."""

    key: str
    attribute: str | None = None
    serialize: "Callable[[Any], Any] | EnumName | None" = None
    nullable: bool = True
    constant: str | None = None


LONGEST_KEYS: Final = 2_000
"""Characters of all keys of an object whose function is remembered."""


class EnumName:
    """Stands for the serializer of an enum whose members are called the same in GraphQL."""

    def __call__(self, value: Any) -> str:
        name: str = value._name_
        return name


ENUM_NAME = EnumName()


class NullError(Exception):
    """A field that is never null has no value."""


def null(key: str) -> NoReturn:
    raise NullError(key)


def builder(members: tuple[Member, ...]) -> Build:
    """The function for these members: remembered, unless a client chose very long keys."""
    is_short = sum(len(member.key) for member in members) <= LONGEST_KEYS
    return remembered(members) if is_short else generated(members)


def generated(members: tuple[Member, ...]) -> Build:
    names: dict[str, Any] = {"null": null}
    entries: list[str] = []
    computed: list[int] = []
    for position, member in enumerate(members):
        if member.constant is not None:
            value = repr(member.constant)
        elif member.attribute is None:
            computed.append(position)
            value = f"v{position}"
        else:
            names[f"s{position}"] = member.serialize
            value = read(member, position)
        entries.append(f"{member.key!r}: {value}")
    columns = "".join(f", c{position}" for position in computed)
    targets = "".join(f", v{position}" for position in computed)
    each = f"row{targets} in zip(rows{columns})" if computed else "row in rows"
    source = f"def build(rows{columns}):\n    return [{{{', '.join(entries)}}} for {each}]\n"
    # Keys are names of the GraphQL grammar, attributes are declared in the schema: nothing else gets into the source.
    exec(source, names)  # noqa: S102 - see above
    build: Build = names["build"]
    return build


remembered = lru_cache(maxsize=1024)(generated)


def read(member: Member, position: int) -> str:
    """The expression that reads an attribute and turns it into JSON."""
    if member.serialize is None and member.nullable:
        return f"row.{member.attribute}"
    # v._name_ is what ENUM_NAME returns, without a call.
    value = "v" if member.serialize is None else "v._name_" if member.serialize is ENUM_NAME else f"s{position}(v)"
    if member.nullable:
        return f"None if (v := row.{member.attribute}) is None else {value}"
    return f"{value} if (v := row.{member.attribute}) is not None else null({member.key!r})"


def serialized(values: Sequence[Any], serialize: Callable[[Any], Any] | None) -> Sequence[Any]:
    """A column of leaves as JSON."""
    if serialize is None:
        return values
    if serialize is ENUM_NAME:
        return [None if value is None else value._name_ for value in values]
    return [None if value is None else serialize(value) for value in values]
