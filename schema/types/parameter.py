"""Request parameters."""

from strawberry import auto

from schema import tables
from schema.declarations import column, of
from schema.scalars import JSON


@of(tables.Parameter)
class Parameter:
    name: auto
    label: auto
    kind: auto
    supported: auto
    default: JSON | None = column()
    minimum: auto
    maximum: auto
    allowed_values: auto = column(largest=100)
    note: auto
