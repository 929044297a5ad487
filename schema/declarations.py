"""`@of(table)`: a type is a list of what is public; `auto` takes type and description from the column."""

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import strawberry
from sqlmodel import SQLModel
from strawberry import auto

C = TypeVar("C", bound=type)


@dataclass_transform(kw_only_default=True)
def of(table: type[SQLModel], *, description: str | None = None) -> Callable[[C], C]:
    """A GraphQL type whose values are rows of the table. Raises TypeError for an `auto` the table has no column for."""

    def present(cls: C) -> C:
        for name, annotation in list(cls.__annotations__.items()):
            if annotation is not auto:
                continue
            column = table.model_fields.get(name)
            if column is None or column.description is None:
                raise TypeError(
                    f"{cls.__name__}.{name}: {table.__name__} has no column of that name with a sentence under it."
                )
            cls.__annotations__[name] = column.annotation
            setattr(cls, name, strawberry.field(description=" ".join(column.description.split())))
        if not hasattr(cls, "is_type_of"):
            # Rows are no instances of the type; which type a row is, is known where it was asked for.
            cls.is_type_of = classmethod(_always)  # type: ignore[attr-defined] # Strawberry looks for it there
        return strawberry.type(cls, description=" ".join((description or table.__doc__ or "").split()))

    return present


def _always(cls: Any, value: Any, info: Any) -> bool:
    return True
