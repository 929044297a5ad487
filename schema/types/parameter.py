"""Request parameters."""

import strawberry
from strawberry import Parent, auto

from schema import tables
from schema.declarations import of
from schema.scalars import JSON


@of(tables.Parameter)
class Parameter:
    name: auto
    label: auto
    kind: auto
    supported: auto
    minimum: auto
    maximum: auto
    allowed_values: auto
    note: auto

    @strawberry.field(description="Value used when the caller gives none; null where no source states one.")
    @staticmethod
    def default(parameter: Parent[tables.Parameter]) -> JSON | None:
        return JSON(parameter.default)
